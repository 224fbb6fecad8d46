// SPDX-License-Identifier: BSD-2-Clause
/* See library.h. */

#include <dlfcn.h>

#include "lib/library.h"

int library_load(const char *library, const char *option,
	const struct library_function *functions, size_t count, struct failure *failure)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; handle && i < count; i++) {
		*functions[i].pointer = dlsym(handle, functions[i].name);
		if (!*functions[i].pointer)
			handle = NULL;
	}
	return handle ? 0
		      : fail_as(failure, STATUS_FAILED,
				"%s needs the library %s; install it", option, library);
}
