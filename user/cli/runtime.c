// SPDX-License-Identifier: BSD-2-Clause
/* See runtime.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/runtime.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/json.h"
#include "lib/json_numbers.h"
#include "oci/browser.h"
#include "oci/container_trust.h"
#include "oci/hook.h"

#define CONFIG_MAX (64UL * 1024 * 1024) /* bytes */

/*
 * Verbs that start nothing outside an existing fence. Unknown verbs might, so they are
 * refused.
 */
static const char *const harmless[] = { "state", "start", "kill", "delete", "exec", "ps",
	"list", "pause", "resume", "update", "events", "features", "spec", "checkpoint",
	"--version", "-v", "--help", "-h" };
static const char *const with_value[] = { "--root", "--log", "--log-format", "--log-level",
	"--rootless", "--criu", "--cgroup-manager" };

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(word, list[i]))
			return true;
	return false;
}

/* The index of the verb, or of an option such as --version. `count`: there is none. */
static int find_verb(int count, char **arguments)
{
	int i = 1;

	while (i < count && arguments[i][0] == '-' &&
		!is_one_of(arguments[i], harmless, ARRAY_SIZE(harmless)))
		i += is_one_of(arguments[i], with_value, ARRAY_SIZE(with_value)) ? 2 : 1;
	return i < count ? i : count;
}

/*
 * Finds the bundle that the runtime will take for `create` or `run`, and the name of the
 * container, which may be missing (""). The last one counts.
 * An unknown option is refused, and so is one that is abbreviated or run together. It
 * might name another bundle, or another file in it, as crun's --config does.
 */
static int find_bundle(
	char **words, const char **bundle, const char **id, struct failure *failure)
{
	static const char *const switches[] = { "--detach", "-d", "--keep", "--no-pivot",
		"--no-new-keyring", "--no-subreaper" };
	static const char *const values[] = { "--bundle", "-b", "--console-socket",
		"--pidfd-socket", "--pid-file", "--preserve-fds" };

	*bundle = ".";
	*id = "";
	for (; *words && strcmp(*words, "--"); words++) {
		size_t length = strcspn(*words, "="), i = 0;
		const char *value = (*words)[length] ? *words + length + 1 : words[1];

		if ((*words)[0] != '-')
			*id = *words;
		if ((*words)[0] != '-' || is_one_of(*words, switches, ARRAY_SIZE(switches)))
			continue;
		while (i < ARRAY_SIZE(values) &&
			(strlen(values[i]) != length || strncmp(*words, values[i], length)))
			i++;
		/* crun reads -b=PATH as the value "=PATH". */
		if (i == ARRAY_SIZE(values) || !value || !value[0] ||
			(value != words[1] && values[i][1] != '-'))
			return fail_as(failure, STATUS_USAGE,
				"option %.64s of the runtime is not known, or has no value",
				*words);
		if (i < 2)
			*bundle = value;
		words += value == words[1];
	}
	if (*words && words[1])
		*id = words[1];
	return 0;
}

/* A bundle's config.json. */
struct config {
	char path[PATH_MAX];
	char mark[NUMBER_MARK_SIZE];
	json_t *json;
};

static void cleanup_config(struct config *config)
{
	json_decref(config->json);
}

static int read_config(struct config *config, struct failure *failure)
{
	_fd_ int fd = open(config->path, O_RDONLY | O_CLOEXEC);
	_free_ char *text = NULL, *hidden = NULL;
	size_t length = 0;
	json_error_t problem;
	int error = fd < 0 ? -errno : file_read(fd, CONFIG_MAX, &text, &length);

	if (!error)
		error = number_mark_make(config->mark);
	if (!error)
		hidden = numbers_hide(text, length, config->mark, &length);
	if (!error && !hidden)
		error = -ENOMEM;
	if (error)
		return fail(failure, error, "cannot read %.200s", config->path);
	config->json = json_loadb(hidden, length, 0, &problem);
	return config->json ? 0
			    : fail_as(failure, STATUS_USAGE, "%.200s: %s", config->path,
				      problem.text);
}

