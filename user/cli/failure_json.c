// SPDX-License-Identifier: BSD-2-Clause
/* See failure_json.h. */

#include <string.h>

#include "cli/failure_json.h"

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

/* What happened, without what to do about it. */
static json_t *reason_to_json(const struct failure *failure)
{
	const size_t separator = sizeof("; ") - 1;

	return failure->next ? json_stringn(failure->text, failure->next - separator)
			     : json_string(failure->text);
}

/* The fields of `error`. `status` is that of the verb. NULL: there is no memory. */
static json_t *failure_to_json(const struct failure *failure, int status)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o}", "status", status, "reason",
		reason_to_json(failure), "setting", text_or_null(failure->setting), "value",
		failure->setting[0] ? text_or_null(failure->value) : json_null(), "next",
		text_or_null(failure->next ? failure->text + failure->next : ""));
}

json_t *job_failure_to_json(const char *job, const struct failure *failure)
{
	_json_ json_t *name = json_pack("{s:s}", "job", job);
	_json_ json_t *details = failure_to_json(failure, (int)failure->status);

	return json_object_update(name, details) ? NULL : TAKE_POINTER(name);
}

void failure_print_json(const struct failure *failure, int status)
{
	_json_ json_t *document =
		json_pack("{s:o}", "error", failure_to_json(failure, status));

	(void)print_json(document);
}
