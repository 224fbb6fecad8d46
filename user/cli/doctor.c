// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence doctor`. The checks are where what they look at is: check_*.c. */

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/doctor.h"
#include "command/privileges.h"
#include "job/check_jobs.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "node/check_kernel.h"
#include "node/check_mounts.h"
#include "node/check_network.h"
#include "oci/check_engines.h"
#include "policy/check_policy.h"

static void check_rights(struct findings *findings)
{
	struct failure failure = {};

	if (!privileges_check("run", &failure))
		findings_add(findings, FINDING_OK, "rights", NULL, NULL,
			"this caller may run jobs");
	else if (geteuid())
		findings_add(findings, FINDING_NOTE, "rights",
			"jobs need root, and root sees more of the node",
			"sudo jobfence doctor", "this caller is not root");
	else
		findings_add(findings, FINDING_LACKS, "rights", "jobs need them",
			"run it on the node, not in a container", "%s", failure.text);
}

static const char *text(const json_t *finding, const char *key)
{
	return json_string_value(json_object_get(finding, key));
}

static void print_line(const json_t *finding)
{
	const char *why = text(finding, "why"), *command = text(finding, "command");

	printf("%-6s %-15s %s", text(finding, "result"), text(finding, "check"),
		text(finding, "what"));
	if (why)
		printf("; %s", why);
	if (command)
		printf(". To mend it: %s", command);
	putchar('\n');
}

static int print(const struct findings *findings, bool json)
{
	const json_t *finding;
	size_t i;

	if (json) {
		_json_ json_t *report =
			json_pack("{s:b, s:b, s:s, s:O}", "works", !findings->lacks, "root",
				!geteuid(), "version", VERSION, "findings", findings->list);

		return print_json(report);
	}
	json_array_foreach (findings->list, i, finding)
		print_line(finding);
	puts(findings->lacks ? "\nThis node can't run jobs. The lines with lacks say why."
			     : "\nThis node can run jobs.");
	return 0;
}

void node_examine(struct findings *findings, const char *config)
{
	check_rights(findings);
	check_kernel(findings);
	check_mounts(findings);
	check_network(findings);
	check_policy(findings, config);
	check_engines(findings);
	check_jobs(findings);
}

int doctor_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(findings_free) struct findings findings;
	int error;

	findings_begin(&findings);
	if (options->count)
		return fail_as(failure, STATUS_USAGE,
			"doctor takes no words; see: jobfence help doctor");
	node_examine(&findings, options->config);
	error = findings.exhausted ? -ENOMEM : print(&findings, options->json);
	if (error)
		return fail(failure, error, "cannot print the findings");
	*status = findings.lacks ? STATUS_FAILED : STATUS_DONE;
	return 0;
}
