/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Which refused names a user is told to declare. */

#include <stdbool.h>
#include <stddef.h>

#include "core/spec.h"

/*
 * Whether declaring the `length` bytes at `name`, which may be anything, would let a job like `spec` reach a site by it: the next
 * run takes it, and its guard lets an address pass.
 */
bool can_be_advised(const struct job_spec *spec, const char *name, size_t length);
