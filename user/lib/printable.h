/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Makes foreign text safe for a terminal, a log or JSON. Such text comes from a job, an
 * image, a spec or the name of a file. Everything that could be a command to a terminal
 * becomes '?':
 *
 * - control characters (C0, DEL, C1)
 * - invisible characters, and those that turn the direction of writing
 * - line separators
 * - bytes that are not UTF-8
 */

#include <stdio.h>

/* Makes a text printable, in place. An incomplete character at its end is dropped. */
void make_printable(char *text);

/* Writes `length` bytes of text to a file as make_printable() would leave them. */
void print_foreign(FILE *file, const char *text, size_t length);

/*
 * Copies foreign text for an error line. The copy is printable, and is cut between two
 * characters. Returns `out`.
 */
#define PRINTABLE_SIZE 160
const char *printable(const char *text, char out[PRINTABLE_SIZE]);
