/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What a user is told to do about refusals. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "job/usage.h"

/*
 * Whether declaring the `length` bytes at `name`, which may be anything, would let a job like `spec` reach a site by it: the next
 * run takes it, and lets an address pass.
 */
bool can_be_advised(const struct job_spec *spec, const char *name, size_t length);

/* Says, behind `start`, what to do where TLS was refused for its encrypted ClientHello; where none was, nothing. */
void print_ech_advice(FILE *file, const char *start, const struct usage *usage);
