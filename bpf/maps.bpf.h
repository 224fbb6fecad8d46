/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Every map. They are weak, so that each object file of bpf/ may include them and the linker
 * of objects joins them into one.
 *
 * State that belongs to a job lies in the storage of its cgroup: found without a look-up, and
 * found for processes in child cgroups too. The 64-bit key makes all programs that are attached to
 * one cgroup share it (Linux 5.9).
 */

#include "jobfence/fence.h"

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

/* On the job's cgroup. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, __u64);
	__type(value, struct job_state);
} job __weak SEC(".maps");

/* On the proxy's cgroup. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, __u64);
	__type(value, struct upstream_state);
} upstream __weak SEC(".maps");

/* On both. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, __u64);
	__type(value, struct job_counters);
} counters __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_SIZE);
} events __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, struct connection_key);
	__type(value, struct connection_entry);
} connections __weak SEC(".maps");

/*
 * By a job's id, how many of `connections` are its own. Not in its state: the loader reads and writes that whole for a new
 * rate, and would write back a count that is over. A job without an element opens none.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, __u64);
	__type(value, __u64);
} open_count __weak SEC(".maps");

/* On a job's socket: what it asked for, where that is not where it was led. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct endpoint);
} destination __weak SEC(".maps");

/* Templates: the loader makes one of each for every job, with the types that these have. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DOMAIN_ENTRIES_MAX);
	__type(key, struct domain_key);
	__type(value, struct domain);
} domains __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DOMAIN_ENTRIES_MAX);
	__type(key, __u32);
	__type(value, __u64);
} hits __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct job_limits);
} limits __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, REFUSALS_MAX);
	__type(key, struct refusal_key);
	__type(value, struct refusal);
} refused __weak SEC(".maps");

/* For those jobs only that learn. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LEARNED_MAX);
	__type(key, struct learned_key);
	__type(value, __u64);
} learned __weak SEC(".maps");
