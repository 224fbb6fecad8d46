// SPDX-License-Identifier: BSD-2-Clause
/* The table of options and what each does with its argument. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#include "cli/options.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "policy/share.h"

#define SPEC_SIZE_MAX (1024UL * 1024) /* bytes */

typedef int handler(struct options *options, const char *argument, struct failure *failure);

struct option_row {
	const char *name;
	const char *argument; /* its name, NULL: none */
	unsigned groups;
	handler *handle;
	const char *help;
};

#define SPEC_HANDLER(name, setter) \
	static int name(struct options *o, const char *argument, struct failure *failure) \
	{ \
		return setter(&o->spec, argument, failure); \
	}
SPEC_HANDLER(set_network, spec_set_network)
SPEC_HANDLER(add_domain, spec_add_domain)
SPEC_HANDLER(add_domain_file, spec_add_domain_file)
SPEC_HANDLER(add_preset, spec_add_preset)
SPEC_HANDLER(add_guarded, spec_add_guarded)
SPEC_HANDLER(add_denied, spec_add_denied)
SPEC_HANDLER(add_ech, spec_add_ech)
SPEC_HANDLER(set_rate, spec_set_rate)
SPEC_HANDLER(set_job, spec_set_name)
SPEC_HANDLER(add_label, spec_add_label)
SPEC_HANDLER(set_header, spec_set_header)
SPEC_HANDLER(add_allowed, spec_add_allowed)
SPEC_HANDLER(set_pacing, spec_set_pacing)

#define FLAG_HANDLER(name, field) \
	static int name(struct options *o, const char *argument, struct failure *failure) \
	{ \
		(void)argument; \
		(void)failure; \
		o->field = true; \
		return 0; \
	}
FLAG_HANDLER(set_annotations, annotations)
FLAG_HANDLER(set_json, json)
FLAG_HANDLER(set_all, all)
FLAG_HANDLER(set_learn, spec.learn)
FLAG_HANDLER(set_follow, follow)
FLAG_HANDLER(set_no_proxy_variables, no_proxy_variables)
FLAG_HANDLER(set_proxy, proxy)
FLAG_HANDLER(set_help, help)

static int set_cgroup(struct options *o, const char *argument, struct failure *failure)
{
	(void)failure;
	o->cgroup = argument;
	return 0;
}

static int set_user(struct options *o, const char *argument, struct failure *failure)
{
	(void)failure;
	o->user = argument;
	return 0;
}

/* A path that is not there is a mistake of who types it, who is told; a policy is for many nodes. */
static int add_share(struct options *o, const char *argument, struct failure *failure)
{
	int error = share_add(&o->shares, argument, failure);

	if (!error && !file_exists(argument))
		return fail(failure, -errno, "cannot share %s", argument);
	return error;
}

static int set_signature(struct options *o, const char *argument, struct failure *failure)
{
	(void)failure;
	o->signature = argument;
	return 0;
}

static int set_config(struct options *o, const char *argument, struct failure *failure)
{
	(void)failure;
	o->config = argument;
	return 0;
}

static int read_spec(struct options *o, const char *argument, struct failure *failure)
{
	bool standard_input = !strcmp(argument, "-");
	_fd_ int file = standard_input ? -1 : open(argument, O_RDONLY | O_CLOEXEC);
	int fd = standard_input ? STDIN_FILENO : file, error = fd < 0 ? -errno : 0;

	if (o->spec_text)
		return fail_as(failure, STATUS_USAGE, "--spec is given once");
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
			"a job has one network namespace: --netns "
			"or --pid, and once");
	if (!argument[0] || path_format(o->netns, "%s", argument))
		return fail_as(failure, STATUS_USAGE,
			"--netns needs the path of a network "
			"namespace");
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

