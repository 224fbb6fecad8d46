/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The journal of events, see enum event_ring. A reader has a place of its own. Readers and
 * writers never wait for each other.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobfence/abi.h"

struct journal_reader {
	const struct event *records;   /* map `events`, as memory */
	const struct journal *journal; /* map `journal`, as memory */
	uint64_t read;		       /* number of the newest event that was read */
	bool began;
	/* What the last journal_read() found, in the order of their numbers. */
	struct event *found;
	size_t count;
	uint64_t lost; /* events that were replaced before they were read */
};

/*
 * Opens the journal of this version's programs for reading, at its oldest event. Returns
 * 0 or -errno. -ENOENT: no job was up yet.
 */
int journal_open(struct journal_reader *reader);
void journal_close(struct journal_reader *reader);

/*
 * Reads all events that came since the last call. The first call counts none as lost that
 * is older than the oldest it finds.
 */
void journal_read(struct journal_reader *reader);

/*
 * Writes an event to RING_JOBS. Its number is filled in. Returns 0, -EBUSY if others are
 * writing the next records of the ring, or -errno.
 */
int journal_write(const struct event *event);
