/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The domains of the job, and the hosts with a rule, a secret or opened TLS. */

#include "world.h"

/* Declares the domains. Call it once. */
void world_domains_declare(void);

/* Withdraws "a.test", or gives it back. */
void world_domains_withdraw(bool withdraw);