static int set_learn_output(
	struct options *o, const char *argument, struct failure *failure)
{
	(void)failure;
	o->learn_output = argument;
	return 0;
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

static int set_new_rate(struct options *o, const char *argument, struct failure *failure)
{
	(void)failure;
	o->new_rate = argument;
	return 0;
}

static int append(const char **list, const char *argument, struct failure *failure)
{
	size_t count = 0;

	while (list[count])
		count++;
	if (count == UPDATE_DOMAINS_MAX)
		return fail_as(failure, STATUS_USAGE,
			"one update adds and removes at most %d domains each",
			UPDATE_DOMAINS_MAX);
	list[count] = argument;
	return 0;
}

static int add_new_domain(struct options *o, const char *argument, struct failure *failure)
{
	return append(o->add_domains, argument, failure);
}

static int remove_domain(struct options *o, const char *argument, struct failure *failure)
{
	return append(o->remove_domains, argument, failure);
}

static const struct option_row rows[] = {
	{ "network", "TYPE", OPTIONS_JOB, set_network,
		"none, http or full; http when a domain is given, else none" },
	{ "domain", "D", OPTIONS_JOB, add_domain,
		"allow a domain: foo.com, .foo.com (and all below), *.foo.com (all below), an "
		"address" },
	{ "domain-file", "FILE", OPTIONS_JOB, add_domain_file,
		"allow the domains in a file, one a line, # comments" },
	{ "preset", "NAME", OPTIONS_JOB, add_preset,
		"allow the domains of a preset; see: jobfence preset list" },
	{ "deny-domain", "D", OPTIONS_JOB, add_denied,
		"refuse a domain that a wildcard or --learn would allow" },
	{ "guard-domain", "D", OPTIONS_JOB, add_guarded,
		"refuse TLS to a domain, so that each request to it bears the header" },
	{ "allow-ech", "D", OPTIONS_JOB, add_ech,
		"let TLS to a domain have an encrypted ClientHello; its servers can lead to any name" },
	{ "learn", NULL, OPTIONS_JOB, set_learn,
		"allow every name, and print those used when the job ends" },
	{ "learn-output", "FILE", OPTIONS_LEARNED, set_learn_output,
		"write what was learned to FILE, as --domain-file reads it" },
	{ "learn-collapse", "N", OPTIONS_LEARNED, set_learn_collapse,
		"put a wildcard in the place of N or more names below one parent" },
	{ "rate", "R", OPTIONS_JOB, set_rate,
		"throttle each direction: 1mbit (the default), 500kbit, 10mbps; 0 for none" },
	{ "rate", "R", OPTIONS_UPDATE, set_new_rate, "the new rate; 0 for none" },
	{ "add-domain", "D", OPTIONS_UPDATE, add_new_domain, "allow one more domain" },
	{ "remove-domain", "D", OPTIONS_UPDATE, remove_domain,
		"allow it no longer; its open connections end" },
	{ "job", "ID", OPTIONS_JOB, set_job, "the job's name" },
	{ "label", "K=V", OPTIONS_JOB | OPTIONS_SELECT, add_label,
		"a label, to find the job by" },
	{ "header", "NAME", OPTIONS_JOB, set_header,
		"the header that carries the job's name; " HEADER_DEFAULT },
	{ "allow-address", "CIDR", OPTIONS_JOB, add_allowed,
		"let names resolve to private addresses of this range" },
	{ "pacing", "HOW", OPTIONS_JOB, set_pacing,
		"auto, edt (in the kernel) or proxy; auto takes edt where it can" },
	{ "spec", "FILE", OPTIONS_JOB, read_spec,
		"read the above as JSON, - for standard input; see docs/job-spec.md" },
	{ "signature", "FILE", OPTIONS_JOB, set_signature,
		"the signature of that spec, by a key that the node trusts" },
	{ "cgroup", "PATH", OPTIONS_PLACE, set_cgroup,
		"fence a cgroup that is there already" },
	{ "netns", "PATH", OPTIONS_PLACE, set_netns,
		"fence a network namespace that is there already" },
	{ "pid", "PID", OPTIONS_PLACE, set_pid, "the same, by a process that is in it" },
	{ "user", "USER", OPTIONS_EXECUTE, set_user,
		"run the command as USER[:GROUP], with the HOME and groups of that user; who called sudo, if any" },
	{ "share", "PATH", OPTIONS_SHARE, add_share,
		"keep a path below /run, or another folder that the command has of its own" },
	{ "no-proxy-env", NULL, OPTIONS_EXECUTE, set_no_proxy_variables,
		"leave http_proxy and its like as they are" },
	{ "annotations", NULL, OPTIONS_HOOK, set_annotations,
		"take annotations io.jobfence.*; only from an engine that copies none of an image" },
	{ "json", NULL, OPTIONS_JSON, set_json, "print JSON" },
	{ "all", NULL, OPTIONS_ALL, set_all, "every job" },
	{ "all", NULL, OPTIONS_CHECK, set_all, "every rule that refuses the job" },
	{ "follow", NULL, OPTIONS_FOLLOW, set_follow, "wait for more" },
	{ "proxy", NULL, OPTIONS_UPGRADE, set_proxy,
		"the proxy as well, which ends the job's connections" },
	{ "config", "FILE", ~0U, set_config,
		"the node's policy; /etc/jobfence/jobfence.conf" },
	{ "help", NULL, ~0U, set_help, "explain the command" },
};

#define ROWS ARRAY_SIZE(rows)

/* Fills in getopt's table. An option of another verb is unknown. */
static void fill(unsigned groups, struct option long_options[ROWS + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].groups == ~0U || rows[i].groups & groups)
			long_options[count++] = (struct option){ .name = rows[i].name,
				.has_arg =
					rows[i].argument ? required_argument : no_argument,
				.val = (int)i + 1 };
	long_options[count] = (struct option){};
}

int options_parse(struct options *options, unsigned groups, const char *config, int count,
	char **arguments, struct failure *failure)
{
	/* '+': what follows the first word that is no option is left alone; ':' : no output. */
	const char *short_options = groups & OPTIONS_COMMAND ? "+:h" : ":h";
	struct option long_options[ROWS + 1];
	int error = 0, found;

	*options = (struct options){ .config = config };
	fill(groups, long_options);
	opterr = 0;
	optind = 0;
	while (!error && (found = getopt_long(count, arguments, short_options, long_options,
				  NULL)) != -1) {
		const char *word = arguments[optind - 1];

		if (found == 'h')
			options->help = true;
		else if (found == ':')
			error = fail_as(failure, STATUS_USAGE,
				"option %.64s needs an argument", word);
		else if (found == '?')
			error = fail_as(failure, STATUS_USAGE,
				"option %.64s is unknown here; see: jobfence help %s", word,
				arguments[0]);
		else
			error = rows[found - 1].handle(options, optarg, failure);
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

void options_print(unsigned groups, FILE *file)
{
	for (size_t i = 0; i < ROWS; i++) {
		char left[32];

		if (rows[i].groups != ~0U && !(rows[i].groups & groups))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name,
			rows[i].argument ? " " : "",
			rows[i].argument ? rows[i].argument : "");
		fprintf(file, "  %-22s %s\n", left, rows[i].help);
	}
}

void options_print_names(unsigned groups, FILE *file)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].groups == ~0U || rows[i].groups & groups)
			fprintf(file, "--%s\n", rows[i].name);
}
