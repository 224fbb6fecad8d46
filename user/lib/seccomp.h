/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Owning a filter of system calls for as long as a scope lasts. */

#include <seccomp.h>

#include "lib/cleanup.h"

static inline void cleanup_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

#define _filter_ _cleanup_(cleanup_filter)
