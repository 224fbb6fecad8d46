// SPDX-License-Identifier: BSD-2-Clause
/*
 * See http_answer.h. llhttp can't be told to accept all of this, and would not say that it
 * did. So lines and fields are parsed here.
 */

#include <errno.h>
#include <string.h>

#include "proxy/http_answer.h"

int http_answer_find(const char *bytes, size_t length, size_t *scanned)
{
	for (size_t i = *scanned; i < length; i++) {
		size_t line = i;

		if (bytes[i] == '\0' || (bytes[i] != '\n' && i && bytes[i - 1] == '\r'))
			return -EBADMSG;
		if (bytes[i] != '\n')
			continue;
		if (line && bytes[line - 1] == '\r')
			line--;
		if (!line || bytes[line - 1] == '\n')
			return (int)i + 1;
	}
	*scanned = length;
	return 0;
}

/* Takes the next line from a head, without its end. */
static struct slice next_line(struct http_head *head, char **at, char *end)
{
	char *newline = memchr(*at, '\n', (size_t)(end - *at));
	struct slice line = { *at, (size_t)((newline ? newline : end) - *at) };

	*at = newline ? newline + 1 : end;
	if (line.length && line.bytes[line.length - 1] == '\r')
		line.length--;
	else
		head->irregular = true;
	return line;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * A status line is HTTP/1.x, any number of blanks, a status of three digits, and a reason
 * for people (section 4).
 */
static bool parse_status_line(struct http_head *head, const struct slice *line)
{
	static const char version[] = "HTTP/1.";
	const size_t minor = sizeof(version) - 1;
	const char *bytes = line->bytes;
	size_t status = minor + 2, end;

	if (line->length < status || memcmp(bytes, version, minor) != 0 ||
		(bytes[minor] != '0' && bytes[minor] != '1') || bytes[minor + 1] != ' ')
		return false;
	while (status < line->length && bytes[status] == ' ')
		status++;
	head->irregular |= status != minor + 2;
	end = status + 3;
	if (line->length < end || (line->length > end && bytes[end] != ' '))
		return false;
	for (size_t i = status; i < end; i++) {
		if (!is_digit(bytes[i]))
			return false;
		head->status = 10 * head->status + (unsigned)(bytes[i] - '0');
	}
	head->minor = (uint8_t)(bytes[minor] - '0');
	if (line->length > end)
		head->reason = (struct slice){ bytes + end + 1, line->length - end - 1 };
	return head->status >= 100 && slice_is_clean(&head->reason);
}

/*
 * Joins a folded line to the value before it (section 5.2). All between the two becomes
 * blanks.
 */
static bool join_line(struct http_head *head, char *start, const struct slice *line)
{
	struct slice *value;
	size_t gap;

	if (!head->count)
		return false;
	value = &head->fields[head->count - 1].value;
	gap = (size_t)(start - (value->bytes + value->length));
	memset(start - gap, ' ', gap);
	value->length = (size_t)(line->bytes + line->length - value->bytes);
	slice_trim(value);
	head->irregular = true;
	return true;
}

/* Blanks before the colon are removed (section 5.1). */
static int parse_field(struct http_head *head, const struct slice *line)
{
	const char *colon = line->length ? memchr(line->bytes, ':', line->length) : NULL;
	struct http_field field;

	if (!colon)
		return -EBADMSG;
	if (head->count == HTTP_FIELDS_MAX)
		return -E2BIG;
	field.name = (struct slice){ line->bytes, (size_t)(colon - line->bytes) };
	field.value = (struct slice){ colon + 1, line->length - field.name.length - 1 };
	slice_trim(&field.name);
	slice_trim(&field.value);
	if (field.name.bytes + field.name.length != colon)
		head->irregular = true;
	if (!slice_is_token(&field.name))
		return -EBADMSG;
	head->fields[head->count++] = field;
	return 0;
}

int http_answer_parse(char *bytes, size_t length, struct http_head *head)
{
	char *at = bytes, *end = bytes + length;
	struct slice line;
	int error = 0;

	http_head_reset(head, true);
	line = next_line(head, &at, end);
	if (!parse_status_line(head, &line))
		return -EBADMSG;
	while (at < end && !error) {
		char *start = at;

		line = next_line(head, &at, end);
		if (!line.length)
			break;
		if (*start != ' ' && *start != '\t')
			error = parse_field(head, &line);
		else if (!join_line(head, start, &line))
			error = -EBADMSG;
	}
	return error ? error : http_head_finish(head);
}
