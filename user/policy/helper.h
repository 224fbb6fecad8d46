/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Other programs that are asked for their judgement. They get nothing of the caller's
 * environment.
 */

#include <stddef.h>

#define HELPER_WORDS_MAX 4096 /* bytes on its standard error */

struct helper {
	/* NULL-terminated. The first is an absolute path. */
	const char *const *arguments;
	/* NULL-terminated, added to a PATH of the system's folders. */
	const char *const *environment;
	/* Its standard input, of `length` bytes. */
	const char *input;
	size_t length;
	int output;	  /* descriptor of its standard output, 0: it is thrown away */
	unsigned timeout; /* seconds */
};

/*
 * Runs a program in a session of its own, in the folder `/`, and waits for its end. Then
 * the rest of its process group is killed. `words` receives its standard error,
 * NUL-terminated.
 *
 * Returns its exit status. Returns -ETIMEDOUT, -EOVERFLOW if it wrote more than fits,
 * -EINTR if a signal ended it, or another -errno if it could not be run.
 */
int helper_run(const struct helper *helper, char words[HELPER_WORDS_MAX]);
