// SPDX-License-Identifier: BSD-2-Clause
/* The table of options and what each does with its argument. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "jobfence/time.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/moment.h"
#include "policy/share.h"

#define SPEC_SIZE_MAX (1024UL * 1024) /* bytes */
/* getopt's values for the rows of the table, above all characters. */
#define LONG_OPTION 256

typedef int spec_setter(
	struct job_spec *spec, const char *argument, struct failure *failure);
typedef int handler(struct options *options, const char *argument, struct failure *failure);

/*
 * Here a missing path is a mistake. In a policy it is none, since that is for many nodes.
 */
static int add_share(struct options *o, const char *argument, struct failure *failure)
{
	int error = share_add(&o->shares, argument, failure);

	if (!error && !file_exists(argument))
		return fail(failure, -errno, "cannot share %s", argument);
	return error;
}

static int read_spec(struct options *o, const char *argument, struct failure *failure)
{
	bool standard_input = !strcmp(argument, "-");
	_fd_ int file = standard_input ? -1 : open(argument, O_RDONLY | O_CLOEXEC);
	int fd = standard_input ? STDIN_FILENO : file, error = fd < 0 ? -errno : 0;

	if (o->spec_text)
		return fail_as(failure, STATUS_USAGE, "give --spec only once");
	if (!error)
		error = file_read(fd, SPEC_SIZE_MAX, &o->spec_text, &o->spec_length);
	if (error == -EFBIG)
		return fail_as(
			failure, STATUS_USAGE, "spec %s is longer than 1 MiB", argument);
	if (error)
		return fail(failure, error, "cannot read spec %s", argument);
	return spec_parse(&o->spec, o->spec_text, o->spec_length,
		standard_input ? "on standard input" : argument, failure);
}

static int set_netns(struct options *o, const char *argument, struct failure *failure)
{
	if (o->netns[0])
		return fail_as(failure, STATUS_USAGE,
			"a job has one network namespace: give --netns or --pid, and only once");
	if (!argument[0] || path_format(o->netns, "%s", argument))
		return fail_as(failure, STATUS_USAGE,
			"--netns needs the path of a network namespace");
	return 0;
}

static int set_pid(struct options *o, const char *argument, struct failure *failure)
{
	char path[PATH_SIZE];

	if (!argument[0] || strspn(argument, "0123456789") != strlen(argument) ||
		path_format(path, "/proc/%s/ns/net", argument))
		return fail_as(
			failure, STATUS_USAGE, "--pid needs the number of a process");
	o->pid = (pid_t)strtol(argument, NULL, 10);
	return set_netns(o, path, failure);
}

static int set_learn_collapse(
	struct options *o, const char *argument, struct failure *failure)
{
	size_t length = strlen(argument);
	unsigned long least = strtoul(argument, NULL, 10);

	if (!length || length > 4 || strspn(argument, "0123456789") != length || least < 2)
		return fail_as(failure, STATUS_USAGE,
			"--learn-collapse needs a number from 2 to 9999");
	o->learn_collapse = least;
	return 0;
}

static int set_iterations(struct options *o, const char *argument, struct failure *failure)
{
	size_t length = strlen(argument);

	o->iterations = strtoul(argument, NULL, 10);
	if (!length || length > 9 || strspn(argument, "0123456789") != length ||
		!o->iterations)
		return fail_as(failure, STATUS_USAGE,
			"--iterations needs a number from 1 to 999999999");
	return 0;
}

static int set_interval(struct options *o, const char *argument, struct failure *failure)
{
	size_t length = strlen(argument);
	double seconds = strtod(argument, NULL);

	if (!length || length > 9 || strspn(argument, "0123456789.") != length ||
		!(seconds >= 0.1 && seconds <= 3600))
		return fail_as(failure, STATUS_USAGE,
			"--interval needs a number of seconds from 0.1 to 3600");
	o->interval = (uint64_t)(seconds * SECOND);
	return 0;
}

static int append(const char **list, const char *argument, struct failure *failure)
{
	size_t count = 0;

	while (list[count])
		count++;
	if (count == UPDATE_DOMAINS_MAX)
		return fail_as(failure, STATUS_USAGE,
			"one update adds at most %d domains or secrets and removes at most as many",
			UPDATE_DOMAINS_MAX);
	list[count] = argument;
	return 0;
}

