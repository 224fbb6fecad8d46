// SPDX-License-Identifier: BSD-2-Clause
/* See fence.h. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "lib/failure.h"
#include "lib/files.h"
#include "lib/json.h"
#include "lib/siphash.h"
#include "node/cgroup.h"
#include "slurm/fence.h"

#define PATIENCE  60 /* seconds; a command of jobfence waits for 25 s at most */
#define NAME_SIZE 32
#define SETTINGS  "slurm_settings" /* the label with a digest of the settings */

/* Arguments of a command, NULL-terminated. */
struct command {
	const char **words;
	size_t count, room;
};

static void cleanup_command(struct command *command)
{
	free(command->words);
}

static int add(struct command *command, const char *word)
{
	if (command->count + 1 >= command->room) {
		size_t room = command->room ? 2 * command->room : 32;
		const char **words =
			reallocarray(command->words, room, sizeof(*command->words));

		if (!words)
			return -ENOMEM;
		command->words = words;
		command->room = room;
	}
	command->words[command->count++] = word;
	command->words[command->count] = NULL;
	return 0;
}

static int add_all(struct command *command, const char *const words[])
{
	int error = 0;

	for (; !error && *words; words++)
		error = add(command, *words);
	return error;
}

/* Adds an option for each part of a list, which is cut up for that. NULL: adds none. */
static int add_list(struct command *command, const char *option, char *list)
{
	int error = 0;

	while (!error && list) {
		const char *part = strsep(&list, ",");

		error = add_all(command, (const char *const[]){ option, part, NULL });
	}
	return error;
}

static int copy(const char *text, char **own)
{
	*own = text ? strdup(text) : NULL;
	return text && !*own ? -ENOMEM : 0;
}

static void format_name(uint32_t job, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "slurm-%" PRIu32, job);
}

static void format_label(uint32_t job, char label[NAME_SIZE])
{
	snprintf(label, NAME_SIZE, "slurm_job=%" PRIu32, job);
}

/* Slurm's epilog has no standard input. What is opened here may not take its number. */
static int fill_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/*
 * Runs jobfence. `*document` becomes what it prints, or NULL. Returns its status, or
 * -errno. Unless that is 0, `why` is what it said.
 */
static int run(struct fence *fence, const char *const words[], json_t **document)
{
	int error = fill_standard();
	_fd_ int output = error ? -1 : memfd_create("output", MFD_CLOEXEC);
	const struct helper helper = { .arguments = words,
		.environment = (const char *const[]){ NULL },
		.input = "",
		.output = output,
		.timeout = PATIENCE };
	int status = error ? error : output < 0 ? -errno : helper_run(&helper, fence->why);

	if (status < 0)
		snprintf(fence->why, sizeof(fence->why), "jobfence: cannot run %s: %s",
			words[0], strerror(-status));
	fence->why[strcspn(fence->why, "\n")] = '\0';
	json_decref(*document);
	*document = NULL;
	if (status >= 0 && lseek(output, 0, SEEK_SET) == 0)
		*document = json_loadfd(output, 0, NULL);
	return status;
}

static const char *text_of(const json_t *document, const char *key)
{
	const char *text = json_string_value(json_object_get(document, key));

	return text ? text : "";
}

/* Tells settings apart. A job can forge only its own, so the key is no secret. */
static uint64_t digest(const struct command *command, size_t from)
{
	static const uint64_t key[2];
	struct siphash hash;

	siphash_begin(&hash, key);
	for (size_t i = from; i < command->count; i++)
		siphash_add(&hash, command->words[i], strlen(command->words[i]) + 1);
	return siphash_end(&hash);
}

/*
 * Looks at the job as it stands. `list` tells of a job whose cgroup has gone, too. Returns
 * 0 or -EIO.
 */
static int look(struct fence *fence)
{
	char label[NAME_SIZE];
	const char *const list[] = { fence->program, "list", "--label", label, "--json",
		NULL };
	json_t *job;

	format_label(fence->job, label);
	if (run(fence, list, &fence->document))
		return -EIO;
	job = json_incref(json_array_get(fence->document, 0));
	json_decref(fence->document);
	fence->document = job;
	if (job)
		return 0;
	snprintf(fence->why, sizeof(fence->why),
		"jobfence: the fence of this job cannot be found");
	return -EIO;
}

/* Joins the fence of an earlier step. Returns 1 if that one has gone with its cgroup. */
static int join(struct fence *fence, const char *settings)
{
	const char *state, *made;

	if (look(fence))
		return -EIO;
	state = text_of(fence->document, "state");
	made = text_of(json_object_get(fence->document, "labels"), SETTINGS);
	if (!strcmp(state, "gone"))
		return 1;
	if (strcmp(state, "up") != 0 && strcmp(state, "stuck") != 0 &&
		strcmp(state, "cut-off") != 0)
		snprintf(fence->why, sizeof(fence->why),
			"jobfence: the fence of this job is %s on this node", state);
	else if (strcmp(text_of(fence->document, "cgroup"), fence->step.cgroup) != 0)
		snprintf(fence->why, sizeof(fence->why),
			"jobfence: the fence of this job is around another cgroup, %s",
			text_of(fence->document, "cgroup"));
	else if (settings && strcmp(made, settings) != 0)
		snprintf(fence->why, sizeof(fence->why),
			"jobfence: an earlier step of this job asked for another fence; "
			"all steps share one, so give all of them the same options, or "
			"give this one none");
	else
		return 0;
	return -EEXIST;
}

