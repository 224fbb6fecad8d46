/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What both programs of a proxy do. The loader starts jobfence-proxy as a job's supervisor.
 * The supervisor starts the workers: that program again, or jobfence-tls if the job has
 * intercepted domains.
 */

#include "proxy/settings.h"
#include "proxy/tls_end.h"

/*
 * Runs the program. `tls` are the calls for intercepted domains. NULL: it has none, and
 * does not work for a job with such domains. Returns the exit status.
 */
int program_run(int count, char **arguments, const struct tls_calls *tls);

/* Maps the settings of the job, and reserves all descriptors. NULL: it said what failed. */
const struct proxy_settings *program_settings(void);
