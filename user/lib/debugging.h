/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What $JOBFENCE_DEBUG asks for: `proxy` is the trace of the job's proxy, and any other
 * value is what libbpf has to say.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool debugging_proxy(void)
{
	const char *value = getenv("JOBFENCE_DEBUG");

	return value && !strcmp(value, "proxy");
}

static inline bool debugging_libbpf(void)
{
	return getenv("JOBFENCE_DEBUG") && !debugging_proxy();
}
