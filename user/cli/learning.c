// SPDX-License-Identifier: BSD-2-Clause
/* See learning.h. */

#include <errno.h>

#include "cli/learning.h"
#include "lib/cleanup.h"
#include "lib/umask.h"

int learning_begin(
	struct learning *learning, const struct options *options, struct failure *failure)
{
	learning->collapse = options->learn_collapse;
	learning->path = options->learn_output;
	if (!learning->path)
		return 0;
	learning->file = umask_open(learning->path);
	return learning->file ? 0
			      : fail(failure, -errno, "cannot write %s", learning->path);
}

void learning_close(struct learning *learning)
{
	cleanup_file(&learning->file);
}

int learning_print(const struct learning *learning, const char *job,
	const struct learned_maps *maps, struct failure *failure)
{
	_free_ struct learned *learned = NULL;
	_free_ struct learned_rules *rules = NULL;
	int error = maps->rules < 0 ? -ENOENT : learned_read(maps->names, &learned);

	if (!error)
		error = learned_rules_read(maps->rules,
			learning->collapse ? learning->collapse : LEARNED_SIBLINGS, &rules);
	if (error)
		return fail(failure, error, "cannot read what job %s learned", job);
	if (learning->collapse)
		learned_collapse(learned, learning->collapse);
	error = learned_write(
		learned, rules, job, learning->file ? learning->file : stdout);
	return error ? fail(failure, error, "cannot write what job %s learned", job) : 0;
}
