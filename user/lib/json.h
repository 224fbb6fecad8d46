/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Owning a JSON value for as long as a scope lasts, and printing one. */

#include <jansson.h>

#include "lib/cleanup.h"

static inline void cleanup_json(json_t **json)
{
	json_decref(*json);
}
#define _json_ _cleanup_(cleanup_json)

/*
 * Prints a value to standard output as a line of ASCII. A string in it cannot command a
 * terminal. Returns 0; -ENOMEM where the value is NULL or there is no memory to print it;
 * or -EIO where a write failed. The rest may still be in the buffer: see fflush(3).
 */
int print_json(const json_t *json);