static int up(struct fence *fence, const char *name, const struct command *command,
	const char *settings)
{
	const char *const down[] = { fence->program, "down", name, NULL };
	_json_ json_t *ignored = NULL;

	for (int i = 0; i < 2; i++) {
		int status = run(fence, command->words, &fence->document), joined;

		if (!status)
			return 0;
		if (status != STATUS_EXISTS)
			return status < 0 ? status : -EPERM;
		joined = join(fence, settings);
		if (joined <= 0)
			return joined;
		status = run(fence, down, &ignored);
		if (status && status != STATUS_NO_JOB)
			return -EIO;
	}
	return -EEXIST;
}

/* Adds the options for what the job asks for. The copies of lists have to stay. */
static int add_settings(struct command *command, const struct fence_settings *settings,
	char *domains, char *presets)
{
	int error = 0;

	if (settings->network)
		error = add_all(command,
			(const char *const[]){ "--network", settings->network, NULL });
	if (!error && settings->rate)
		error = add_all(
			command, (const char *const[]){ "--rate", settings->rate, NULL });
	if (!error)
		error = add_list(command, "--domain", domains);
	if (!error)
		error = add_list(command, "--preset", presets);
	return error;
}

int fence_begin(struct fence *fence, const struct fence_settings *settings, bool asked)
{
	_cleanup_(cleanup_command) struct command command = {};
	_free_ char *domains = NULL, *presets = NULL;
	char name[NAME_SIZE], number[NAME_SIZE], sum[NAME_SIZE] = "", label[2 * NAME_SIZE];
	const char *netns;
	size_t common;
	int error;

	format_name(fence->job, name);
	format_label(fence->job, number);
	error = copy(settings->domains, &domains);
	if (!error)
		error = copy(settings->presets, &presets);
	if (!error)
		error = add_all(
			&command, (const char *const[]){ fence->program, "up", "--json",
					  "--job", name, "--cgroup", fence->step.cgroup,
					  "--label", number, NULL });
	common = command.count;
	if (!error)
		error = add_settings(&command, settings, domains, presets);
	if (error)
		return error;
	snprintf(sum, sizeof(sum), "%016" PRIx64, digest(&command, common));
	snprintf(label, sizeof(label), SETTINGS "=%s", sum);
	error = add_all(&command, (const char *const[]){ "--label", label, NULL });
	if (!error)
		error = up(fence, name, &command, asked ? sum : NULL);
	if (error)
		return error;
	netns = text_of(fence->document, "netns");
	if (*netns)
		fence->netns = open(netns, O_RDONLY | O_CLOEXEC);
	return *netns && fence->netns < 0 ? -errno : 0;
}

bool fence_is_there(uint32_t job)
{
	char name[NAME_SIZE], path[PATH_SIZE];

	format_name(job, name);
	return path_format(path, RUN_JOBS_FOLDER "/%s", name) || file_exists(path);
}

/* Ends what is left of the job, whose slurmstepd may have been killed. */
static int end_processes(struct fence *fence)
{
	char end[NAME_SIZE];
	const char *cgroup, *last;

	if (look(fence))
		return -EIO;
	cgroup = text_of(fence->document, "cgroup");
	last = strrchr(cgroup, '/');
	snprintf(end, sizeof(end), "/job_%" PRIu32, fence->job);
	return last && !strcmp(last, end) ? cgroup_kill(cgroup, KILL_PATIENCE) : -EINVAL;
}

int fence_end(struct fence *fence)
{
	char name[NAME_SIZE];
	const char *const down[] = { fence->program, "down", name, NULL };
	int status;

	if (!fence_is_there(fence->job))
		return 0;
	format_name(fence->job, name);
	status = run(fence, down, &fence->document);
	if (status > 0 && status != STATUS_NO_JOB && !end_processes(fence))
		status = run(fence, down, &fence->document);
	if (!status || status == STATUS_NO_JOB)
		return 0;
	if (!fence->why[0])
		snprintf(fence->why, sizeof(fence->why),
			"jobfence: the processes of job %s do not end", name);
	return -EIO;
}

static int cover(const char *source, const char *target, unsigned long flags)
{
	if (mount(source, target, NULL, MS_BIND, NULL))
		return -errno;
	if (flags && mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | flags, NULL))
		return -errno;
	return 0;
}

int fence_show_files(const struct fence *fence)
{
	const json_t *trust = json_object_get(fence->document, "trust");
	const char *resolv_conf = text_of(fence->document, "resolv_conf");
	_free_ char *target = realpath("/etc/resolv.conf", NULL);
	int error = 0;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return -errno;
	if (*resolv_conf && target)
		error = cover(resolv_conf, target, 0);
	if (!error && json_is_object(trust)) {
		const char *place = text_of(trust, "mount_at");

		error = folder_make(place);
		if (!error)
			error = cover(text_of(trust, "folder"), place,
				MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
	}
	return error;
}
