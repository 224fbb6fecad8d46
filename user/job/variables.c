// SPDX-License-Identifier: BSD-2-Clause
/* See variables.h. */

#include <stddef.h>

#include "job/variables.h"
#include "jobfence/abi.h"

#define PROXY_URL "http://" PROXY_ADDRESS4 ":80"

const struct variable *proxy_variables(void)
{
	static const struct variable variables[] = {
		{ "http_proxy", PROXY_URL },
		{ "https_proxy", PROXY_URL },
		{ "HTTP_PROXY", PROXY_URL },
		{ "HTTPS_PROXY", PROXY_URL },
		{ "no_proxy", "localhost,127.0.0.1,127.0.0.0/8,0.0.0.0,::1" },
		{ NULL, NULL },
	};
	return variables;
}

json_t *variables_to_json(const struct variable *variables)
{
	json_t *object = json_object();

	for (; variables->name; variables++)
		json_object_set_new(object, variables->name, json_string(variables->value));
	return object;
}
