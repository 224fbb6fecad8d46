// SPDX-License-Identifier: BSD-2-Clause
/* See stop.h. */

#include "cli/stop.h"
#include "lib/cleanup.h"

volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

void stop_on_signals(void)
{
	const struct sigaction action = { .sa_handler = stop };

	static const int signals[] = { SIGINT, SIGTERM };
	struct sigaction before;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!sigaction(signals[i], NULL, &before) && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}
