// SPDX-License-Identifier: BSD-2-Clause
/* See violation.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/printable.h"
#include "policy/violation.h"

int violation_add(
	json_t *violations, const char *setting, const char *value, const char *format, ...)
{
	_free_ char *shown = value ? strdup(value) : NULL;
	struct failure failure;
	va_list arguments;

	if (value && !shown)
		return -ENOMEM;
	va_start(arguments, format);
	fail_as_list(&failure, STATUS_POLICY, format, arguments);
	va_end(arguments);
	/* The name of a file may be broken UTF-8, which JSON can't hold. */
	if (shown)
		make_printable(shown);
	return json_array_append_new(violations,
		       json_pack("{s:s, s:s?, s:s, s:s?}", "setting", setting, "value",
			       shown, "reason", failure.text, "next",
			       failure.next ? failure.text + failure.next : NULL))
		       ? -ENOMEM
		       : 0;
}

int violations_report(int error, const json_t *violations, struct failure *failure)
{
	const json_t *first = json_array_get(violations, 0);
	const char *reason = json_string_value(json_object_get(first, "reason"));
	const char *next = json_string_value(json_object_get(first, "next"));

	if (error)
		return fail(failure, error, "cannot check the job against the policy");
	if (!first)
		return 0;
	error = fail_as(failure, STATUS_POLICY, "%s", reason);
	/* The advice is the end of the reason. */
	failure->next = next ? strlen(reason) - strlen(next) : 0;
	failure_about(failure, json_string_value(json_object_get(first, "setting")),
		json_string_value(json_object_get(first, "value")));
	return error;
}
