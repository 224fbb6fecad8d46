/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A doubly linked ring. Its head and its entries are embedded in their owners
 * (container_of()), so nothing is allocated. The first entry is head->next, and the last
 * one head->previous. An entry of zero bytes is in no ring.
 */

#include <stdbool.h>
#include <stddef.h>

struct ring {
	struct ring *next, *previous; /* NULL: in no ring */
};

static inline void ring_init(struct ring *head)
{
	head->next = head->previous = head;
}

static inline bool ring_is_empty(const struct ring *head)
{
	return head->next == head;
}

/* Whether the entry is in a ring. */
static inline bool ring_holds(const struct ring *entry)
{
	return entry->next;
}

/* Puts an entry that is in no ring before another one. Before the head, it is the last. */
static inline void ring_insert(struct ring *entry, struct ring *next)
{
	entry->next = next;
	entry->previous = next->previous;
	entry->previous->next = entry;
	next->previous = entry;
}

/* Takes an entry out of its ring, if it is in one. */
static inline void ring_remove(struct ring *entry)
{
	if (!entry->next)
		return;
	entry->previous->next = entry->next;
	entry->next->previous = entry->previous;
	entry->next = entry->previous = NULL;
}
