// SPDX-License-Identifier: BSD-2-Clause
/*
 * The SPANK plugin jobfence-slurm.so (spank(8)). Slurm loads it into its commands, for the
 * options, and into slurmd and slurmstepd.
 *
 * In slurmstepd, once the options are known, the fence is made or joined. From then on
 * everything that slurmstepd forks begins behind the fence: the tasks, and also the
 * program of `srun --task-epilog`, for which no callback is made. So the fence is entered
 * at fork(2) (pthread_atfork(3)). Without a fence such a child ends at once and says why.
 * That works whether or not plugstack.conf calls the plugin `required`.
 */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/cleanup.h"
#include "lib/inherited.h"
#include "slurm/fence.h"

/* Slurm looks for what this header declares, and for what SPANK_PLUGIN defines. */
#pragma GCC visibility push(default)
#include <slurm/slurm.h>
#include <slurm/spank.h>

SPANK_PLUGIN(jobfence, 1)
#pragma GCC visibility pop

enum setting { NETWORK, DOMAINS, PRESETS, RATE, SETTINGS };

/* What plugstack.conf says. */
struct site {
	const char *settings[SETTINGS];
	const char *program;
	const char *partitions; /* whose jobs have a fence, unless all have one */
	bool all;
	const char *unknown; /* an argument that is none */
};

static const char *asked[SETTINGS];
static bool fenced; /* this slurmstepd starts nothing that is not behind the fence */
static bool stands; /* and that one stands */
static bool inside; /* this process was forked, and is behind it */
static struct fence fence = { .netns = -1,
	.step = { .lock = -1, .entrance = -1, .waiting = -1 } };

/*
 * Takes the value of an option, each time that it is given. Slurm hands only the last one
 * to the node (spank_process_option() in src/common/plugstack.c). So its commands refuse
 * another list: what the first one has would be lost. sbatch reads its options twice.
 */
static int take_option(int setting, const char *argument, int remote)
{
	_free_ char *own = NULL;

	if (!argument)
		return -1;
	if (!remote && (setting == DOMAINS || setting == PRESETS) && asked[setting] &&
		strcmp(asked[setting], argument) != 0) {
		slurm_error("jobfence: --%s was given before, as %s; give one list with "
			    "commas",
			setting == DOMAINS ? "fence-domain" : "fence-preset",
			asked[setting]);
		return -1;
	}
	own = strdup(argument);
	if (!own)
		return -1;
	free((char *)asked[setting]);
	asked[setting] = TAKE_POINTER(own);
	return 0;
}

static struct spank_option options[] = {
	{ "fence-network", "none|http|full",
		"the network of the job: none, http for declared domains, or full", 1,
		NETWORK, take_option },
	{ "fence-domain", "D[,D...]",
		"allow domains: foo.com, .foo.com (and all names below)", 1, DOMAINS,
		take_option },
	{ "fence-preset", "P[,P...]", "allow the domains of presets, such as python", 1,
		PRESETS, take_option },
	{ "fence-rate", "R", "throttle each direction on each node: 10mbit, 500kbit", 1,
		RATE, take_option },
};

static bool take_value(const char *argument, const char *key, const char **value)
{
	size_t length = strlen(key);

	if (strncmp(argument, key, length) != 0 || argument[length] != '=')
		return false;
	*value = argument + length + 1;
	return true;
}

/* The program of the installation that the plugin is in: libexec/jobfence of a prefix. */
static const char *own_program(void)
{
	static char path[PATH_SIZE];
	Dl_info plugin;
	int length = 0;

	if (!dladdr(options, &plugin))
		return "/usr/local/bin/jobfence";
	length = (int)strlen(plugin.dli_fname);
	for (int i = 0; i < 3; i++)
		while (length > 0 && plugin.dli_fname[--length] != '/')
			;
	path_format(path, "%.*s/bin/jobfence", length, plugin.dli_fname);
	return path;
}

static struct site read_site(int count, char *arguments[])
{
	struct site site = { .program = own_program() };
	const char *all = NULL;

	for (int i = 0; i < count; i++) {
		if (!take_value(arguments[i], "network", &site.settings[NETWORK]) &&
			!take_value(arguments[i], "domain", &site.settings[DOMAINS]) &&
			!take_value(arguments[i], "preset", &site.settings[PRESETS]) &&
			!take_value(arguments[i], "rate", &site.settings[RATE]) &&
			!take_value(arguments[i], "partition", &site.partitions) &&
			!take_value(arguments[i], "jobfence", &site.program) &&
			!take_value(arguments[i], "default", &all))
			site.unknown = arguments[i];
	}
	if (all && strcmp(all, "on") != 0 && strcmp(all, "off") != 0)
		site.unknown = "default=, which is on or off";
	site.all = all && !strcmp(all, "on");
	return site;
}

