/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the programs in the kernel and the processes outside it share: the state of a job,
 * the keys and values of every map, and events.
 *
 * All fields have a fixed width, and structures have no hidden padding. Addresses and
 * ports are in network byte order (__be32, __be16), all other numbers in host order.
 *
 * Versions with the same FENCE_ABI share their maps on a node, and may replace each
 * other's programs. Raise it when you change a structure or a map, or remove a program.
 */

#include <linux/types.h>

#include "jobfence/reasons.h"
#include "jobfence/statistics.h"

#define FENCE_ABI 12

/* The addresses under which a job sees its proxy: the IPv4 dummy address (RFC 7600 section
 * 4.8) and one of the dummy IPv6 prefix 100:0:0:1::/64 (RFC 9780). */
#define PROXY_ADDRESS4 "192.0.0.8"
#define PROXY_ADDRESS6 "100:0:0:1::8"
/* The same as words in host order; word 2 of the IPv6 address is 0. */
#define PROXY_ADDRESS4_WORD  0xc0000008
#define PROXY_ADDRESS6_WORD0 0x01000000
#define PROXY_ADDRESS6_WORD1 0x00000001
#define PROXY_ADDRESS6_WORD3 0x00000008

#define NAME_LENGTH_MAX	    253 /* a host name in text, RFC 1035 section 2.3.4 */
#define COMM_LENGTH	    16	/* TASK_COMM_LEN */
#define RESOLVERS_MAX	    4
#define ALLOWED_RANGES_MAX  16
#define NAT64_PREFIXES_MAX  4	   /* of the networks that a node is in */
#define GUARDED_KEYS_MAX    32	   /* keys for the guarded domains of a job */
#define ECH_KEYS_MAX	    32	   /* keys for the domains that may have ECH */
#define INTERCEPT_KEYS_MAX  32	   /* keys for the domains whose TLS is opened */
#define REQUEST_RULES_MAX   64	   /* rules for methods and paths, of a job or of a node */
#define REQUEST_RULES_SIZE  4096   /* bytes of their text, each with one byte after it */
#define JOB_CONNECTIONS_MAX 1024   /* open connections of one job to its proxy and stub */
#define CONNECTIONS_MAX	    262144 /* the same for all jobs of a node */
#define DOMAINS_MAX	    1024   /* keys for the domains of one job */
#define DOMAIN_ENTRIES_MAX  2048 /* of its domain map: old and new keys during an update */
#define REFUSALS_MAX	    256	 /* names for which a job's refusals are kept */
#define LEARNED_MAX	    DOMAINS_MAX /* names of a learning job */
#define LEARNED_RULES_MAX   1024	/* rules for its requests */
#ifndef EVENTS_PER_SECOND		/* the tests build programs with another number */
#define EVENTS_PER_SECOND 32		/* of one budget, and a job has two */
#endif

/* An IPv6 address, or an IPv4 address in its IPv4-mapped form ::ffff:a.b.c.d. */
struct address {
	union {
		__u8 bytes[16];
		__be32 words[4];
	};
};

struct endpoint {
	struct address address;
	__be16 port;
	__u16 unused;
};

/* The network that a job was given. State that nobody has written yet is zero, and zero
 * refuses everything. */
enum network { NETWORK_NONE = 0, NETWORK_HTTP = 1, NETWORK_FULL = 2 };

enum job_flags {
	JOB_OWN_NETNS = 1 << 0, /* the namespace is the job's own, and so is its loopback */
	JOB_CLOSED = 1 << 1,	/* the job's Unix sockets connect to its own sockets only */
};

/* Where something was refused: in the kernel, or by the proxy. */
enum hook {
	HOOK_SOCKET = 1,
	HOOK_CONNECT = 2,
	HOOK_SENDMSG = 3,
	HOOK_BIND = 4,
	HOOK_EGRESS = 5,
	HOOK_INGRESS = 6,
	HOOK_UPSTREAM = 7,
	HOOK_OPTION = 9,
	HOOK_PROXY = 10, /* no hook: the proxy refused a request or a connection */
	HOOK_DNS = 11,	 /* no hook: its DNS stub refused a name */
};

/*
 * A proxy reports to the journal of events by options of one of its sockets. The kernel has
 * none of these numbers, so worker.bpf.c alone understands the options.
 *	WORKER_ENDED	by the supervisor. The value is an int, the status as wait(2) has it
 *	PROXY_REFUSED	by the worker. The value is a struct refusal_report
 */
#define SOL_JOBFENCE  0x6a66
#define WORKER_ENDED  1
#define PROXY_REFUSED 2

struct refusal_report {
	__u16 hook; /* HOOK_PROXY or HOOK_DNS */
	__u16 reason;
	__be16 port; /* that the job asked for, 0: none */
	__u16 unused;
	__u32 pid; /* of the process that connected, 0: not known */
	char comm[COMM_LENGTH];
	char name[256]; /* that the job asked for, or the limit. Ends with a NUL */
};

