// SPDX-License-Identifier: BSD-2-Clause
/* See json_numbers.h. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/json_numbers.h"

#define DIGITS	    "0123456789"
#define INTEGER_MAX 18 /* characters, which fit into 63 bits */

int number_mark_make(char mark[NUMBER_MARK_SIZE])
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(mark, NUMBER_MARK_SIZE, "%016llx%016llx", (unsigned long long)random[0],
		(unsigned long long)random[1]);
	return 0;
}

static bool skip_digits(const char **at)
{
	size_t count = strspn(*at, DIGITS);

	*at += count;
	return count;
}

/*
 * Returns `length` if exactly so many characters are a number (RFC 8259 section 6),
 * otherwise 0.
 */
static size_t number_length(const char *text, size_t length)
{
	const char *at = text + (*text == '-');

	if (*at == '0')
		at++;
	else if (!skip_digits(&at))
		return 0;
	if (*at == '.' && (at++, !skip_digits(&at)))
		return 0;
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '+' || *at == '-';
		if (!skip_digits(&at))
			return 0;
	}
	return (size_t)(at - text) == length ? length : 0;
}

/*
 * The length of the string that begins at `text`, with its quotes. The last one may be
 * missing.
 */
static size_t string_length(const char *text, size_t left)
{
	size_t i = 1;

	while (i < left && text[i] != '"')
		i += text[i] == '\\' ? 2 : 1;
	return i < left ? i + 1 : left;
}

/* The length of a word that could be a number. It is at least 1. */
static size_t word_length(const char *text)
{
	size_t length = strspn(text, DIGITS "+-.eE");

	return length ? length : 1;
}

char *numbers_hide(
	const char *text, size_t length, const char mark[NUMBER_MARK_SIZE], size_t *hidden)
{
	char *copy = NULL;
	FILE *stream = open_memstream(&copy, hidden);
	size_t step;

	if (!stream)
		return NULL;
	for (const char *at = text, *end = text + length; at < end; at += step) {
		bool number = false;

		if (*at == '"') {
			step = string_length(at, (size_t)(end - at));
		} else {
			step = word_length(at);
			number = number_length(at, step) &&
				 (step > INTEGER_MAX || strspn(at, "-" DIGITS) < step);
		}
		if (number)
			fprintf(stream, "\"%s%.*s\"", mark, (int)step, at);
		else
			fwrite(at, 1, step, stream);
	}
	if (!fclose(stream))
		return copy;
	free(copy);
	return NULL;
}

void numbers_show(char *text, const char mark[NUMBER_MARK_SIZE])
{
	const size_t skip = strlen(mark) + 1;
	char *to = text, *at;

	while ((at = strstr(text, mark)) != NULL) {
		size_t before = (size_t)(at - 1 - text), length = strcspn(at, "\"");

		memmove(to, text, before);
		to += before;
		memmove(to, at + skip - 1, length - (skip - 1));
		to += length - (skip - 1);
		text = at + length + 1;
	}
	memmove(to, text, strlen(text) + 1);
}
