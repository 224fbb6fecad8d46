/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Every map. They are weak, so that each object file of bpf/ may include them, and the
 * linker of objects joins them into one.
 *
 * State of a job is in the storage of its cgroup. A program finds it without a look-up,
 * for processes in child cgroups, too. The 64-bit key makes all programs that are
 * attached to one cgroup share it (Linux 5.9).
 */

#include "jobfence/abi.h"

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
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, EVENTS_MAX);
	__type(key, __u32);
	__type(value, struct event);
} events __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct journal);
} journal __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, struct connection_key);
	__type(value, struct connection_entry);
} connections __weak SEC(".maps");

/*
 * How many of `connections` a job has, by its id. This count is not in struct job_state,
 * which the loader reads and writes back as a whole: it would write back an old count. A
 * job without an element opens no connection.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, __u64);
	__type(value, __u64);
} open_count __weak SEC(".maps");

/* On a job's redirected socket. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct origin);
} origins __weak SEC(".maps");

/* Templates: the loader makes a map like each of these for every job. */
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
	__type(value, struct domain_use);
} hits __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct job_limits);
} limits __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct proxy_statistics);
} statistics __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, REFUSALS_MAX);
	__type(key, struct refusal_key);
	__type(value, struct refusal);
} refused __weak SEC(".maps");

/* Only for jobs that learn. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LEARNED_MAX);
	__type(key, struct learned_key);
	__type(value, __u64);
} learned __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LEARNED_RULES_MAX);
	__type(key, struct learned_rule_key);
	__type(value, __u64);
} learned_rules __weak SEC(".maps");
