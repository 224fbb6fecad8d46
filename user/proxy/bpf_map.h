/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The elements of a map, by bpf(2). The proxy does without libbpf, which would cost it more
 * memory than all the rest. Each call returns 0 or -errno.
 */

int bpf_map_look_up(int map, const void *key, void *value);
int bpf_map_update(int map, const void *key, const void *value, unsigned long long flags);
int bpf_map_delete(int map, const void *key);
