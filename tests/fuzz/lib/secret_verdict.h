/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What becomes of the secret of the world. */

#include "traffic.h"
#include "world.h"

/*
 * Aborts unless a request that a site heard bears the secret as it should. Inside TLS to
 * the host of the secret, and for its path, it has it once. No request to that host has
 * the job's own field.
 */
void secret_require_set(const struct reading *heard, const struct message *message,
	const struct origin_server *origin);

/*
 * Aborts if another site than its own, or the job, heard the secret. Does nothing if an end
 * said the secret itself.
 */
void secret_require_kept(const struct world *world);
