// SPDX-License-Identifier: BSD-2-Clause
/* See advice.h. */

#include <stddef.h>

#include "cli/advice.h"
#include "jobfence/address.h"
#include "lib/installed.h"
#include "names/declaration.h"

static bool may_be_dialled(const struct job_spec *spec, const struct address *address)
{
	if (address_class(address, NULL) == ADDRESS_PUBLIC)
		return true;
	for (uint32_t i = 0; i < spec->allowed_count; i++)
		if (address_in_range(address, &spec->allowed[i]))
			return true;
	return false;
}

/* A public suffix is no site. A name of one label counts as such a suffix. */
static bool is_public_suffix(const struct host *host)
{
	const struct declared_domain wildcard = { DOMAIN_TREE, *host };

	return declaration_covers_strangers(&wildcard);
}

bool can_be_advised(const struct job_spec *spec, const char *name, size_t length)
{
	struct declared_domain declared;
	const char *problem;
	struct host host;

	if (host_parse(name, length, HOST_NO_BRACKETS, &host) ||
		declaration_parse(name, length, &declared, &problem))
		return false;
	if (host.literal)
		return may_be_dialled(spec, &host.address);
	return host_may_be_site(&host) && !is_public_suffix(&host) &&
	       !domains_allow(&spec->denied, &host);
}

void print_ech_advice(FILE *file, const char *start, const struct usage *usage)
{
	bool any = false;

	for (size_t i = 0; i < usage->refusal_count; i++) {
		const struct refusal_key *key = &usage->refusals[i].key;

		if (key->reason != REASON_ECH)
			continue;
		if (!any)
			fprintf(file,
				"%sencrypted ClientHellos (ECH) can hide a name; turn them off in the "
				"program (for browsers: %s), or trust whoever runs the site:",
				start, installed_document("browsers.md"));
		fprintf(file, " --allow-ech %.*s", key->length, key->name);
		any = true;
	}
	if (any)
		fputc('\n', file);
}

void print_http2_advice(FILE *file, const char *start, const struct usage *usage)
{
	bool any = false;

	for (size_t i = 0; i < usage->refusal_count; i++) {
		const struct refusal_key *key = &usage->refusals[i].key;

		if (key->reason != REASON_HTTP2)
			continue;
		if (!any)
			fprintf(file,
				"%sthe proxy speaks HTTP/1.1 where it opens TLS; have the program offer "
				"that, or leave out --intercept for:",
				start);
		fprintf(file, " %.*s", key->length, key->name);
		any = true;
	}
	if (any)
		fputc('\n', file);
}