static bool is_in_list(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL)
		if (!strncmp(list, word, length) && (list[length] == ',' || !list[length]))
			return true;
	return false;
}

/*
 * Whether the job is in one of the partitions. The controller is asked, since a user can
 * set the variables of a step. Also true if it does not answer.
 */
static bool is_in_partitions(uint32_t job, const char *partitions)
{
	job_info_msg_t *answer = NULL;
	bool found = false;

	if (slurm_load_job(&answer, job, SHOW_ALL))
		return true;
	for (uint32_t i = 0; i < answer->record_count; i++) {
		const char *partition = answer->job_array[i].partition;

		if (!partition || is_in_list(partitions, partition))
			found = true;
	}
	found = found || !answer->record_count;
	slurm_free_job_info_msg(answer);
	return found;
}

static bool has_asked(void)
{
	for (int i = 0; i < SETTINGS; i++)
		if (asked[i])
			return true;
	return false;
}

static void become(uid_t user)
{
	/* Of this thread alone: there is no other one after a fork. */
	if (syscall(SYS_setresuid, -1, user, -1))
		_exit(1);
}

/*
 * What slurmstepd forks begins here. It may have dropped its privileges for a while. In a
 * step without a fence it enters the job's cgroup all the same: the limits of the job hold
 * there, and the fence that another step makes.
 */
static void begin_child(void)
{
	const bool may = fenced ? stands : fence.step.entrance >= 0;
	uid_t user = geteuid();
	int error;

	if (inside || (!fenced && !may))
		return;
	become(0);
	error = may ? step_enter(&fence.step, fence.netns) : -EPERM;
	/* srun --mpi=pmix listens for other nodes (net_stream_listen()). */
	if (!error && fenced)
		error = inherited_withhold_sockets();
	become(user);
	inside = !error;
	if (inside)
		return;
	if (may)
		slurm_error("jobfence: cannot enter the job: %s", strerror(-error));
	else
		slurm_error("%s", fence.why);
	_exit(1);
}

static const char *either(const struct site *site, enum setting setting)
{
	return asked[setting] ? asked[setting] : site->settings[setting];
}

static int set_variables(spank_t spank, const json_t *variables)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)variables, name, value)
		if (spank_setenv(spank, name, json_string_value(value), 1))
			return -EIO;
	return 0;
}

/*
 * For sbatch --get-user-env, slurmd itself runs the login shell of the user, in no job
 * (su(1) in src/common/env.c). With GetEnvTimeout=0 it does not. slurmd does not hand that
 * line to slurmstepd (src/slurmd/common/slurmstepd_init.c of Slurm 23.02), so the
 * controller is asked. Returns NULL, or what is wrong.
 */
static const char *check_login_shells(void)
{
	slurm_conf_t *conf = NULL;
	bool runs;

	if (slurm_load_ctl_conf(0, &conf) || !conf)
		return "the controller does not say whether slurm.conf has GetEnvTimeout=0";
	runs = conf->get_env_timeout;
	slurm_free_ctl_conf(conf);
	return runs ? "slurm.conf needs GetEnvTimeout=0, since users would get around the "
		      "fence by sbatch --get-user-env"
		    : NULL;
}

/* Refuses a configuration by which users would get around the fence. */
static int check_site(const struct site *site)
{
	const char *problem = NULL;

	if (site->unknown) {
		snprintf(fence.why, sizeof(fence.why),
			"jobfence: plugstack.conf has an unknown argument: %s",
			site->unknown);
		return -EINVAL;
	}
	if (site->all || site->partitions)
		problem = check_login_shells();
	if (problem) {
		snprintf(fence.why, sizeof(fence.why), "jobfence: %s", problem);
		return -EINVAL;
	}
	return 0;
}

/* Makes the fence, or joins it, for the step whose slurmstepd has left the job. */
static int make_fence(spank_t spank, const struct site *site)
{
	const struct fence_settings settings = { either(site, NETWORK),
		either(site, DOMAINS), either(site, PRESETS), either(site, RATE) };
	const json_t *trust;
	int error = check_site(site);

	if (error)
		return error;
	error = fence_begin(&fence, &settings, has_asked());
	trust = json_object_get(fence.document, "trust");
	if (!error)
		error = set_variables(spank, json_object_get(fence.document, "env"));
	if (!error)
		error = set_variables(spank, json_object_get(trust, "env"));
	return error;
}

