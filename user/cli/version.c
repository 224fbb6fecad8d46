// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence version`. */

#include <stdio.h>

#include "cli/command.h"

int version_command(struct options *options, int *status, struct failure *failure)
{
	(void)options;
	(void)status;
	(void)failure;
	printf("jobfence " VERSION "\n");
	return 0;
}
