// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence manual`: the page of the manual as man(7) source, made from the tables. */

#include <stdio.h>

#include "cli/command.h"

static const char head[] =
	".TH JOBFENCE 8 \"\" \"jobfence " VERSION "\" \"System administration\"\n"
	".SH NAME\n"
	"jobfence \\- fence the network of container jobs in the kernel\n"
	".SH SYNOPSIS\n";

static const char description[] =
	".SH DESCRIPTION\n"
	"A job declares the domains that it needs. Programs on its cgroup let it open TCP connections to the\n"
	"ports 80 and 443 only, all of which end at a small proxy of its own, which relays to those domains\n"
	"and to nothing else. All else fails at once with EPERM. To every HTTP request the proxy adds a\n"
	"header with the job's name, and both directions are throttled.\n"
	".PP\n"
	".B run\n"
	"does all for one command. An executor that starts processes itself calls\n"
	".B up\n"
	"before, puts them into the cgroup and the network namespace that it prints, and calls\n"
	".B down\n"
	"after them.\n"
	".SH COMMANDS\n";

static const char tail[] =
	".SH DOMAINS\n"
	"foo.com allows that name; .foo.com that name and every name below it; *.foo.com every name below\n"
	"it. Case, surrounding blanks and one trailing dot do not count; Unicode is turned into A-labels.\n"
	"An address allows itself.\n"
	".SH SPEC\n"
	".nf\n"
	"{\"job\": \"j1\", \"network\": {\"type\": \"http\", \"domains\": [\"crates.io\"]}, \"rate\": \"1mbit\",\n"
	" \"pacing\": \"auto\", \"header\": \"X-Jobfence-Job-ID\", \"allow_addresses\": [],\n"
	" \"guard_domains\": [], \"deny_domains\": [], \"allow_ech\": [], \"presets\": [\"rust\"], \"learn\": false, \"labels\": {\"executor\": \"e1\"}}\n"
	".fi\n"
	"With --signature FILE, made by ssh-keygen -Y sign -n jobfence, it may name what its signer is trusted with.\n"
	".SH LEARNING\n"
	"With \\-\\-learn a job may use every name. All else holds: HTTP and HTTPS only, no private addresses, the\n"
	"rate. The names that it used are printed when it ends, by run or by down, as \\-\\-domain\\-file reads them.\n"
	".SH POLICY\n"
	"A node takes no job with a network until its operator says so in the policy:\n"
	".PP\n"
	".nf\n"
	"accept = http\n"
	"allow_domain = .crates.io, pypi.org\n"
	".fi\n"
	".PP\n"
	"All keys are in the example that is installed as jobfence.conf in share/jobfence.\n"
	".B run\n"
	"needs no such consent, but keeps to deny_domain, max_rate, max_domains and max_connections. A mistake in the\n"
	"file refuses every job.\n"
	".SH REFUSALS\n"
	"A refused HTTP request gets 403 with X-Jobfence-Denied: domain, address, protocol, limit, guard or\n"
	"denied, and a text that names the job, the domain and the way to get it. An upstream that can't be reached gets\n"
	"502, one that is too slow 504. A refused TLS connection gets an alert; a refused name NXDOMAIN with\n"
	"an Extended DNS Error.\n"
	".SH EXIT STATUS\n"
	"0 done; 1 failed; 2 the command line or a spec is wrong; 3 the node's policy refuses; 4 no such\n"
	"job; 5 the job exists already.\n"
	".PP\n"
	".BR run \" and \" exec\n"
	"exit as the command did, with 128+n where signal n ended it, 125 where jobfence itself failed, 126\n"
	"and 127 where the command could not be run or was not found.\n"
	".SH ENVIRONMENT\n"
	"JOBFENCE_DEBUG: what libbpf has to say goes to standard error.\n"
	".SH FILES\n"
	"/etc/jobfence/jobfence.conf, /etc/jobfence/jobfence.conf.d/*.conf: which jobs the node takes.\n"
	".br\n"
	"/etc/resolv.conf: the resolvers that a job\'s proxy asks, as they are when it starts;\n"
	"without any, 127.0.0.1.\n"
	".br\n"
	"/run/jobfence/jobs/JOB: spec.json, resolv.conf, proxy.log.\n"
	".br\n"
	"/sys/fs/bpf/jobfence: pinned programs, maps and links.\n"
	".br\n"
	"/run/netns/jobfence-JOB: the job's network namespace.\n"
	".br\n"
	"/etc/jobfence/presets: an operator\'s own presets, NAME.domains.\n"
	".br\n"
	"jobfence/JOB in the cgroup file system: cgroups of the job and of its proxy.\n";

static void print_option(const struct option_shown *option, void *data)
{
	(void)data;
	printf("--%s %s\t%s\n", option->name, option->argument ? option->argument : "",
		option->help);
}

int manual_command(struct options *options, int *status, struct failure *failure)
{
	char synopsis[SYNOPSIS_MAX];

	(void)options;
	(void)status;
	(void)failure;
	fputs(head, stdout);
	for (const struct command *command = commands; command->name; command++) {
		if (command != commands)
			printf(".br\n");
		command_synopsis(command, synopsis);
		printf(".B jobfence %s\n%s\n", command->name, synopsis);
	}
	fputs(description, stdout);
	for (const struct command *command = commands; command->name; command++) {
		printf(".SS %s\n%s\n.PP\n.nf\n", command->name, command->summary);
		options_each(command->options, print_option, NULL);
		printf(".fi\n");
	}
	fputs(tail, stdout);
	return 0;
}
