/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Room for the input of a parser, with a page without access after it. An input ends at
 * that page, so a read of one byte too many kills the test. A test file defines ROOM, the
 * bytes of the room, and includes this after cmocka.h.
 */

#include <sys/mman.h>
#include <unistd.h>

static unsigned char *room;

static int map_room(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)state;
	room = mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	return room == MAP_FAILED || mprotect(room + ROOM, page, PROT_NONE);
}

static int unmap_room(void **state)
{
	(void)state;
	return munmap(room, ROOM + (size_t)sysconf(_SC_PAGESIZE));
}
