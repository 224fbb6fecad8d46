/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A mock of the kernel for tests that compile the headers of bpf/ natively. Include it
 * before any of them. It replaces libbpf's <bpf/bpf_helpers.h>.
 *
 * A map is known by its address. Each storage is one object below.
 */

#define __BPF_HELPERS__

#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jobfence/abi.h"

#define SEC(name)
#define __weak		   __attribute__((weak))
#define __uint(name, val)  int(*name)[val]
#define __type(name, val)  typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define MOCK		   static inline __attribute__((unused))

static struct job_counters mock_counters;
/* The journal. A test with events sets the addresses of its maps. */
static const void *mock_map_journal, *mock_map_events;
static struct journal mock_journal;
static struct event mock_records[EVENTS_MAX];
static __u32 mock_place;   /* of the record that was looked up last */
static __u64 mock_open;	   /* value of the job's element in `open_count` */
static bool mock_is_known; /* whether the job has that element */
static __u64 mock_now;	   /* ns, of both clocks */
static unsigned mock_marks;
static unsigned char mock_packet[256];
static __u32 mock_packet_length;

/* Forgets everything that an earlier test did. */
MOCK void mock_reset(void)
{
	memset(&mock_counters, 0, sizeof(mock_counters));
	memset(&mock_journal, 0, sizeof(mock_journal));
	memset(mock_records, 0, sizeof(mock_records));
	memset(mock_packet, 0, sizeof(mock_packet));
	mock_open = mock_now = 0;
	mock_is_known = true;
	mock_marks = mock_packet_length = 0;
}

/* The headers under test use no other storage. */
MOCK void *bpf_get_local_storage(const void *map, __u64 flags)
{
	(void)map, (void)flags;
	return &mock_counters;
}

MOCK void *bpf_map_lookup_elem(const void *map, const void *key)
{
	const __u32 place = *(const __u32 *)key;

	if (map == mock_map_journal)
		return &mock_journal;
	if (map == mock_map_events) {
		assert_in_range(place, 0, EVENTS_MAX - 1);
		mock_place = place;
		return &mock_records[place];
	}
	return mock_is_known ? &mock_open : NULL;
}

MOCK __u64 bpf_ktime_get_ns(void)
{
	return mock_now;
}

MOCK __u64 bpf_ktime_get_boot_ns(void)
{
	return mock_now;
}

MOCK __u64 bpf_get_current_pid_tgid(void)
{
	return 1234ULL << 32;
}

MOCK long bpf_get_current_comm(void *buffer, __u32 size)
{
	memset(buffer, 'c', size);
	return 0;
}

MOCK long bpf_skb_load_bytes(const void *skb, __u32 offset, void *to, __u32 length)
{
	(void)skb;
	if (offset > mock_packet_length || length > mock_packet_length - offset)
		return -EFAULT;
	memcpy(to, mock_packet + offset, length);
	return 0;
}

MOCK long bpf_skb_ecn_set_ce(void *skb)
{
	(void)skb;
	mock_marks++;
	return 1;
}