/*
 * The journal of events: the map `events` has all records, and the map `journal` says where
 * the next go. A record has a number, which counts up for the whole node. Each reader
 * remembers the last number that it read, and takes nothing from others. A number that is
 * missing is an event that a later one replaced before the reader came.
 *
 * The records are in rings, so that no job replaces those of all others:
 *	RING_SHARED	of all jobs. In each window of its positions a job has a share, so
 *			it has at most an eighth of the ring.
 *	RING_SURPLUS	of jobs that used up their share of the window
 *	RING_JOBS	jobs that started, changed and ended, by the loader
 */
enum event_ring { RING_SHARED, RING_SURPLUS, RING_JOBS, RING_COUNT };
#define RING_SHARED_SIZE  4096
#define RING_SURPLUS_SIZE 512
#define RING_JOBS_SIZE	  1024
#define EVENTS_MAX	  (RING_SHARED_SIZE + RING_SURPLUS_SIZE + RING_JOBS_SIZE)
#define EVENTS_WINDOW	  1024 /* positions of RING_SHARED */
/*
 * Of one budget in a window. A job has two budgets: its own, and that of its proxy. The
 * ring has at most five windows, two of them in part.
 */
#define EVENTS_SHARE (RING_SHARED_SIZE / 16 / (RING_SHARED_SIZE / EVENTS_WINDOW + 1))

/* The one element of the map `journal`. */
struct journal {
	__u64 last;		     /* the number of the newest event, 0: there is none */
	__u64 positions[RING_COUNT]; /* how many records each ring was given */
};

/* How many events a job caused in a second of CLOCK_BOOTTIME, and in a window. */
struct event_budget {
	__u64 second;
	__u64 window; /* of RING_SHARED */
	__u32 admitted;
	__u32 kept; /* in RING_SHARED, of the window */
};

/*
 * State of a job, in the storage of its cgroup.
 *
 * The loader writes the configuration, the programs write the clock and the budget of
 * events. Both are in one structure because a program may use one storage of a kind: one
 * of a cgroup's own and one for each CPU. The loader therefore reads the whole structure,
 * changes its part and writes it back. Counts of the programs would be lost so, and are in
 * other maps.
 */
struct job_state {
	__u64 id;      /* the job's cgroup id: names the job in every shared map */
	__u32 network; /* enum network */
	__u32 flags;   /* enum job_flags */
	struct endpoint proxy4, proxy6;
	struct endpoint dns4, dns6;
	__u64 rate;	  /* bytes per second of the upload, 0: not paced here */
	__u64 departure;  /* when the next packet may leave, ns of CLOCK_MONOTONIC */
	__u64 overtaking; /* when the next acknowledgement may leave before its turn */
	struct event_budget budget;
};

/* Counters of a job, one set for each CPU. */
struct job_counters {
	__u64 refused[REASON_COUNT]; /* by enum reason */
	__u64 connections;	     /* redirected to the proxy */
	__u64 unmatched;	     /* without an entry: the proxy closes them */
	__u64 paced_packets, paced_bytes;
	__u64 marked_packets; /* given an ECN mark */
	__u64 held;	      /* ns in which packets waited for their departure */
	__u64 workers_ended;  /* of the proxy; the supervisor replaced each */
	__u64 worker_ended;   /* when the last of them ended, ns of CLOCK_BOOTTIME */
	__u64 events_lost;    /* events that found no room */
	__u32 worker_status;  /* of the last worker that ended, as wait(2) has it */
	__u32 unused;
};

/* A range of addresses: the first `bits` (0 to 128) of `address`. */
struct address_range {
	struct address address;
	__u32 bits;
};

/*
 * State of a job's proxy, in the storage of the proxy's cgroup. Configuration and clocks
 * share it as in struct job_state.
 */
struct upstream_state {
	__u64 job; /* `id` of struct job_state */
	struct endpoint proxy4, proxy6;
	struct endpoint dns4, dns6;
	struct endpoint resolvers[RESOLVERS_MAX]; /* unused ones have port 0 */
	struct address_range allowed[ALLOWED_RANGES_MAX];
	struct address_range nat64[NAT64_PREFIXES_MAX]; /* unused ones have 0 bits */
	__u32 allowed_count;
	__u32 network; /* enum network: the proxy dials for NETWORK_HTTP only */
	__u64 rate;    /* bytes per second towards the job, 0: not paced here */
	__u64 departure, overtaking; /* as in struct job_state */
	__u64 arrival;		     /* the same clock for packets from the job */
	struct event_budget budget;
};

/* What a redirected socket of the job asked for, and which process called connect(2). */
struct origin {
	struct endpoint destination;
	__u32 pid; /* of the thread group, as the node numbers it */
	char comm[COMM_LENGTH];
};

/* Map `connections`: the origin of a connection to the proxy. */
struct connection_key {
	__u64 job;
	struct address client;
	__be16 client_port;
	__be16 listener_port;
	__u32 unused;
};

