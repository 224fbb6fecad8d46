/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * JSON with numbers that Jansson does not hold: it has 63 bits and a sign, and Go writes 64. Such a number is read as a
 * string that begins with a mark, and becomes the number again where it is written.
 */

#include <stddef.h>

#define NUMBER_MARK_SIZE 33

/* Makes a mark that nobody can guess, so that no string of the text has it. Returns 0 or -errno. */
int number_mark_make(char mark[NUMBER_MARK_SIZE]);

/* A copy of a JSON text in which each number that is no integer of up to 18 characters is such a string; a number that is none
 * in JSON stays, to be found by the parser. The caller frees it; NULL: there is no memory. */
char *numbers_hide(
	const char *text, size_t length, const char mark[NUMBER_MARK_SIZE], size_t *hidden);

/* The other way round, in place. */
void numbers_show(char *text, const char mark[NUMBER_MARK_SIZE]);
