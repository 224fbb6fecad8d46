/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The reasons for which the node refuses a job, as admission_check() lists them. */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Appends a violation: the value of the job (NULL: none in particular) that the setting
 * refuses, and why. Returns 0 or -ENOMEM.
 */
__attribute__((format(printf, 4, 5))) int violation_add(json_t *violations,
	const char *setting, const char *value, const char *format, ...);

/*
 * Turns the first violation into a failure with STATUS_POLICY. `error` is that of the
 * check itself. Returns 0 if there is neither.
 */
int violations_report(int error, const json_t *violations, struct failure *failure);
