/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The fence of a job of Slurm on this node, as the program `jobfence` makes and ends it.
 * Its name is slurm-N. All steps of the job share it.
 */

#include <jansson.h>
#include <stdint.h>

#include "policy/helper.h"
#include "slurm/step.h"

/* What a job asks for, or the site. NULL: not given. */
struct fence_settings {
	const char *network;
	const char *domains; /* separated by commas */
	const char *presets; /* separated by commas */
	const char *rate;
};

struct fence {
	const char *program; /* path of jobfence */
	uint32_t job;
	struct step step;
	json_t *document;	    /* what `jobfence up` or `list` says of the job */
	int netns;		    /* -1: the job stays in the node's */
	char why[HELPER_WORDS_MAX]; /* why the fence does not stand */
};

/* Whether the job has a fence on this node, or the rest of one. */
bool fence_is_there(uint32_t job);

/*
 * Sets up the fence around the job's cgroup, or joins the one that an earlier step made.
 * With `asked` that one must have been made with the same settings. The caller has left
 * the job by step_leave(). Returns 0, or -errno. `why` says more, unless it is empty.
 */
int fence_begin(struct fence *fence, const struct fence_settings *settings, bool asked);

/*
 * Ends the fence, if there is one, and every process that is left behind it. Returns 0,
 * or -errno with `why` filled in.
 */
int fence_end(struct fence *fence);

/*
 * Shows the caller the files of the job: resolv.conf and, if TLS is opened, its
 * certificates. That takes a mount namespace of its own. Returns 0 or -errno.
 */
int fence_show_files(const struct fence *fence);
