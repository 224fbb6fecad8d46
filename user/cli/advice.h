/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Advice for users about refusals. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "job/usage.h"

/*
 * Whether a job like `spec` could reach a site by declaring the `length` bytes at `name`.
 * They may be anything. The next run has to accept the name, and the proxy may dial an
 * address.
 */
bool can_be_advised(const struct job_spec *spec, const char *name, size_t length);

/*
 * Prints `start` and what to do about refused encrypted ClientHellos. Without such a
 * refusal it prints nothing.
 */
void print_ech_advice(FILE *file, const char *start, const struct usage *usage);

/* The same of refused TLS for HTTP/2 alone. */
void print_http2_advice(FILE *file, const char *start, const struct usage *usage);
