/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the programs in the kernel and the processes outside it share: the state of a job,
 * the keys and values of every map, the reasons of a refusal and the events that carry them.
 *
 * All fields have a fixed width and structures have no hidden padding. Addresses and ports are
 * in network byte order (__be32, __be16), all other numbers in host order. Reasons are appended, never
 * renumbered. Versions with the same FENCE_ABI share their maps on a node, and the programs of one may take the
 * place of the other's: whoever changes a structure or a map, or takes a program away, raises it.
 */

#include <linux/types.h>

#define FENCE_ABI 7

/* The address under which a job sees its proxy: the IPv4 dummy address (RFC 7600, section
 * 4.8) and one of the dummy IPv6 prefix 100:0:0:1::/64 (RFC 9780). */
#define PROXY_ADDRESS4 "192.0.0.8"
#define PROXY_ADDRESS6 "100:0:0:1::8"
/* The same as words in host order; word 2 is 0. */
#define PROXY_ADDRESS4_WORD  0xc0000008
#define PROXY_ADDRESS6_WORD0 0x01000000
#define PROXY_ADDRESS6_WORD1 0x00000001
#define PROXY_ADDRESS6_WORD3 0x00000008

#define NAME_LENGTH_MAX	    253 /* a host name in text, RFC 1035 section 2.3.4 */
#define COMM_LENGTH	    16	/* TASK_COMM_LEN */
#define RESOLVERS_MAX	    4
#define ALLOWED_RANGES_MAX  16
#define NAT64_PREFIXES_MAX  4	   /* of the networks that a node is in */
#define GUARDED_KEYS_MAX    32	   /* keys that the guarded domains of a job may need */
#define ECH_KEYS_MAX	    32	   /* the same for the domains that may have ECH */
#define JOB_CONNECTIONS_MAX 1024   /* open connections of one job to its proxy and stub */
#define CONNECTIONS_MAX	    262144 /* the same for all jobs of a node */
#define DOMAINS_MAX	    1024   /* keys that one job's domains may need */
#define DOMAIN_ENTRIES_MAX  2048 /* of its domain map: old and new ones during an update */
#define REFUSALS_MAX	    256	 /* different names that a job's refusals are kept for */
#define LEARNED_MAX \
	DOMAINS_MAX /* names that a learning job may use: it could declare no more */
#define EVENTS_SIZE (256 * 1024) /* bytes of the ring buffer */
#ifndef EVENTS_PER_SECOND	 /* a build of the tests has other programs */
#define EVENTS_PER_SECOND 64	 /* events that one job may cause */
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

/* The network that a job was given. Zero is the narrowest, so that state which nobody has
 * written yet refuses everything. */
enum network { NETWORK_NONE = 0, NETWORK_HTTP = 1, NETWORK_FULL = 2 };

enum job_flags {
	JOB_OWN_NETNS = 1 << 0, /* the job's namespace is its own: its loopback is free */
	JOB_CLOSED = 1 << 1,	/* its Unix sockets connect to its own only */
};

/*
 * Why something was refused: number, word in JSON and metrics, sentence for people.
 * The words domain, address, protocol, limit, guard and denied are also what X-Jobfence-Denied says.
 */
#define REASONS(X) \
	X(SOCKET, 1, "socket", "a socket that is neither TCP nor UDP") \
	X(PORT, 2, "port", "TCP to a port other than 80 and 443") \
	X(DATAGRAM, 3, "datagram", "UDP to a port other than 53") \
	X(LOOPBACK, 4, "loopback", \
		"the loopback of a namespace that is not the job's own") \
	X(NETWORK, 5, "network", "a job that was given no network") \
	X(BIND, 6, "bind", "a port of a namespace that is not the job's own") \
	X(PACKET, 7, "packet", \
		"a packet that goes neither to the proxy nor to the job itself") \
	X(HORIZON, 8, "horizon", "a packet beyond the horizon of the throttle") \
	X(DOMAIN, 9, "domain", "a domain that the job did not declare") \
	X(ADDRESS, 10, "address", "an address that is private, local or the node's own") \
	X(PROTOCOL, 11, "protocol", "something that is not well-formed HTTP or TLS") \
	X(LIMIT, 12, "limit", "more connections or longer headers than the limit") \
	X(UPSTREAM, 13, "upstream", "a destination that the proxy itself may not open") \
	X(GUARD, 14, "guard", \
		"TLS to a domain whose requests have to bear the job's header") \
	X(DENIED, 15, "denied", "a domain that is denied") \
	X(UNIX, 16, "unix", "a Unix socket of a process outside the job") \
	X(OPTION, 17, "option", "a multicast group, or another port to choose from") \
	X(SESSION, 18, "session", \
		"a TLS session that the job did not begin under the same name") \
	X(ECH, 19, "ech", "TLS with an encrypted ClientHello (ECH), which can hide a name")

enum reason {
	REASON_COUNT = 20, /* one more than the last */
#define X(name, number, word, text) REASON_##name = (number),
	REASONS(X)
#undef X
};

/* Where in the kernel it was refused. */
enum hook {
	HOOK_SOCKET = 1,
	HOOK_CONNECT = 2,
	HOOK_SENDMSG = 3,
	HOOK_BIND = 4,
	HOOK_EGRESS = 5,
	HOOK_INGRESS = 6,
	HOOK_UPSTREAM = 7,
	HOOK_WORKER = 8, /* no refusal: the worker of a proxy ended */
	HOOK_OPTION = 9,
};

