/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* One job in detail, as lines for the screen of `jobfence top`. */

#include <stdio.h>

#include "cli/log_reader.h"
#include "cli/top_model.h"
#include "node/journal.h"

#define TOP_LATEST 16 /* requests and refusals that are shown */

struct top_detail {
	char name[JOB_NAME_MAX + 1];
	uint64_t id; /* of the job of that name. 0: not known yet */
	struct journal_reader journal;
	struct log_reader log;
	/* Rings, and how many were ever put there. */
	struct event refusals[TOP_LATEST];
	size_t refusal_count;
	char *requests[TOP_LATEST]; /* lines of the log */
	size_t request_count;
};

/* Begins to show another job. top_detail_close() is due, also after an error. */
void top_detail_open(struct top_detail *detail, const char *name);
void top_detail_close(struct top_detail *detail);

/*
 * Writes what is known of the job now. `row` is its line in the list, or NULL if it has
 * ended.
 */
void top_detail_write(struct top_detail *detail, const struct top_job *row, FILE *to);
