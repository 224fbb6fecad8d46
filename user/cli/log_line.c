// SPDX-License-Identifier: BSD-2-Clause
/* See log_line.h. */

#include <ctype.h>
#include <string.h>

#include "cli/log_line.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/printable.h"

#define KIND_DROPPED "dropped"

enum type {
	TEXT = 1 << 0,
	NUMBER = 1 << 1,   /* an integer that is not negative */
	DURATION = 1 << 2, /* a number that is not negative */
	FLAG = 1 << 3,
	NONE = 1 << 4, /* null */
};

struct field {
	const char *name;
	unsigned types; /* enum type */
};

static const struct field fields[] = {
	{ "time", TEXT },
	{ "job", TEXT },
	{ "number", NUMBER },
	{ "pid", NUMBER | NONE },
	{ "comm", TEXT | NONE },
	{ "kind", TEXT },
	{ "method", TEXT | NONE },
	{ "scheme", TEXT | NONE },
	{ "host", TEXT | NONE },
	{ "port", NUMBER | NONE },
	{ "path", TEXT | NONE },
	{ "status", NUMBER | NONE },
	{ "by", TEXT | NONE },
	{ "reason", TEXT | NONE },
	{ "detail", TEXT | NONE },
	{ "sent", NUMBER | NONE },
	{ "received", NUMBER | NONE },
	{ "milliseconds", NUMBER | DURATION | NONE },
	{ "first_byte_milliseconds", NUMBER | DURATION | NONE },
	{ "upstream", TEXT | NONE },
	{ "server_name", TEXT | NONE },
	{ "reused", FLAG | NONE },
	{},
};
static const struct field dropped_fields[] = {
	{ "time", TEXT },
	{ "job", TEXT },
	{ "kind", TEXT },
	{ "count", NUMBER },
	{},
};

static unsigned type_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return TEXT;
	case JSON_INTEGER:
		return json_integer_value(value) < 0 ? 0 : NUMBER;
	case JSON_REAL:
		return json_real_value(value) < 0 ? 0 : DURATION;
	case JSON_TRUE:
	case JSON_FALSE:
		return FLAG;
	case JSON_NULL:
		return NONE;
	default:
		return 0;
	}
}

static const char *text_of(const json_t *line, const char *name)
{
	return json_string_value(json_object_get(line, name));
}

static bool has_word(const json_t *line, const char *name, const char *word)
{
	const char *text = text_of(line, name);

	return text && !strcmp(text, word);
}

/* 2026-11-29T12:00:00.123Z, with as many digits after the point as there are. */
static bool is_time(const char *text)
{
	static const char shape[] = "0000-00-00T00:00:00";
	const size_t whole = sizeof(shape) - 1;
	size_t digits;

	for (size_t i = 0; i < whole; i++)
		if (shape[i] == '0' ? !isdigit((unsigned char)text[i])
				    : text[i] != shape[i])
			return false;
	digits = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") + 1 : 0;
	return digits != 1 && digits <= 10 && !strcmp(text + whole + digits, "Z");
}

static bool is_known_kind(const json_t *line)
{
	return has_word(line, "kind", "request") || has_word(line, "kind", "tunnel") ||
	       has_word(line, "kind", "dns") || has_word(line, "kind", KIND_DROPPED);
}

static bool is_sound(const json_t *line)
{
	const json_t *version = json_object_get(line, "version");
	const struct field *field =
		has_word(line, "kind", KIND_DROPPED) ? dropped_fields : fields;

	if (!json_is_integer(version) || json_integer_value(version) != 1)
		return false;
	for (; field->name; field++) {
		const json_t *value = json_object_get(line, field->name);

		if (!value || !(type_of(value) & field->types))
			return false;
	}
	return is_known_kind(line) && is_time(text_of(line, "time"));
}

/* Only the fields of the table. Others may be of a later version, or of any depth. */
static json_t *known_fields(const json_t *line)
{
	_json_ json_t *known = json_pack("{s:i}", "version", 1);
	const struct field *field =
		has_word(line, "kind", KIND_DROPPED) ? dropped_fields : fields;

	for (; known && field->name; field++)
		if (json_object_set(known, field->name, json_object_get(line, field->name)))
			return NULL;
	return TAKE_POINTER(known);
}

json_t *log_line_parse(const char *text, size_t length)
{
	_json_ json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);

	return json_is_object(line) && is_sound(line) ? known_fields(line) : NULL;
}

const char *log_line_job(const json_t *line)
{
	return text_of(line, "job");
}

bool log_line_is_refusal(const json_t *line)
{
	return has_word(line, "by", "fence") || has_word(line, "kind", KIND_DROPPED);
}

/* Prints a text in which blanks are no blanks, so that it stays in its column. */
static void print_word(FILE *to, const char *text)
{
	_free_ char *word = strdup(text ? text : "-");

	if (!word)
		return;
	make_printable(word);
	for (char *at = word; (at = strchr(at, ' '));)
		*at = '?';
	fputs(word[0] ? word : "-", to);
}

static void print_number(FILE *to, const char *before, const json_t *line, const char *name)
{
	const json_t *value = json_object_get(line, name);

	if (json_is_integer(value))
		fprintf(to, "%s%lld", before, (long long)json_integer_value(value));
}

static void print_process(FILE *to, const json_t *line)
{
	print_word(to, text_of(line, "comm"));
	print_number(to, "[", line, "pid");
	if (json_is_integer(json_object_get(line, "pid")))
		fputc(']', to);
}

/* A tunnel for TLS that nobody asked for by CONNECT has no method. */
static const char *method_of(const json_t *line)
{
	if (has_word(line, "kind", "dns"))
		return "DNS";
	return text_of(line, "method") ? text_of(line, "method") : "TLS";
}

/* A path begins with /. For others, as * of OPTIONS, that is what is shown. */
static void print_target(FILE *to, const json_t *line)
{
	const char *path = text_of(line, "path");

	print_word(to, text_of(line, "host"));
	print_number(to, ":", line, "port");
	if (path)
		print_word(to, path);
}

static void print_outcome(FILE *to, const json_t *line)
{
	const char *detail = text_of(line, "detail");

	fputc(' ', to);
	if (json_is_integer(json_object_get(line, "status")))
		print_number(to, "", line, "status");
	else
		fputc('-', to);
	fputc(' ', to);
	print_word(to, text_of(line, "by"));
	if (text_of(line, "reason")) {
		fputc(':', to);
		print_word(to, text_of(line, "reason"));
	}
	print_number(to, " sent ", line, "sent");
	print_number(to, " received ", line, "received");
	if (json_is_number(json_object_get(line, "milliseconds")))
		fprintf(to, " %.1f ms",
			json_number_value(json_object_get(line, "milliseconds")));
	if (detail) {
		fputs(" (", to);
		print_foreign(to, detail, strlen(detail));
		fputc(')', to);
	}
	fputc('\n', to);
}

void log_line_print(FILE *to, const json_t *line)
{
	print_word(to, text_of(line, "time"));
	if (has_word(line, "kind", KIND_DROPPED)) {
		print_number(to, " ", line, "count");
		fputs(" lines were dropped before this\n", to);
		return;
	}
	fputc(' ', to);
	print_process(to, line);
	fputc(' ', to);
	print_word(to, method_of(line));
	fputc(' ', to);
	print_target(to, line);
	print_outcome(to, line);
}
