/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What $JOBFENCE_DEBUG asks for: `proxy` is the trace of the job's proxy. Any other
 * value is what libbpf says, and what a job's view leaves out.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool debugging_proxy(void)
{
	const char *value = getenv("JOBFENCE_DEBUG");

	return value && !strcmp(value, "proxy");
}

static inline bool debugging_verbose(void)
{
	return getenv("JOBFENCE_DEBUG") && !debugging_proxy();
}
