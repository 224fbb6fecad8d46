/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Filters of system calls: their release, and tables of calls. */

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"

static inline void cleanup_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

#define _filter_ _cleanup_(cleanup_filter)

/* A call, if all the conditions hold. */
struct filtered_call {
	int number;
	unsigned count;
	struct scmp_arg_cmp conditions[3];
};

/* Conditions on an argument. They see 32 bits of it, as the kernel does of an int. */
#define MASKED(argument, mask, value) \
	{ \
		argument, SCMP_CMP_MASKED_EQ, (uint32_t)(mask), value \
	}
#define EQUAL(argument, value)	       MASKED(argument, UINT32_MAX, value)
#define NO_BITS_BUT(argument, allowed) MASKED(argument, ~(allowed), 0)

#define WHERE(call, count, ...) \
	{ \
		SCMP_SYS(call), count, \
		{ \
			__VA_ARGS__ \
		} \
	}
#define OPTION(level, name) WHERE(setsockopt, 2, EQUAL(1, level), EQUAL(2, name))

/*
 * Rows of a table for filter_allow(): memory, what follows a signal, and the end. Memory
 * with code comes from mmap(2) and mprotect(2), which are not among them.
 */
#define CALLS_OF_ANY_PROGRAM \
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), \
		SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), \
		SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group)

/* Adds calls of a table to a filter. Returns 0 or -errno. */
static inline int filter_add(scmp_filter_ctx filter, uint32_t action,
	const struct filtered_call *calls, size_t count)
{
	int error = 0;

	for (size_t i = 0; !error && i < count; i++)
		error = seccomp_rule_add_array(filter, action, calls[i].number,
			calls[i].count, calls[i].conditions);
	return error;
}

/* Allows calls whatever their arguments are. Returns 0 or -errno. */
static inline int filter_allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int error = 0;

	for (size_t i = 0; !error && i < count; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return error;
}
