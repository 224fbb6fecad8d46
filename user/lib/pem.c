// SPDX-License-Identifier: BSD-2-Clause
/* See pem.h. */

#include <stdbool.h>
#include <string.h>

#include "lib/pem.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"

/* Whether the line begins here and has nothing but this and blanks. */
static bool is_line(const char *at, const char *end, const char *wanted)
{
	size_t length = strlen(wanted);

	if ((size_t)(end - at) < length || memcmp(at, wanted, length))
		return false;
	at += length;
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	return at == end;
}

static bool is_base64(const char *at, const char *end)
{
	for (; at < end; at++)
		if (!((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') ||
			    (*at >= '0' && *at <= '9') || *at == '+' || *at == '/' ||
			    *at == '=' || *at == '\r' || *at == ' ' || *at == '\t'))
			return false;
	return true;
}

size_t pem_certificates(const char *text, size_t length, char *copy)
{
	const char *const end = text + length, *begin = NULL;
	size_t copied = 0;

	for (const char *line = text; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *line_end = newline ? newline : end;

		if (is_line(line, line_end, BEGIN)) {
			begin = line;
		} else if (begin && is_line(line, line_end, END)) {
			memcpy(copy + copied, begin, (size_t)(line_end - begin));
			copied += (size_t)(line_end - begin);
			copy[copied++] = '\n';
			begin = NULL;
		} else if (!is_base64(line, line_end)) {
			begin = NULL;
		}
		line = newline ? newline + 1 : end;
	}
	copy[copied] = '\0';
	return copied;
}

size_t pem_last(const char *copy, size_t length)
{
	const char *last = NULL;

	for (const char *at = copy; (at = strstr(at, BEGIN)); at++)
		last = at;
	return last ? (size_t)(last - copy) : length;
}

size_t pem_chromium_policy(const char *copy, char *policy)
{
	const char *line = strchr(copy, '\n');
	char *at = stpcpy(policy, "{\"CACertificates\": [\"");

	/* What is in PEM is base64, with lines. */
	for (; line && *line && *line != '-'; line++)
		if (!strchr("\r\n \t", *line))
			*at++ = *line;
	at = stpcpy(at, "\"]}\n");
	return (size_t)(at - policy);
}
