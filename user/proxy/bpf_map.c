// SPDX-License-Identifier: BSD-2-Clause
/* See bpf_map.h. */

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proxy/bpf_map.h"

static int element(
	int command, int map, const void *key, const void *value, unsigned long long flags)
{
	union bpf_attr attributes = {};

	attributes.map_fd = (uint32_t)map;
	attributes.key = (uintptr_t)key;
	attributes.value = (uintptr_t)value;
	attributes.flags = flags;
	return syscall(SYS_bpf, command, &attributes, sizeof(attributes)) ? -errno : 0;
}

int bpf_map_look_up(int map, const void *key, void *value)
{
	return element(BPF_MAP_LOOKUP_ELEM, map, key, value, 0);
}

int bpf_map_update(int map, const void *key, const void *value, unsigned long long flags)
{
	return element(BPF_MAP_UPDATE_ELEM, map, key, value, flags);
}

int bpf_map_delete(int map, const void *key)
{
	return element(BPF_MAP_DELETE_ELEM, map, key, NULL, 0);
}
