// SPDX-License-Identifier: BSD-2-Clause
/* See code_pages.h. */

#include "proxy/code_pages.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int give_back(struct dl_phdr_info *object, size_t size, void *data)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)data;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t start = object->dlpi_addr + segment->p_vaddr;
		uintptr_t end = start + segment->p_memsz;

		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		start &= ~(page - 1);
		/* Only memory counts, so it may fail. */
		(void)madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

void code_pages_give_back(void)
{
	(void)dl_iterate_phdr(give_back, NULL);
}
