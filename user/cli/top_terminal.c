// SPDX-License-Identifier: BSD-2-Clause
/* See top_terminal.h. term.h has macros with common words, so nothing else is here. */

#include <curses.h>
#include <stdlib.h>
#include <term.h>
#include <unistd.h>

#include "cli/top_terminal.h"

int top_check_terminal(struct failure *failure)
{
	const char *name = getenv("TERM");
	int result;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return fail_as(failure, STATUS_USAGE,
			"top needs a terminal; without one: jobfence top --batch");
	if (name && name[0] && setupterm(NULL, STDOUT_FILENO, &result) == OK &&
		cursor_address)
		return 0;
	return fail_as(failure, STATUS_USAGE,
		"top needs a terminal that can move its cursor, and TERM is \"%.64s\"; without one: "
		"jobfence top --batch",
		name ? name : "");
}
