// SPDX-License-Identifier: BSD-2-Clause
/* See secret_admission.h. */

#include "policy/secret_admission.h"
#include "policy/violation.h"

static int check_intercepted(
	const struct job_spec *spec, const struct secret *secret, struct failure *failure)
{
	for (size_t i = 0; i < secret->uses.count; i++) {
		const struct declared_domain *host = &secret->uses.list[i].domain;
		char text[DOMAIN_TEXT_SIZE];

		if (domains_cover(&spec->intercept, host))
			continue;
		declared_domain_format(host, text);
		return fail_as(failure, STATUS_USAGE,
			"secret %s is for '%s', whose TLS is not opened; to open it: --intercept '%s'",
			secret->name, text, text);
	}
	return 0;
}

int secrets_settle(struct job_spec *spec, struct failure *failure)
{
	int error = secrets_finish(&spec->secrets, spec->header, failure);

	for (size_t i = 0; !error && i < spec->secrets.count; i++)
		error = check_intercepted(spec, &spec->secrets.list[i], failure);
	return error;
}
