// SPDX-License-Identifier: BSD-2-Clause
/*
 * See journal.h. A record is copied between two looks at its number. If both find the same
 * number, nobody wrote in the meantime, since a writer first makes the number EVENT_BUSY.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "node/journal.h"
#include "node/objects.h"

#define RECORDS_SIZE	(EVENTS_MAX * sizeof(struct event))
#define RING_JOBS_FIRST (RING_SHARED_SIZE + RING_SURPLUS_SIZE)
#define ATTEMPTS	3	  /* to read all numbers */
#define PAUSE		10000000L /* ns between them */

/* Returns the memory of a map from `offset` on, or NULL with errno set. */
static void *map_memory(const char *name, off_t offset, size_t size, int protection)
{
	_fd_ int fd = objects_map(name);
	void *memory;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	memory = mmap(NULL, size, protection, MAP_SHARED, fd, offset);
	return memory == MAP_FAILED ? NULL : memory;
}

int journal_open(struct journal_reader *reader)
{
	int error = 0;

	*reader = (struct journal_reader){};
	reader->records = map_memory("events", 0, RECORDS_SIZE, PROT_READ);
	if (reader->records)
		reader->journal =
			map_memory("journal", 0, sizeof(*reader->journal), PROT_READ);
	if (reader->journal)
		reader->found = calloc(EVENTS_MAX, sizeof(*reader->found));
	if (!reader->found)
		error = -errno;
	if (error)
		journal_close(reader);
	return error;
}

void journal_close(struct journal_reader *reader)
{
	if (reader->records)
		munmap((void *)reader->records, RECORDS_SIZE);
	if (reader->journal)
		munmap((void *)reader->journal, sizeof(*reader->journal));
	free(reader->found);
	*reader = (struct journal_reader){};
}

static int compare(const void *a, const void *b)
{
	const struct event *left = a, *right = b;

	return left->number < right->number ? -1 : left->number > right->number;
}

/* Copies a record if it has a number from `after` to `last`. Returns whether it has. */
static bool copy(
	const struct event *record, uint64_t after, uint64_t last, struct event *event)
{
	uint64_t number = __atomic_load_n(&record->number, __ATOMIC_ACQUIRE);

	if (number <= after || number > last)
		return false;
	*event = *record;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&record->number, __ATOMIC_RELAXED) == number;
}

/* Returns how many numbers up to `last` are missing. */
static uint64_t collect(struct journal_reader *reader, uint64_t last)
{
	reader->count = 0;
	for (size_t i = 0; i < EVENTS_MAX; i++) {
		struct event *event = &reader->found[reader->count];

		if (copy(&reader->records[i], reader->read, last, event))
			reader->count++;
	}
	qsort(reader->found, reader->count, sizeof(reader->found[0]), compare);
	if (!reader->began)
		reader->read = reader->count ? reader->found[0].number - 1 : last;
	return last - reader->read - reader->count;
}

void journal_read(struct journal_reader *reader)
{
	const struct timespec pause = { .tv_nsec = PAUSE };
	uint64_t last = __atomic_load_n(&reader->journal->last, __ATOMIC_ACQUIRE);

	reader->count = 0;
	reader->lost = 0;
	if (reader->began && last <= reader->read)
		return;
	reader->lost = collect(reader, last);
	/* A writer takes its number an instant before it writes it. */
	for (int i = 1; reader->lost && i < ATTEMPTS; i++) {
		nanosleep(&pause, NULL);
		reader->lost = collect(reader, last);
	}
	reader->began = true;
	reader->read = last;
}

/* A part of a map in memory, from the begin of a page on. */
struct part {
	char *pages; /* NULL: none */
	size_t size;
};

static void unmap(struct part *part)
{
	if (part->pages)
		munmap(part->pages, part->size);
	part->pages = NULL;
}

/* Maps what is written. To map all records takes longer than all else that is done here. */
static void *map_part(const char *name, size_t offset, size_t size, struct part *part)
{
	size_t before = offset % (size_t)sysconf(_SC_PAGESIZE);
	void *pages = map_memory(
		name, (off_t)(offset - before), before + size, PROT_READ | PROT_WRITE);

	if (!pages)
		return NULL;
	*part = (struct part){ pages, before + size };
	return part->pages + before;
}

/* Makes a record EVENT_BUSY. Returns whether nobody else writes it. */
static bool take(struct event *record)
{
	__u64 number = __atomic_load_n(&record->number, __ATOMIC_RELAXED);

	if (number == EVENT_BUSY ||
		!__atomic_compare_exchange_n(&record->number, &number, EVENT_BUSY, false,
			__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return false;
	/* No reader may see what comes before it sees EVENT_BUSY. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return true;
}

/* Writes the next record of the ring. Returns 0 or -errno. -EBUSY: somebody writes it. */
static int write_next(struct journal *journal, const struct event *event)
{
	const size_t skipped = sizeof(event->number);
	uint64_t position =
		__atomic_fetch_add(&journal->positions[RING_JOBS], 1, __ATOMIC_SEQ_CST);
	size_t place = RING_JOBS_FIRST + position % RING_JOBS_SIZE;
	_cleanup_(unmap) struct part part = {};
	struct event *record =
		map_part("events", place * sizeof(*record), sizeof(*record), &part);

	if (!record)
		return -errno;
	if (!take(record))
		return -EBUSY;
	memcpy((char *)record + skipped, (const char *)event + skipped,
		sizeof(*event) - skipped);
	__atomic_store_n(&record->number,
		__atomic_add_fetch(&journal->last, 1, __ATOMIC_SEQ_CST), __ATOMIC_RELEASE);
	return 0;
}

int journal_write(const struct event *event)
{
	_cleanup_(unmap) struct part part = {};
	struct journal *journal = map_part("journal", 0, sizeof(*journal), &part);
	int error = journal ? -EBUSY : -errno;

	/* A loader that was killed may have left a record as EVENT_BUSY. Pass over it. */
	for (int i = 0; i < ATTEMPTS && error == -EBUSY; i++)
		error = write_next(journal, event);
	return error;
}