static int write_config(const struct config *config)
{
	_free_ char *text = json_dumps(config->json, JSON_COMPACT);
	char fresh[PATH_MAX + 8];
	struct stat status;
	mode_t mask;
	int error;

	if (!text)
		return -ENOMEM;
	numbers_show(text, config->mark);
	snprintf(fresh, sizeof(fresh), "%s.new", config->path);
	if (stat(config->path, &status))
		return -errno;
	/*
	 * The environment in it may have secrets, so nobody else reads it meanwhile. An
	 * older file would keep its mode.
	 */
	if (unlink(fresh) && errno != ENOENT)
		return -errno;
	mask = umask(077);
	error = file_write(fresh, text);
	umask(mask);
	if (error)
		return error;
	if (chmod(fresh, status.st_mode & 07777) || rename(fresh, config->path))
		return -errno;
	return 0;
}

static int fence_bundle(char **words, bool annotations, struct failure *failure)
{
	_cleanup_(cleanup_config) struct config config = {};
	char program[PATH_MAX];
	const char *bundle, *id;
	int error = find_bundle(words, &bundle, &id, failure);

	if (error)
		return error;
	if (snprintf(config.path, sizeof(config.path), "%s/config.json", bundle) >=
			PATH_MAX ||
		!realpath("/proc/self/exe", program))
		return fail(failure, -ENAMETOOLONG, "bundle %.128s", bundle);
	error = read_config(&config, failure);
	if (!error)
		error = oci_add_hooks(config.json, bundle, program, annotations, failure);
	if (!error)
		error = oci_add_browser_policies(config.json, bundle, failure);
	if (!error && oci_opens_tls(config.json, annotations))
		error = container_trust_add(config.json, bundle, id, failure);
	if (error)
		return error;
	error = write_config(&config);
	return error ? fail(failure, error, "cannot write %.200s", config.path) : 0;
}

static int become_runtime(char **arguments, struct failure *failure)
{
	const char *chosen = getenv("JOBFENCE_OCI_RUNTIME");

	arguments[0] = (char *)(chosen ? chosen : "runc");
	execvp(arguments[0], arguments);
	if (!chosen && errno == ENOENT) {
		arguments[0] = (char *)"crun";
		execvp(arguments[0], arguments);
	}
	return fail(failure, -errno, "cannot run %.128s", arguments[0]);
}

/* Engines show the last error in the file of --log, where runtimes write JSON. */
static void log_failure(int count, char **arguments, const struct failure *failure)
{
	_json_ json_t *line = json_pack(
		"{s:s, s:s+}", "level", "error", "msg", "jobfence: ", failure->text);
	_file_ FILE *log = NULL;

	for (int i = 1; i + 1 < count && !log; i++)
		if (!strcmp(arguments[i], "--log"))
			log = fopen(arguments[i + 1], "ae");
	if (log && line && !json_dumpf(line, log, JSON_COMPACT))
		fputc('\n', log);
}

int runtime_main(int count, char **arguments)
{
	bool annotations = count > 1 && !strcmp(arguments[1], "--annotations");
	struct failure failure = {};
	const char *verb;
	int at, error = 0;

	/* The option is ours and not the runtime's. */
	count -= annotations;
	arguments += annotations;
	at = find_verb(count, arguments);
	verb = at < count ? arguments[at] : "--help";

	if (!strcmp(verb, "create") || !strcmp(verb, "run")) {
		/* What the bundle gets is for all users of the container. */
		mode_t mask = umask(022);

		error = fence_bundle(arguments + at + 1, annotations, &failure);
		umask(mask);
	} else if (!is_one_of(verb, harmless, ARRAY_SIZE(harmless))) {
		error = fail_as(&failure, STATUS_USAGE,
			RUNTIME_NAME " knows no way to fence what '%.32s' starts", verb);
	}
	if (!error)
		become_runtime(arguments, &failure);
	report_failure(&failure);
	log_failure(at, arguments, &failure);
	return (int)failure.status;
}
