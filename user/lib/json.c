// SPDX-License-Identifier: BSD-2-Clause
/* See json.h. */

#include <errno.h>
#include <stdio.h>

#include "lib/json.h"

json_t *number_or_null(bool there, json_int_t number)
{
	return there ? json_integer(number) : json_null();
}

int print_json(const json_t *json)
{
	/* Of the 17 digits that a double may need, people write 15 back as they were. */
	const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15);
	_free_ char *text = json ? json_dumps(json, flags) : NULL;

	if (!text)
		return -ENOMEM;
	return puts(text) < 0 ? -EIO : 0;
}
