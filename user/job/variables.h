/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The environment variables that lead programs of a job to its proxy. */

struct variable {
	const char *name, *value;
};
/* All of them. A pair with a NULL name ends the list. */
const struct variable *proxy_variables(void);
