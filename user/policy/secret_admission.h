/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Which secrets a job gets. */

#include "policy/spec.h"

/*
 * Settles the secrets of a job whose other fields are settled. The proxy has to open the
 * TLS to each of their hosts, since a secret is never sent otherwise. Returns 0, or -errno
 * with the failure noted.
 */
int secrets_settle(struct job_spec *spec, struct failure *failure);
