/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What verbs print on standard output. */

#include <jansson.h>

/* Prints a value as a line of ASCII: a terminal finds no command in it, whatever the strings are. Returns 0, or -ENOMEM where the
 * value is NULL. What can't be written is told by fflush(3) later. */
int print_json(const json_t *json);
