/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Text of others on its way to a terminal, a log or JSON: of a job, an image, a spec, a file's name. Whatever could be a
 * command to a terminal becomes '?': control characters (C0, DEL, C1), those that nobody sees or that turn the direction
 * of writing, line separators, and bytes that are not UTF-8.
 */

#include <stdio.h>

/* Makes a text printable, in place. A character at its end that was cut is left out. */
void make_printable(char *text);

/* Writes `length` bytes of text to a file as make_printable() would leave them. */
void print_foreign(FILE *file, const char *text, size_t length);

/* Quotes what somebody wrote for an error line: printable, and cut at a character. Returns `out`. */
#define PRINTABLE_SIZE 160
const char *printable(const char *text, char out[PRINTABLE_SIZE]);
