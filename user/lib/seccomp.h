/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Releases a filter of system calls at the end of its scope. */

#include <seccomp.h>

#include "lib/cleanup.h"

static inline void cleanup_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

#define _filter_ _cleanup_(cleanup_filter)
