/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Other programs that are asked for their judgement. Nothing of the caller's environment reaches them. */

#include <stddef.h>

#define HELPER_WORDS_MAX 4096 /* bytes on its standard error */

struct helper {
	const char *const *arguments; /* NULL-terminated; the first is an absolute path */
	const char *const
		*environment; /* NULL-terminated, added to a PATH of the system's folders */
	const char *input;    /* its standard input */
	size_t length;
	unsigned timeout; /* seconds */
};

/*
 * Runs a program in a session of its own, in the folder `/`, and waits for its end; then whatever of its process group is
 * left is killed. `words` receives what it wrote to its standard error, NUL-terminated.
 *
 * Returns its exit status; -ETIMEDOUT, -EOVERFLOW when it wrote more than fits, -EINTR when a signal ended it, or another
 * -errno when it could not be run.
 */
int helper_run(const struct helper *helper, char words[HELPER_WORDS_MAX]);