int slurm_spank_init(spank_t spank, int count, char *arguments[])
{
	(void)count;
	(void)arguments;
	switch (spank_context()) {
	case S_CTX_LOCAL:
	case S_CTX_ALLOCATOR:
	case S_CTX_REMOTE:
		for (size_t i = 0; i < ARRAY_SIZE(options); i++)
			if (spank_option_register(spank, &options[i]))
				return -1;
		return 0;
	default:
		return 0;
	}
}

/*
 * Whether this step has a fence. The one that Slurm keeps for logins (PrologFlags=Contain)
 * knows no options. Its process sleeps only.
 */
static bool wants_fence(const struct site *site, uint32_t step)
{
	if (step == SLURM_EXTERN_CONT)
		return false;
	return has_asked() || site->all || site->unknown || fence_is_there(fence.job) ||
	       (site->partitions && is_in_partitions(fence.job, site->partitions));
}

/*
 * Moves slurmstepd out of the job, whether this step has a fence or not: another one may
 * have it. Makes the fence in between, in the node's mount namespace.
 */
static int begin_step(spank_t spank, const struct site *site)
{
	int error = step_lock(&fence.step, fence.job), failure = 0;

	if (error) {
		snprintf(fence.why, sizeof(fence.why),
			"jobfence: cannot lock " STEP_LOCK ": %s", strerror(-error));
		return error;
	}
	error = step_leave(&fence.step, fence.job);
	if (error) {
		snprintf(fence.why, sizeof(fence.why),
			"jobfence: slurmstepd can't leave the cgroup of its job, which takes "
			"ProctrackType=proctrack/cgroup and cgroup v2: %s",
			strerror(-error));
		return error;
	}
	if (fenced)
		failure = make_fence(spank, site);
	error = step_stay_out(&fence.step);
	if (!failure)
		failure = error;
	if (failure && !fence.why[0])
		snprintf(fence.why, sizeof(fence.why), "jobfence: no fence: %s",
			strerror(-failure));
	return failure;
}

/*
 * A failure here would drain the node. A job's wrong domain may not do that, so the tasks
 * fail instead.
 */
int slurm_spank_init_post_opt(spank_t spank, int count, char *arguments[])
{
	struct site site = read_site(count, arguments);
	uint32_t step;

	if (spank_context() != S_CTX_REMOTE)
		return 0;
	/* A step goes on without an `optional` plugin that fails. Then its tasks end. */
	fenced = true;
	fence.program = site.program;
	if (spank_get_item(spank, S_JOB_ID, &fence.job) ||
		spank_get_item(spank, S_JOB_STEPID, &step)) {
		slurm_error("jobfence: Slurm does not tell the number of the job");
		return -1;
	}
	fenced = wants_fence(&site, step);
	if (pthread_atfork(NULL, NULL, begin_child)) {
		slurm_error("jobfence: no memory");
		return -1;
	}
	stands = !begin_step(spank, &site);
	if (fence.step.lock >= 0)
		close(TAKE_FD(fence.step.lock));
	return 0;
}

int slurm_spank_task_init_privileged(spank_t spank, int count, char *arguments[])
{
	int error = fenced ? fence_show_files(&fence) : 0;

	(void)spank;
	(void)count;
	(void)arguments;
	if (!error)
		return 0;
	slurm_error("jobfence: cannot mount the files of the job: %s", strerror(-error));
	_exit(1);
}

/* Other plugins had their turn by now. So this looks whether the fence still holds. */
int slurm_spank_task_init(spank_t spank, int count, char *arguments[])
{
	(void)spank;
	(void)count;
	(void)arguments;
	if (!fenced ||
		(step_is_inside(&fence.step, fence.netns) && !inherited_withhold_sockets()))
		return 0;
	slurm_error("jobfence: the task is not behind its fence: its cgroup or its network "
		    "namespace is another");
	_exit(1);
}

int slurm_spank_exit(spank_t spank, int count, char *arguments[])
{
	(void)spank;
	(void)count;
	(void)arguments;
	step_end(&fence.step);
	return 0;
}

int slurm_spank_job_epilog(spank_t spank, int count, char *arguments[])
{
	struct site site = read_site(count, arguments);

	fence.program = site.program;
	if (spank_get_item(spank, S_JOB_ID, &fence.job))
		return -1;
	if (!fence_end(&fence))
		return 0;
	slurm_error("%s", fence.why);
	return -1;
}
