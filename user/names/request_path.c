// SPDX-License-Identifier: BSD-2-Clause
/*
 * See request_path.h. First the path is decoded, then it is split into segments. Both
 * write at most as much as they have read, so the second works in place.
 */

#include "names/request_path.h"

#include <stdbool.h>
#include <string.h>

#include "lib/hexadecimal.h"

#define ENCODED_LENGTH 3 /* of %XX */

static const char backslash[] = "a backslash in its path";

/* What UTF-8 has to have next (RFC 3629 section 4). */
struct utf8 {
	unsigned missing; /* bytes of the character */
	unsigned char low, high;
};

struct path {
	char *bytes;
	size_t length;
};

/* Whether the byte may be the next one. Any byte below 0x80 ends a character. */
static bool utf8_take(struct utf8 *utf8, unsigned char byte)
{
	if (utf8->missing) {
		if (byte < utf8->low || byte > utf8->high)
			return false;
		*utf8 = (struct utf8){ utf8->missing - 1, 0x80, 0xbf };
		return true;
	}
	*utf8 = (struct utf8){ 0, 0x80, 0xbf };
	if (byte < 0x80)
		return true;
	if (byte < 0xc2 || byte > 0xf4)
		return false;
	utf8->missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
	/* No overlong forms, no surrogates, nothing above U+10FFFF. */
	if (byte == 0xe0)
		utf8->low = 0xa0;
	else if (byte == 0xf0)
		utf8->low = 0x90;
	else if (byte == 0xed)
		utf8->high = 0x9f;
	else if (byte == 0xf4)
		utf8->high = 0x8f;
	return true;
}

/* The byte that %XX stands for, or -1. */
static int encoded_byte(const char *text, size_t length)
{
	int high, low;

	if (length < ENCODED_LENGTH)
		return -1;
	high = hexadecimal_digit(text[1]);
	low = hexadecimal_digit(text[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_unreserved(int byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') ||
	       (byte && byte < 0x80 && strchr("-._~", byte));
}

static const char *raw_problem(unsigned char byte)
{
	if (byte <= ' ' || byte == 0x7f)
		return "a control byte or a blank in its path";
	if (byte > 0x7f)
		return "a byte beyond ASCII in its path";
	if (byte == '\\')
		return backslash;
	return byte == '#' ? "a fragment" : NULL;
}

static const char *encoded_problem(int byte)
{
	if (byte < 0)
		return "a percent sign without two hexadecimal digits in its path";
	if (byte == '/')
		return "an encoded slash in its path";
	if (byte == '\\')
		return backslash;
	return byte < ' ' || byte == 0x7f ? "an encoded control byte in its path" : NULL;
}

static void append_encoded(struct path *path, int byte)
{
	static const char digits[] = "0123456789ABCDEF";

	path->bytes[path->length++] = '%';
	path->bytes[path->length++] = digits[byte >> 4];
	path->bytes[path->length++] = digits[byte & 15];
}

/* Whether decoding what was decoded would decode more. */
static bool is_encoded_twice(const struct path *path)
{
	static const char percent[] = "%25";
	const size_t skipped = sizeof(percent) - 1;

	for (size_t i = 0; i + skipped < path->length; i++)
		if (!memcmp(path->bytes + i, percent, skipped) &&
			encoded_byte(path->bytes + i + skipped - 1,
				path->length - i - skipped + 1) >= 0)
			return true;
	return false;
}

static const char *decode(const char *text, size_t length, struct path *path)
{
	struct utf8 utf8 = {};
	size_t i = 0;

	while (i < length) {
		bool encoded = text[i] == '%';
		int byte = encoded ? encoded_byte(text + i, length - i)
				   : (unsigned char)text[i];
		const char *problem =
			encoded ? encoded_problem(byte) : raw_problem((unsigned char)byte);

		if (!problem && !utf8_take(&utf8, (unsigned char)byte))
			problem = "encoded bytes that are not UTF-8 in its path";
		if (problem)
			return problem;
		if (encoded && !is_unreserved(byte))
			append_encoded(path, byte);
		else
			path->bytes[path->length++] = (char)byte;
		i += encoded ? ENCODED_LENGTH : 1;
	}
	if (utf8.missing)
		return "encoded bytes that are not UTF-8 in its path";
	return is_encoded_twice(path) ? "an encoding within an encoding in its path" : NULL;
}

static bool is_dots(const char *segment, size_t length)
{
	return length <= 2 && !memcmp(segment, "..", length);
}

/* Whether a parameter begins here, or what becomes a query or fragment if it is decoded. */
static bool ends_name(const char *text, size_t length)
{
	static const char *const encoded[] = { "%3B", "%3F", "%23" };

	if (text[0] == ';')
		return true;
	for (size_t i = 0; i < 3 && length >= ENCODED_LENGTH; i++)
		if (!memcmp(text, encoded[i], ENCODED_LENGTH))
			return true;
	return false;
}

/*
 * Some servers cut the parameters off before they resolve dots, and others do not. A
 * parameter begins with a semicolon, and some decode that first.
 */
static bool hides_dots(const char *segment, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (ends_name(segment + i, length - i))
			return is_dots(segment, i);
	return false;
}

/* Removes the last segment. Returns false if there is none. */
static bool drop_segment(struct path *path)
{
	if (!path->length)
		return false;
	while (path->bytes[--path->length] != '/')
		;
	return true;
}

/* Collapses slashes and resolves dot segments (RFC 3986 section 5.2.4), in place. */
static const char *resolve(struct path *path)
{
	const struct path from = *path;
	bool folder = false; /* the last segment is empty */

	path->length = 0;
	for (size_t i = 0, end; i < from.length; i = end) {
		const char *segment = from.bytes + i + 1, *next;
		size_t length = from.length - i - 1;

		next = memchr(segment, '/', length);
		length = next ? (size_t)(next - segment) : length;
		end = i + 1 + length;
		folder = is_dots(segment, length);
		if (folder && length == 2 && !drop_segment(path))
			return "dot segments above the root in its path";
		if (folder)
			continue;
		if (hides_dots(segment, length))
			return "a parameter without a segment in front of it in its path";
		memmove(path->bytes + path->length, from.bytes + i, length + 1);
		path->length += length + 1;
	}
	if (folder || !path->length)
		path->bytes[path->length++] = '/';
	return NULL;
}

static const char *query_problem(const char *query, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (query[i] <= ' ' || query[i] > '~' || query[i] == '#')
			return "a byte in its query that a query can't have";
	return NULL;
}

size_t request_path_length(const char *text, size_t length)
{
	const char *mark = memchr(text, '?', length);

	return mark ? (size_t)(mark - text) : length;
}

const char *request_path_canonical(
	const char *text, size_t length, char *out, size_t *out_length)
{
	size_t end = request_path_length(text, length);
	struct path path = { .bytes = out };
	const char *problem = query_problem(text + end, length - end);

	if (!problem && end && text[0] != '/')
		problem = "no slash at the begin of its path";
	if (!problem)
		problem = decode(text, end, &path);
	if (!problem)
		problem = resolve(&path);
	if (problem)
		return problem;
	memcpy(out + path.length, text + end, length - end);
	*out_length = path.length + length - end;
	return NULL;
}
