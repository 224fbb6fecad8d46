/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The news of jobs: each that started, changed or ended is an event of the journal, and a
 * line of the file /run/jobfence/events. The line has what an event has no room for, such
 * as labels. With it the events of a job have a name after its end, too.
 *
 * Reports, and labels of more than 1 KiB, are in the file /run/jobfence/events.details. So
 * one job with much to say takes no names from others.
 *
 * Both files are bounded. A full one gets the ending .1, in place of an older one.
 */

#include <sys/stat.h>

#include "job/job.h"
#include "lib/json.h"

/*
 * Tells of a job. `what` says more of EVENT_CHANGED, otherwise it is NULL. `report` is what
 * `show` says of a job that ended, or NULL. The job is as it is whether or not that works,
 * so an error is dropped.
 */
void news_tell(
	const struct job *job, enum event_kind kind, const char *what, json_t *report);

/* What the file and the records of jobs say. */
struct news {
	json_t *lines;	   /* by the job's id in decimal: an array of its lines in order */
	struct stat file;  /* as it was when it was read */
	uint64_t searched; /* when the records were read, ns of CLOCK_BOOTTIME */
};

/* Reads the file anew, if it has changed. Returns 0 or -ENOMEM. */
int news_read(struct news *news);
void news_free(struct news *news);

/*
 * Finds the line that names the job of an event: an object with `job` and `labels`. For an
 * event of the news itself that is its own line, if it is still there. Jobs that have no
 * line are searched for by their records, once a second. Returns NULL if the job is not
 * known.
 */
const json_t *news_find(struct news *news, const struct event *event);
