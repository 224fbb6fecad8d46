/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Makes, prints and releases JSON values. */

#include <jansson.h>
#include <stdbool.h>

#include "lib/cleanup.h"

static inline void cleanup_json(json_t **json)
{
	json_decref(*json);
}
#define _json_ _cleanup_(cleanup_json)

/* A number as JSON. null: there is no number. */
json_t *number_or_null(bool there, json_int_t number);

/*
 * Prints a value to standard output as a line of ASCII. No string in it can control a
 * terminal. Returns 0, -ENOMEM if the value is NULL or there is no memory to print it, or
 * -EIO if a write failed. The rest may still be in the buffer (fflush(3)).
 */
int print_json(const json_t *json);
