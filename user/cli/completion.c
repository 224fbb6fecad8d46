// SPDX-License-Identifier: BSD-2-Clause
/*
 * `jobfence completion`: the completion of a shell. Each script in share/completion is
 * short. It asks `jobfence completion words` which words may come next.
 */

#include <stdio.h>
#include <string.h>

#include "cli/candidates.h"
#include "cli/command.h"
#include "lib/cleanup.h"

static const struct {
	const char *shell, *script;
} scripts[] = {
	{
		"bash",
#include "text/completion/jobfence.bash.h"
	},
	{
		"zsh",
#include "text/completion/jobfence.zsh.h"
	},
	{
		"fish",
#include "text/completion/jobfence.fish.h"
	},
};

int completion_command(struct options *options, int *status, struct failure *failure)
{
	const char *shell = options->count ? options->arguments[0] : "bash";

	(void)status;
	if (!strcmp(shell, "words"))
		return candidates_print(
			options->arguments + 1, options->count - 1, failure);
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++)
		if (options->count <= 1 && !strcmp(shell, scripts[i].shell)) {
			fputs(scripts[i].script, stdout);
			return 0;
		}
	return fail_as(failure, STATUS_USAGE, "completion needs one of: bash, zsh, fish");
}
