// SPDX-License-Identifier: BSD-2-Clause
/* See findings.h. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/findings.h"
#include "lib/printable.h"

const char *finding_word(enum finding kind)
{
	static const char *const words[] = {
		[FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_LACKS] = "lacks"
	};

	return words[kind];
}

void findings_begin(struct findings *findings)
{
	*findings = (struct findings){ .list = json_array() };
	findings->exhausted = !findings->list;
}

void findings_free(struct findings *findings)
{
	json_decref(findings->list);
}

/* Returns NULL for NULL, or if there is no memory. */
static json_t *to_json(const char *text)
{
	_free_ char *copy = text ? strdup(text) : NULL;

	if (!copy)
		return text ? NULL : json_null();
	make_printable(copy);
	return json_string(copy);
}

void findings_add(struct findings *findings, enum finding kind, const char *check,
	const char *why, const char *command, const char *what, ...)
{
	_free_ char *text = NULL;
	va_list arguments;
	json_t *finding;
	int length;

	va_start(arguments, what);
	length = vasprintf(&text, what, arguments);
	va_end(arguments);
	if (length < 0)
		text = NULL;
	finding = text ? json_pack("{s:s, s:s, s:o, s:o, s:o}", "check", check, "result",
				 finding_word(kind), "what", to_json(text), "why",
				 to_json(why), "command", to_json(command))
		       : NULL;
	findings->lacks |= kind == FINDING_LACKS;
	findings->exhausted |= json_array_append_new(findings->list, finding) != 0;
}
