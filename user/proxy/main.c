// SPDX-License-Identifier: BSD-2-Clause
/* jobfence-proxy, without libssl. */

#include "proxy/program.h"

int main(int count, char **arguments)
{
	return program_run(count, arguments, NULL);
}
