/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What `doctor` found out about the node, one finding after another. */

#include <jansson.h>
#include <stdbool.h>

enum finding {
	FINDING_OK,
	FINDING_NOTE,  /* jobs run all the same, with less or otherwise */
	FINDING_LACKS, /* jobs can't run */
};

struct findings {
	json_t *list;	/* of objects, as docs/json.md describes them */
	bool lacks;	/* one of them is FINDING_LACKS */
	bool exhausted; /* there was no memory for one of them */
};

/* Starts an empty list. findings_free() is due. */
void findings_begin(struct findings *findings);
void findings_free(struct findings *findings);

/*
 * Adds a finding. `check` is a word for programs, and `what` a sentence without its full
 * stop. The other two are NULL where all is well: `why` is a sentence of that kind about
 * what depends on it, and `command` mends it. All texts are made printable.
 */
void findings_add(struct findings *findings, enum finding kind, const char *check,
	const char *why, const char *command, const char *what, ...)
	__attribute__((format(printf, 6, 7)));

const char *finding_word(enum finding kind);
