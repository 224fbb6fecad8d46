/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The values of a job's secrets, on their way to its proxy in a file in memory. */

#include "jobfence/secrets.h"
#include "lib/failure.h"
#include "policy/secret.h"

/* The file and its locked pages. */
struct secret_values {
	int fd; /* -1: there are none */
	struct secret_file *file;
};

#define SECRET_VALUES_NONE ((struct secret_values){ .fd = -1 })

void secret_values_free(struct secret_values *values);

/*
 * Makes the file, and reads each value into it. A file is opened with the rights of the
 * user who named it. A descriptor is closed, so that no command of the job has it.
 *
 * One line end after a value is dropped. The rest is visible ASCII and blanks, as a field
 * of HTTP has it, with no blank at either end.
 *
 * With `lenient`, a secret that can't be read has no value, and requests that are to have
 * it fail. Returns 0, or -errno with the failure noted. `values` is untouched without
 * secrets.
 */
int secret_values_read(const struct secrets *secrets, bool lenient,
	struct secret_values *values, struct failure *failure);
