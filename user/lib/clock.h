/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The clocks of clock_gettime(2). */

#include <stdint.h>
#include <time.h>

#include "jobfence/time.h"

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* Signed, for times that are left. */
static inline int64_t clock_ms(clockid_t clock)
{
	return (int64_t)(clock_ns(clock) / MILLISECOND);
}
