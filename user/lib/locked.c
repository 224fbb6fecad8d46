// SPDX-License-Identifier: BSD-2-Clause
/* See locked.h. */

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "lib/locked.h"

int locked_map(int fd, size_t size, bool writable, void *memory)
{
	void *mapped = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
		MAP_SHARED, fd, 0);
	int error;

	if (mapped == MAP_FAILED)
		return -errno;
	if (!mlock(mapped, size) && !madvise(mapped, size, MADV_DONTDUMP) &&
		!madvise(mapped, size, MADV_DONTFORK)) {
		*(void **)memory = mapped;
		return 0;
	}
	error = -errno;
	munmap(mapped, size);
	return error;
}

void locked_unmap(const void *memory, size_t size)
{
	if (memory)
		munmap((void *)(uintptr_t)memory, size);
}