struct connection_entry {
	__u64 cookie; /* of the client's socket */
	struct origin origin;
};

/*
 * Map `domains` of a job, a longest-prefix trie. The key is the name reversed. An exact
 * name ends in a NUL. A wildcard covers every name below it, and ends in the dot:
 *	foo.com		"moc.oof\0"
 *	*.foo.com	"moc.oof."
 * The proxy looks up a name reversed, with its NUL. The longest entry that matches decides.
 */
struct domain_key {
	__u32 bits; /* of `name` that count: eight for each byte */
	char name[256];
};

struct domain {
	__u32 hit;    /* index in the map `hits`, for what it allowed */
	__u32 denied; /* not 0: it refuses, and stays through updates */
};

/* An element of the map `hits`: what a domain allowed. */
struct domain_use {
	__u64 requests;	      /* and tunnels */
	__u64 sent, received; /* payload in bytes, by the job */
};

/* The one element of the map `limits` of a job. The proxy maps it into memory, so that an
 * update holds at once. */
struct job_limits {
	__u64 rate;	  /* of the job, bytes per second and direction, 0: none */
	__u64 paced;	  /* the same if the proxy paces, 0 if the kernel does */
	__u64 generation; /* each change of the domains or of the rate adds one */
	__u64 trace;	  /* the proxy writes to its log what it does */
};

/* Map `refused` of a job, written by its proxy. */
struct refusal_key {
	__u8 reason; /* enum reason */
	__u8 length; /* of name, in bytes */
	char name[254];
};

/* Counts for all names that a full map dropped. No name of a job has a blank. */
#define OTHER_NAMES "other names"

struct refusal {
	__u64 count;
	__u64 last; /* ns of CLOCK_BOOTTIME */
};

/* Key of the map `learned` of a job that learns: a name that it used, padded with NULs. The
 * value is a __u64, the number of requests and tunnels. */
struct learned_key {
	char name[256];
};

/* Key of the map `learned_rules` of a job that learns: a request to a domain of --intercept
 * as a rule with one method, padded with NULs. Its path may end with a segment "**". The
 * value is a __u64, the number of requests. A rule with the path "**" alone and 0 requests
 * is for those that the map will have no room for. */
struct learned_rule_key {
	char rule[512];
};

enum event_kind {
	EVENT_REFUSAL = 1,
	EVENT_WORKER = 2,  /* the worker of a proxy ended */
	EVENT_STARTED = 3, /* a job is up */
	EVENT_CHANGED = 4, /* it was updated, repaired or upgraded */
	EVENT_ENDED = 5,   /* it is down */
};

#define EVENT_BUSY (~0ULL) /* as a number: somebody is writing the record */

/* One record of the map `events`. */
struct event {
	__u64 number; /* written last; 0: the record was never written, or EVENT_BUSY */
	__u64 time;   /* ns of CLOCK_BOOTTIME */
	__u64 job;    /* `id` of struct job_state */
	__u32 pid;    /* of the thread group, 0: not known, as where a packet was refused */
	__u16 kind;   /* enum event_kind */
	__u16 reason, hook;	/* of a refusal */
	__u16 family, protocol; /* AF_*, IPPROTO_* */
	__u16 unused[3];
	union {
		struct endpoint destination;
		__u32 worker_status; /* as wait(2) has it */
	};
	char comm[COMM_LENGTH];
	char name[256]; /* ends with a NUL */
};

/* FENCE_ABI is about these sizes. */
_Static_assert(sizeof(struct endpoint) == 20, "endpoint");
_Static_assert(sizeof(struct refusal_report) == 284, "refusal_report");
_Static_assert(sizeof(struct event_budget) == 24, "event_budget");
_Static_assert(sizeof(struct job_state) == 144, "job_state");
_Static_assert(sizeof(struct job_counters) == 256, "job_counters");
_Static_assert(sizeof(struct address_range) == 20, "address_range");
_Static_assert(sizeof(struct upstream_state) == 632, "upstream_state");
_Static_assert(sizeof(struct connection_key) == 32, "connection_key");
_Static_assert(sizeof(struct origin) == 40, "origin");
_Static_assert(sizeof(struct connection_entry) == 48, "connection_entry");
_Static_assert(sizeof(struct domain_key) == 260, "domain_key");
_Static_assert(sizeof(struct domain) == 8, "domain");
_Static_assert(sizeof(struct domain_use) == 24, "domain_use");
_Static_assert(sizeof(struct job_limits) == 32, "job_limits");
_Static_assert(sizeof(struct refusal_key) == 256, "refusal_key");
_Static_assert(sizeof(struct refusal) == 16, "refusal");
_Static_assert(sizeof(struct learned_key) == 256, "learned_key");
_Static_assert(sizeof(struct learned_rule_key) == 512, "learned_rule_key");
_Static_assert(sizeof(struct journal) == 32, "journal");
_Static_assert(sizeof(struct event) == 336, "event");