static int add_domain(struct options *o, const char *argument, struct failure *failure)
{
	return append(o->add_domains, argument, failure);
}

static int remove_domain(struct options *o, const char *argument, struct failure *failure)
{
	return append(o->remove_domains, argument, failure);
}

static int add_secret(struct options *o, const char *argument, struct failure *failure)
{
	return append(o->new_secrets, argument, failure);
}

static int switch_trace(struct options *o, const char *argument, struct failure *failure)
{
	if (strcmp(argument, "on") && strcmp(argument, "off"))
		return fail_as(failure, STATUS_USAGE, "--trace is on or off");
	o->new_trace = strcmp(argument, "on") ? TRACE_OFF : TRACE_ON;
	return 0;
}

static int set_since(struct options *o, const char *argument, struct failure *failure)
{
	if (moment_parse(argument, &o->since))
		return fail_as(failure, STATUS_USAGE,
			"--since is a time such as 2026-11-29T12:00:00Z, or how long ago: 90s, "
			"10m, 2h, 7d");
	return 0;
}

/*
 * A row has one of three: `spec` sets a field of the spec from the argument, `handle` does
 * something else with it, and `field` stores it as it is. A flag has a field, which becomes
 * true.
 */
struct option_row {
	struct option_shown shown;
	unsigned groups;
	spec_setter *spec;
	handler *handle;
	size_t field; /* offset in struct options */
};

#define SHOWN(name, argument, help) \
	{ \
		name, argument, help \
	}
#define SPEC(name, argument, set, help) \
	{ \
		SHOWN(name, argument, help), OPTIONS_JOB, set, NULL, 0 \
	}
#define CALL(name, argument, groups, handle, help) \
	{ \
		SHOWN(name, argument, help), groups, NULL, handle, 0 \
	}
#define TEXT(name, argument, groups, field, help) \
	{ \
		SHOWN(name, argument, help), groups, NULL, NULL, \
			offsetof(struct options, field) \
	}
#define FLAG(name, groups, field, help) TEXT(name, NULL, groups, field, help)

