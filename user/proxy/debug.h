/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Checks that only debug, sanitizer and fuzz builds make: those with -DJOBFENCE_CHECKS, or
 * with AddressSanitizer.
 */

#include <assert.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DEBUG_BUILD 1
#endif
#endif
#if defined(JOBFENCE_CHECKS) || defined(__SANITIZE_ADDRESS__)
#undef DEBUG_BUILD
#define DEBUG_BUILD 1
#endif

#ifdef DEBUG_BUILD
#define debug_assert(condition) assert(condition)
#else
#define debug_assert(condition) ((void)0)
#endif
