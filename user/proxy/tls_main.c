// SPDX-License-Identifier: BSD-2-Clause
/*
 * jobfence-tls: the worker of a job with intercepted domains, and what else of a job needs
 * libcrypto.
 */

#include <string.h>

#include "lib/inherited.h"
#include "proxy/authority.h"
#include "proxy/program.h"
#include "proxy/trust_store.h"

int main(int count, char **arguments)
{
	const char *word = count == 2 ? arguments[1] : "";

	if (!strcmp(word, "authority"))
		return inherited_reset() ? 1 : authority_run(false);
	if (!strcmp(word, "renewal"))
		return inherited_reset() ? 1 : authority_run(true);
	if (!strcmp(word, "trust-store"))
		return inherited_reset() ? 1 : trust_store_run();
	return program_run(count, arguments, &tls_calls);
}
