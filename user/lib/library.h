/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Loads a library that few commands need. Linked, it and the libraries that it needs itself
 * would slow down the start of every command.
 */

#include <stddef.h>

#include "lib/failure.h"

/* A function of the library, and the pointer that becomes its address. */
struct library_function {
	const char *name;
	void **pointer;
};

/*
 * Loads the library with that file name, for the option `option`. It stays loaded. Returns
 * 0, or -EPERM with the failure noted if it, or one of the functions, is missing.
 */
int library_load(const char *library, const char *option,
	const struct library_function *functions, size_t count, struct failure *failure);
