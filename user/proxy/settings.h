/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the loader hands to a job's proxy when it starts it: descriptors at fixed numbers, and
 * in the first of them (a sealed memfd) this structure. Both come from one build; `abi` and `size`
 * make sure of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "jobfence/fence.h"

#define PROXY_OPEN_FILES_MAX \
	(8UL * JOB_CONNECTIONS_MAX) /* two sockets and two pipes for each */

enum proxy_fd {
	FD_SETTINGS = 3,
	FD_LISTENER4, /* TCP, listening, in the job's namespace */
	FD_LISTENER6, /* the same, or closed where there is no IPv6 */
	FD_DNS_UDP4,  /* bound */
	FD_DNS_TCP4,  /* listening */
	FD_DNS_UDP6,  /* or closed */
	FD_DNS_TCP6,  /* or closed */
	FD_DOMAINS,   /* map `domains` of the job, read-only */
	FD_HITS,      /* map `hits` of the job, for mmap(2): uint64_t[DOMAIN_ENTRIES_MAX] */
	FD_LIMITS, /* map `limits` of the job, for mmap(2): struct job_limits; the kernel maps no
			   descriptor that is read-only */
	FD_REFUSED,	/* map `refused` of the job */
	FD_LEARNED,	/* map `learned` of the job, or closed where it does not learn */
	FD_CONNECTIONS, /* map `connections` of the node, read-only */
	FD_READY,	/* pipe: one byte is written once the proxy answers */
	FD_IPV6, /* /proc/net/if_inet6 of the job's namespace, or closed where there is no IPv6 */
	FD_EVENTS, /* cgroup.events of the job's cgroup, where the proxy ends with its last process */
	FD_END,
};

/*
 * Numbers that the loader left closed, as there is no IPv6, are taken by /dev/null before anything else is opened:
 * so whoever asks for one finds no socket, and not somebody else's. Returns 0 or -errno.
 */
int proxy_fds_reserve(void);

/* Whether the loader gave a socket at this number. */
bool proxy_fd_given(int fd);

struct proxy_settings {
	uint32_t abi; /* FENCE_ABI */
	uint32_t size;
	uint64_t job_key;	  /* struct job_state's id */
	char job[64];		  /* the job's name */
	char header[64];	  /* name of the header that carries it */
	uint32_t uid, gid;	  /* to run as */
	uint32_t max_connections; /* of the job at once */
	uint32_t allowed_count;	  /* --allow-address */
	struct address_range allowed[ALLOWED_RANGES_MAX];
	struct address_range nat64[NAT64_PREFIXES_MAX]; /* unused ones have bits 0 */
	uint32_t learn;		/* every name is allowed, and noted in the map `learned` */
	uint32_t guarded_count; /* --guard-domain, as keys of a domain map */
	struct domain_key guarded[GUARDED_KEYS_MAX];
	uint32_t ech_count; /* --allow-ech, the same */
	struct domain_key ech[ECH_KEYS_MAX];
	struct endpoint resolvers[RESOLVERS_MAX]; /* unused ones have port 0 */
	struct endpoint virtual4, virtual6; /* what the DNS stub answers; port 0: none */
};
