/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * JSON with numbers that Jansson can't hold. Jansson has 63 bits and a sign, and Go
 * writes 64 bits. Such a number is read as a string that begins with a mark. It becomes
 * the number again when it is written.
 */

#include <stddef.h>

#define NUMBER_MARK_SIZE 33

/*
 * Makes a mark that nobody can guess, so that no string of the text has it. Returns 0 or
 * -errno.
 */
int number_mark_make(char mark[NUMBER_MARK_SIZE]);

/*
 * Copies a JSON text. Each number that is no integer of up to 18 characters becomes such
 * a string. A number that is malformed in JSON stays, and the parser will find it.
 * Returns the copy, which the caller frees, or NULL if there is no memory.
 */
char *numbers_hide(
	const char *text, size_t length, const char mark[NUMBER_MARK_SIZE], size_t *hidden);

/* Turns these strings into numbers again, in place. */
void numbers_show(char *text, const char mark[NUMBER_MARK_SIZE]);
