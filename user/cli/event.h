/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* An event in words: as JSON, as a sentence, and as an entry of systemd's journal. */

#include "job/news.h"

/* What is printed of one event. */
struct event_shown {
	const struct event *event;
	const json_t *line; /* of the news, see news_find(). NULL: the job is not known */
};

/* The name of the job, or NULL. */
const char *event_job(const struct event_shown *shown);

/* The event as docs/json.md describes it. NULL: there is no memory. */
json_t *event_to_json(const struct event_shown *shown);

/* Prints the event in words, without its time and without an end of line. */
void event_print(FILE *file, const struct event_shown *shown);
