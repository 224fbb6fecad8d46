/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A line of a request log. A proxy that was taken over may have written anything there.
 * So a line counts only if each of its fields is as docs/json.md has it.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Returns the line, or NULL if it is none of version 1, or there is no memory. */
json_t *log_line_parse(const char *text, size_t length);

/* The name of the job that the line is of. */
const char *log_line_job(const json_t *line);

/* Whether it tells of a refusal, or of lines that were dropped and may have told of one. */
bool log_line_is_refusal(const json_t *line);

/* Prints a line for people. */
void log_line_print(FILE *to, const json_t *line);
