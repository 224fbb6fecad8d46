/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The secrets that the policy has for some jobs: its sections [secret NAME]. */

#include "policy/secret.h"

struct secret_grant {
	struct secret secret;
	json_t *labels;	 /* object of those that a job needs, all of them; NULL: none */
	char signer[40]; /* who has to have signed its spec; empty: nobody */
};

/* In the order of their sections. Empty if all its bytes are zero. */
struct secret_grants {
	struct secret_grant *list;
	size_t count;
};

void secret_grants_free(struct secret_grants *grants);

/*
 * Sets a key of the section of that name, which is made if it is missing: file, header and
 * signer once, use and label again and again. Returns 0, or -errno with the failure noted.
 */
int secret_grants_set(struct secret_grants *grants, const char *name, const char *key,
	const char *value, struct failure *failure);

/* Has that user's rights decide which files of the sections are read, not root's. */
void secret_grants_read_as(struct secret_grants *grants, uid_t uid);

/* Checks that each section is whole. Returns 0, or -errno with the failure noted. */
int secret_grants_finish(const struct secret_grants *grants, struct failure *failure);
