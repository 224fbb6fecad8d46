/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The process that keeps a job's proxy running. */

#include "proxy/settings.h"

/*
 * Drops all privileges, then starts the worker with the descriptors that it holds, and
 * starts it again when it dies, the later the oftener that happens. Returns the exit status
 * of the program: 0 after SIGTERM, 1 where it could not begin.
 */
int supervisor_run(const struct proxy_settings *settings);
