/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The process that keeps a job's proxy running. */

#include "proxy/settings.h"

/*
 * Drops all privileges, then starts the worker with the descriptors that the supervisor
 * holds. Starts it again each time it ends, and waits longer if that happens often. Returns
 * the exit status of the program: 0 after SIGTERM, 1 if it could not begin.
 */
int supervisor_run(const struct proxy_settings *settings);
