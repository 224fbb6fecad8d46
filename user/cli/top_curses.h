/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * ncurses, as far as the screen of `top` needs it. It is loaded when a screen is opened.
 * Linked, it would slow down the start of every command by an eighth.
 */

#define NCURSES_NOMACROS /* functions, which have an address */
#include <curses.h>

#include "lib/failure.h"

/* The functions and variables of ncurses that are used. */
struct top_curses {
	WINDOW **window; /* stdscr */
	int *columns, *lines;
	__typeof__(COLOR_PAIR) *COLOR_PAIR;
	__typeof__(attroff) *attroff;
	__typeof__(attron) *attron;
	__typeof__(cbreak) *cbreak;
	__typeof__(curs_set) *curs_set;
	__typeof__(delscreen) *delscreen;
	__typeof__(endwin) *endwin;
	__typeof__(erase) *erase;
	__typeof__(getch) *getch;
	__typeof__(has_colors) *has_colors;
	__typeof__(init_pair) *init_pair;
	__typeof__(keypad) *keypad;
	__typeof__(mvaddstr) *mvaddstr;
	__typeof__(newterm) *newterm;
	__typeof__(nodelay) *nodelay;
	__typeof__(noecho) *noecho;
	__typeof__(nonl) *nonl;
	__typeof__(refresh) *refresh;
	__typeof__(set_escdelay) *set_escdelay;
	__typeof__(start_color) *start_color;
	__typeof__(use_default_colors) *use_default_colors;
};

/*
 * Loads ncurses, and checks that standard input and output are a terminal on which a screen
 * can be drawn. One whose cursor can't be moved, such as `dumb`, is none. Returns 0, or
 * -errno with the failure noted.
 */
int top_curses_load(struct top_curses *curses, struct failure *failure);