/* By this option of a socket of its own, an int, a proxy's supervisor tells the programs that its worker ended: the status
 * as wait(2) has it. The numbers are none of the kernel's. */
#define SOL_JOBFENCE 0x6a66
#define WORKER_ENDED 1

/* How many events a job caused in a second of CLOCK_BOOTTIME, and how many of them wait for a reader. */
struct event_budget {
	__u64 second;
	__u64 read; /* how far the ring buffer had been read */
	__u32 admitted;
	__u32 kept; /* since then */
};

/* State of a job, in the storage of its cgroup; written by the loader, the clock and the
 * window of events by the programs. */
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
	__u64 connections;	     /* that were led to the proxy */
	__u64 paced_packets, paced_bytes;
	__u64 marked_packets; /* given an ECN mark */
	__u64 workers_ended;  /* of the proxy, each of which its supervisor replaced */
	__u64 worker_ended;   /* when the last of them did, ns of CLOCK_BOOTTIME */
	__u64 events_lost;    /* that were not kept */
	__u32 worker_status;  /* how, as wait(2) has it */
	__u32 unused;
};

/* A range of addresses: the first `bits` (0 to 128) of `address`. */
struct address_range {
	struct address address;
	__u32 bits;
};

/* State of a job's proxy, in the storage of the proxy's cgroup. */
struct upstream_state {
	__u64 job; /* struct job_state's id */
	struct endpoint proxy4, proxy6;
	struct endpoint dns4, dns6;
	struct endpoint resolvers[RESOLVERS_MAX]; /* unused ones have port 0 */
	struct address_range allowed[ALLOWED_RANGES_MAX];
	struct address_range nat64[NAT64_PREFIXES_MAX]; /* unused ones have bits 0 */
	__u32 allowed_count;
	__u32 network; /* enum network: only NETWORK_HTTP dials out at all */
	__u64 rate;    /* bytes per second towards the job, 0: not paced here */
	__u64 departure, overtaking; /* as in struct job_state */
	__u64 arrival;		     /* the same clock for what comes from the job */
	struct event_budget budget;
};

/* Map `connections`: what a connection to the proxy was meant to reach. */
struct connection_key {
	__u64 job;
	struct address client;
	__be16 client_port;
	__be16 listener_port;
	__u32 unused;
};

struct connection_entry {
	__u64 cookie; /* of the client's socket */
	struct endpoint destination;
	__u32 unused;
};

/*
 * Map `domains` of a job, a longest-prefix trie. The key is the name reversed. An exact name
 * ends in a NUL; a wildcard, which covers every name below it, ends in the dot:
 *	foo.com		"moc.oof\0"
 *	*.foo.com	"moc.oof."
 * A name is looked up reversed, with its NUL, and the longest entry that matches decides.
 */
struct domain_key {
	__u32 bits; /* of `name` that count: eight for each byte */
	char name[256];
};

struct domain {
	__u32 hit; /* index in the job's map `hits` of the requests that this entry allowed */
	__u32 denied; /* not 0: the entry refuses what it covers, and stays through updates */
};

/* The one element of the map `limits` of a job: what its proxy reads from memory all the time, so that an
 * update holds at once. */
struct job_limits {
	__u64 rate;  /* of the job, bytes per second and direction, 0: none */
	__u64 paced; /* the same where the proxy has to keep it, 0 where the kernel does */
	__u64 generation; /* each change of the domains or of the rate adds one */
};

/* Map `refused` of a job, written by its proxy. */
struct refusal_key {
	__u8 reason; /* enum reason */
	__u8 length; /* of name, in bytes */
	char name[254];
};

/* Stands for the names that had to make room for others. No name of a job has a blank. */
#define OTHER_NAMES "other names"

struct refusal {
	__u64 count;
	__u64 last; /* ns of CLOCK_BOOTTIME */
};

/* Key of the map `learned` of a job that learns: a name that it used, padded with NULs. The value is a
 * __u64: how many requests and tunnels. */
struct learned_key {
	char name[256];
};

/* One record of the ring buffer `events`. */
struct event {
	__u64 time;		/* ns of CLOCK_BOOTTIME */
	__u64 job;		/* struct job_state's id */
	__u32 pid;		/* of the thread group; 0 where a packet was refused */
	__u16 reason, hook;	/* reason 0: no refusal, see HOOK_WORKER */
	__u16 family, protocol; /* AF_*, IPPROTO_* */
	union {
		struct endpoint destination;
		__u32 worker_status; /* as wait(2) has it */
	};
	char comm[COMM_LENGTH];
};

_Static_assert(sizeof(struct endpoint) == 20, "endpoint has no padding");
_Static_assert(sizeof(struct connection_key) == 32, "connection_key has no padding");
_Static_assert(sizeof(struct connection_entry) == 32, "connection_entry has no padding");
_Static_assert(sizeof(struct domain_key) == 260, "domain_key has no padding");
_Static_assert(sizeof(struct refusal_key) == 256, "refusal_key has no padding");
_Static_assert(sizeof(struct event) == 64, "event has no padding");