static const struct option_row rows[] = {
	SPEC("network", "none|http|full", spec_set_network,
		"the network; without this option http if a domain is given, else none"),
	SPEC("domain", "D", spec_add_domain,
		"allow a domain: foo.com, .foo.com (and all names below), *.foo.com (only "
		"names below) or an address"),
	SPEC("domain-file", "FILE", spec_add_domain_file,
		"allow the domains in a file, one a line; # begins a comment"),
	SPEC("preset", "PRESET", spec_add_preset,
		"allow the domains of a preset; see: jobfence preset list"),
	SPEC("deny-domain", "D", spec_add_denied,
		"refuse a domain that a wildcard or --learn would allow"),
	SPEC("guard-domain", "D", spec_add_guarded,
		"refuse TLS to a domain, so that each request to it has the header; --intercept "
		"opens it instead"),
	SPEC("allow-ech", "D", spec_add_ech,
		"allow an encrypted ClientHello to a domain; its servers can then lead to any "
		"name"),
	SPEC("intercept", "D", spec_add_intercept,
		"open the TLS to a domain, so that its requests get the header, rules and lines in "
		"the log; the job trusts a certificate authority of its own for that"),
	SPEC("rule", "RULE", spec_add_rule,
		"allow only some methods and paths of a domain: 'GET,HEAD example.com/api/**'; "
		"TLS to it, which hides them, is refused unless --intercept opens it"),
	SPEC("secret", "NAME=SOURCE@HOST[/PATH]", spec_add_secret,
		"set a secret in requests to a host, which the job never holds; SOURCE is file:PATH "
		"or fd:N; needs --intercept HOST"),
	SPEC("secret-header", "NAME=FIELD: VALUE", spec_add_secret_header,
		"the field in which a secret is set, with %s in its place; default: "
		"'Authorization: Bearer %s'"),
	FLAG("learn", OPTIONS_JOB, spec.learn,
		"allow every name, and print the names that were used when the job ends"),
	TEXT("learn-output", "FILE", OPTIONS_LEARNED, learn_output,
		"write what was learned to FILE, as --domain-file reads it"),
	CALL("learn-collapse", "N", OPTIONS_LEARNED, set_learn_collapse,
		"replace N or more learned names or paths below one parent by a wildcard"),
	TEXT("report", "FILE|-", OPTIONS_REPORT, report,
		"write what the job used and what was refused to FILE, as JSON, when it ends; "
		"with - to standard output, after what the command wrote"),
	SPEC("rate", "R", spec_set_rate,
		"throttle each direction: 1mbit (the default), 500kbit, 10mbps; 0 for none"),
	TEXT("rate", "R", OPTIONS_UPDATE, new_rate, "the new rate; 0 for none"),
	CALL("trace", "on|off", OPTIONS_UPDATE, switch_trace,
		"have the proxy write what it does to its log; see: jobfence events --trace"),
	CALL("secret", "NAME[=SOURCE]", OPTIONS_UPDATE, add_secret,
		"give a secret of the job a new value, from file:PATH or fd:N, or from its file anew"),
	CALL("add-domain", "D", OPTIONS_UPDATE, add_domain, "allow one more domain"),
	CALL("remove-domain", "D", OPTIONS_UPDATE, remove_domain,
		"stop allowing a domain; its open connections end"),
	SPEC("job", "ID", spec_set_name, "the job's name"),
	{ SHOWN("label", "K=V", "a label, to find the job by"),
		OPTIONS_JOB | OPTIONS_SELECT, spec_add_label, NULL, 0 },
	SPEC("owner-pid", "PID", spec_set_owner,
		"the process that will end the job; if it ends before, gc ends the job"),
	SPEC("header", "NAME", spec_set_header,
		"the header that carries the job's name; default: " HEADER_DEFAULT),
	SPEC("allow-address", "CIDR", spec_add_allowed,
		"let names resolve to private addresses of this range"),
	SPEC("pacing", "auto|edt|proxy", spec_set_pacing,
		"who paces: the kernel (edt) or the proxy; auto takes edt where it works"),
	SPEC("log", "FILE|-|none", spec_set_log,
		"write the request log to FILE, or with - to standard error; without this option "
		"the job has one of its own, see: jobfence help log"),
	CALL("spec", "FILE", OPTIONS_JOB, read_spec,
		"read these settings as JSON, - for standard input; see share/doc/jobfence/job-spec.md"),
	TEXT("signature", "FILE", OPTIONS_JOB, signature,
		"the signature of the spec, by a key that the node trusts"),
	TEXT("cgroup", "PATH", OPTIONS_PLACE, cgroup, "fence this existing cgroup"),
	FLAG("slice", OPTIONS_PLACE, spec.slice,
		"make the job's cgroup as a slice of systemd, for containers of engines that use "
		"its cgroups; see share/doc/jobfence/integrations/docker.md"),
	CALL("netns", "PATH", OPTIONS_PLACE, set_netns,
		"fence this existing network namespace"),
	CALL("pid", "PID", OPTIONS_PLACE, set_pid,
		"fence the network namespace of this process"),
	TEXT("user", "USER", OPTIONS_EXECUTE, user,
		"run the command as USER[:GROUP], with the HOME and groups of that user; "
		"default: the user who called sudo, if any"),
	CALL("share", "PATH", OPTIONS_SHARE, add_share,
		"let the command see this path of the node, below /run or another folder that "
		"is hidden from jobs"),
	FLAG("no-proxy-env", OPTIONS_EXECUTE, no_proxy_variables,
		"leave http_proxy and the like as they are"),
	FLAG("annotations", OPTIONS_HOOK, annotations,
		"obey annotations io.jobfence.*; only for an engine that takes none from an "
		"image"),
	FLAG("json", OPTIONS_JSON, json, "print JSON"),
	FLAG("all", OPTIONS_ALL, all, "every job"),
	FLAG("all", OPTIONS_CHECK, all, "print every rule that refuses the job"),
	FLAG("follow", OPTIONS_FOLLOW, follow, "wait for more"),
	CALL("since", "TIME", OPTIONS_EVENTS, set_since,
		"leave out what was before a time (RFC 3339), or longer ago than 90s, 10m, 2h, 7d"),
	FLAG("journal", OPTIONS_EVENTS, journal,
		"send them to systemd's journal instead of printing them"),
	FLAG("refused", OPTIONS_REFUSED, refused, "only what the fence refused"),
	FLAG("trace", OPTIONS_TRACE, trace, "print the log of the job's proxy instead"),
	FLAG("proxy", OPTIONS_UPGRADE, proxy,
		"upgrade the proxy as well, which ends the job's connections"),
	TEXT("textfile", "FILE", OPTIONS_METRICS, textfile,
		"write them to FILE, for the textfile collector of node_exporter"),
	TEXT("listen", "ADDRESS:PORT|unix:PATH", OPTIONS_METRICS, listen,
		"serve them by HTTP at /metrics; a socket of systemd is used without this"),
	FLAG("batch", OPTIONS_TOP, batch, "print plain lines, for scripts"),
	CALL("iterations", "N", OPTIONS_TOP, set_iterations,
		"with --batch: end after N rounds; default: never"),
	CALL("interval", "SECONDS", OPTIONS_TOP, set_interval,
		"the time between two samples; default: 2"),
	TEXT("config", "FILE", OPTIONS_COMMON, config,
		"the node's policy; default: /etc/jobfence/jobfence.conf"),
	FLAG("help", OPTIONS_COMMON, help, "explain the command"),
};

