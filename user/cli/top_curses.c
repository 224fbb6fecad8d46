// SPDX-License-Identifier: BSD-2-Clause
/* See top_curses.h. */

#include "cli/top_curses.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/library.h"

#define LIBRARY "libncursesw.so.6"

/* Of terminfo(3), whose header has macros with common words. */
typedef int setting_up(const char *name, int fd, int *result);
typedef char *capability(const char *name);

static int check_terminal(
	setting_up *set_up, capability *string_of, struct failure *failure)
{
	const char *name = getenv("TERM");
	int result;

	if (name && name[0] && set_up(NULL, STDOUT_FILENO, &result) == OK) {
		const char *move = string_of("cup");

		/* -1: there is no capability of that name. */
		if (move && move != (const char *)-1)
			return 0;
	}
	return fail_as(failure, STATUS_USAGE,
		"top needs a terminal that can move its cursor, and TERM is \"%.64s\"; without one: "
		"jobfence top --batch",
		name ? name : "");
}

#define ROW(function) \
	{ \
#function, (void **)&curses->function \
	}

int top_curses_load(struct top_curses *curses, struct failure *failure)
{
	setting_up *set_up;
	capability *string_of;
	const struct library_function functions[] = {
		{ "setupterm", (void **)&set_up },
		{ "tigetstr", (void **)&string_of },
		{ "stdscr", (void **)&curses->window },
		{ "COLS", (void **)&curses->columns },
		{ "LINES", (void **)&curses->lines },
		ROW(COLOR_PAIR),
		ROW(attroff),
		ROW(attron),
		ROW(cbreak),
		ROW(curs_set),
		ROW(delscreen),
		ROW(endwin),
		ROW(erase),
		ROW(getch),
		ROW(has_colors),
		ROW(init_pair),
		ROW(keypad),
		ROW(mvaddstr),
		ROW(newterm),
		ROW(nodelay),
		ROW(noecho),
		ROW(nonl),
		ROW(refresh),
		ROW(set_escdelay),
		ROW(start_color),
		ROW(use_default_colors),
	};
	int error;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return fail_as(failure, STATUS_USAGE,
			"top needs a terminal; without one: jobfence top --batch");
	error = library_load(
		LIBRARY, "top without --batch", functions, ARRAY_SIZE(functions), failure);
	return error ? error : check_terminal(set_up, string_of, failure);
}
