/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Environment variables for the programs of a job. */

#include <jansson.h>

/* A NULL name ends a list of them. */
struct variable {
	const char *name, *value;
};

/* Those that lead programs to the proxy. */
const struct variable *proxy_variables(void);

/* An object with the values by their names. NULL: there is no memory. */
json_t *variables_to_json(const struct variable *variables);
