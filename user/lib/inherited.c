// SPDX-License-Identifier: BSD-2-Clause
/* See inherited.h. */

#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "lib/inherited.h"

static struct sigaction callers_child = { .sa_handler = SIG_DFL };

/* execve(2) removes handlers. So a handler here is our own, or that of a sanitizer. */
static int reset(int signal)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction action;

	/* EINVAL: the C library reserves two signals for itself. */
	if (sigaction(signal, NULL, &action))
		return errno == EINVAL ? 0 : -errno;
	if (action.sa_handler != SIG_IGN)
		return 0;
	return sigaction(signal, &standard, NULL) ? -errno : 0;
}

int inherited_reset(void)
{
	sigset_t none;

	for (int signal = 1; signal <= SIGRTMAX; signal++) {
		int error = reset(signal);

		if (error)
			return error;
	}
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) ? -errno : 0;
}

int inherited_take_child(void)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };

	return sigaction(SIGCHLD, &standard, &callers_child) ? -errno : 0;
}

void inherited_give_child(void)
{
	sigaction(SIGCHLD, &callers_child, NULL);
}