#define ROWS ARRAY_SIZE(rows)

/* Fills in getopt's table. An option of another verb is unknown. */
static void fill(unsigned groups, struct option long_options[ROWS + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].groups & groups)
			long_options[count++] = (struct option){
				.name = rows[i].shown.name,
				.has_arg = rows[i].shown.argument ? required_argument
								  : no_argument,
				.val = LONG_OPTION + (int)i,
			};
	long_options[count] = (struct option){};
}

static int take(struct options *options, const struct option_row *row, const char *argument,
	struct failure *failure)
{
	char *field = (char *)options + row->field;

	if (row->spec)
		return row->spec(&options->spec, argument, failure);
	if (row->handle)
		return row->handle(options, argument, failure);
	if (row->shown.argument)
		*(const char **)(void *)field = argument;
	else
		*(bool *)field = true;
	return 0;
}

static bool is_json(const struct option_row *row)
{
	return !row->spec && !row->handle && row->field == offsetof(struct options, json);
}

/* Takes an option of the table. An error is about that option. */
static int take_row(struct options *options, const struct option_row *row,
	const char *argument, struct failure *failure)
{
	int error = take(options, row, argument, failure);

	if (error) {
		char name[sizeof(failure->setting)];

		snprintf(name, sizeof(name), "--%s", row->shown.name);
		failure_about(failure, name, argument);
	}
	return error;
}

/* A word that getopt can't take: its argument is missing (':'), or it is unknown. */
static int refuse(int found, const char *verb, const char *word, struct failure *failure)
{
	char name[sizeof(failure->setting)];
	int error = found == ':' ? fail_as(failure, STATUS_USAGE,
					   "option %.64s needs an argument", word)
				 : fail_as(failure, STATUS_USAGE,
					   "unknown option %.64s; see: jobfence help %s",
					   word, verb);

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	failure_about(failure, name, NULL);
	return error;
}

int options_parse(struct options *options, unsigned groups, bool whole_line,
	const char *config, int count, char **arguments, struct failure *failure)
{
	/* '+' ends at the first word that is no option. ':' keeps getopt silent. */
	const char *short_options = whole_line ? ":h" : "+:h";
	struct option long_options[ROWS + 1];
	int error = 0, found;

	*options = (struct options){ .config = config };
	fill(groups | OPTIONS_COMMON, long_options);
	opterr = 0;
	optind = 0;
	while ((found = getopt_long(count, arguments, short_options, long_options, NULL)) !=
		-1) {
		bool row = found >= LONG_OPTION;

		/* After an error, how to report it is all that counts. */
		if (error)
			options->json |= row && is_json(&rows[found - LONG_OPTION]);
		else if (found == 'h')
			options->help = true;
		else if (row)
			error = take_row(
				options, &rows[found - LONG_OPTION], optarg, failure);
		else
			error = refuse(found, arguments[0], arguments[optind - 1], failure);
	}
	options->arguments = arguments + optind;
	options->count = count - optind;
	return error;
}

void options_free(struct options *options)
{
	spec_free(&options->spec);
	free(options->spec_text);
	json_decref(options->shares);
}

void options_each(unsigned groups,
	void (*show)(const struct option_shown *option, void *data), void *data)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].groups & groups)
			show(&rows[i].shown, data);
}
