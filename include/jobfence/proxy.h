/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the loader gives to a job's proxy: descriptors at fixed numbers, and this structure
 * in the first of them, a sealed memfd. Both programs come from one build. The proxy checks
 * `abi` and `size`, and does not start with settings of another build.
 */

#include "jobfence/abi.h"

/* Bytes of proxy.log. A worker may make no file longer. */
#define PROXY_LOG_MAX (1UL << 20)

/* Bytes of the request log of a job, if the policy does not say otherwise. */
#define REQUEST_LOG_MAX (1UL << 20)

/* Bytes of a file of certificates. FD_ROOTS has two: that of the policy, and the node's. */
#define CERTIFICATES_SIZE_MAX (8L << 20)

/* Bytes of what the operator adds to each refusal, with the NUL. */
#define REFUSAL_TEXT_SIZE 512

/* Two sockets and two pipes for each connection. */
#define PROXY_OPEN_FILES_MAX (8UL * JOB_CONNECTIONS_MAX)

/* Descriptors of IPv6 are closed where the job's namespace has no IPv6. */
enum proxy_fd {
	FD_SETTINGS = 3,
	FD_LISTENER4, /* TCP, listening, in the job's namespace */
	FD_LISTENER6, /* the same for IPv6 */
	FD_DNS_UDP4,  /* bound */
	FD_DNS_TCP4,  /* listening */
	FD_DNS_UDP6,  /* bound */
	FD_DNS_TCP6,  /* listening */
	FD_DOMAINS,   /* map `domains` of the job, read-only */
	FD_HITS,      /* map `hits` of the job, for mmap(2): struct domain_use[] */
	/* Map `limits` of the job, for mmap(2): struct job_limits. The descriptor is
	 * writable, as the kernel does not map a read-only one. */
	FD_LIMITS,
	FD_STATISTICS,	  /* map `statistics` of the job, for mmap(2) */
	FD_REFUSED,	  /* map `refused` of the job */
	FD_LEARNED,	  /* map `learned` of the job, closed if the job does not learn */
	FD_LEARNED_RULES, /* map `learned_rules`, the same */
	FD_CONNECTIONS,	  /* map `connections` of the node, read-only */
	FD_READY,	  /* pipe: the proxy writes one byte when it answers */
	FD_IPV6,	  /* /proc/net/if_inet6 of the job's namespace */
	/* cgroup.events of the job, if the proxy ends with the last process of the job. */
	FD_EVENTS,
	/*
	 * The request log. All four are closed if the job has none. FD_LOG and FD_LOG_PIPE
	 * are the ends of a pipe that never wait (O_NONBLOCK). The worker writes lines, the
	 * supervisor alone has the other three.
	 */
	FD_LOG,
	FD_LOG_PIPE,
	/*
	 * Where the lines go, open to append. A regular file is open to be read as well, as
	 * it is copied to FD_LOG_OLD when it is full. Anything else is open with O_NONBLOCK
	 * and is an open file description of its own, so that no writer blocks another.
	 */
	FD_LOG_FILE,
	/*
	 * Takes the older lines. It is closed if FD_LOG_FILE is no regular file, or is the
	 * standard error of the caller, where others write as well.
	 */
	FD_LOG_OLD,
	/*
	 * A datagram socket with a name in the job's folder. A message tells the supervisor
	 * to end, or gives it new values of secrets, also from another PID namespace.
	 */
	FD_ASKED,
	/*
	 * For a job that has TLS opened, and closed for all others: the program that the
	 * workers are, certificates to trust as a file of PEM, and a pipe. The supervisor
	 * writes the certificate of the job's authority into the pipe, as PEM.
	 */
	FD_PROGRAM,
	FD_ROOTS,
	FD_CA,
	/* The authority, a file in memory that the supervisor makes for the workers. */
	FD_AUTHORITY,
	/*
	 * The files of certificates that the job trusts (job/trust_files.h). The supervisor
	 * alone has them. It has them written anew when it renews the authority.
	 */
	FD_TRUST_CA,
	FD_TRUST_BUNDLE,
	FD_TRUST_STORE,
	FD_TRUST_POLICY,
	/* The secrets of the job (jobfence/secrets.h), closed if it has none. */
	FD_SECRETS,
	FD_END,
};

struct proxy_settings {
	__u32 abi; /* FENCE_ABI */
	__u32 size;
	__u64 job_key;	       /* `id` of struct job_state */
	char job[64];	       /* the job's name */
	char header[64];       /* name of the request header that carries the name */
	__u32 uid, gid;	       /* the proxy runs as these */
	__u32 max_connections; /* of the job at once */
	__u32 allowed_count;   /* --allow-address */
	struct address_range allowed[ALLOWED_RANGES_MAX];
	struct address_range nat64[NAT64_PREFIXES_MAX]; /* unused ones have 0 bits */
	__u32 learn;	     /* every name is allowed, and noted */
	__u32 guarded_count; /* --guard-domain, as keys of a domain map */
	struct domain_key guarded[GUARDED_KEYS_MAX];
	__u32 ech_count; /* --allow-ech, the same */
	struct domain_key ech[ECH_KEYS_MAX];
	__u32 intercept_count; /* --intercept, the same */
	struct domain_key intercept[INTERCEPT_KEYS_MAX];
	struct endpoint resolvers[RESOLVERS_MAX]; /* unused ones have port 0 */
	struct endpoint virtual4, virtual6; /* the DNS stub's answers, port 0: no answer */
	char refusal_text[REFUSAL_TEXT_SIZE]; /* of the policy */
	/* Rules for methods and paths: canonical, each with a newline, zeros after them. */
	char rules[REQUEST_RULES_SIZE];
	char node_rules[REQUEST_RULES_SIZE]; /* of the policy */
	__u32 log_paths;		     /* the request log has the paths of requests */
	__u32 unused;
	__u64 log_max; /* bytes in FD_LOG_FILE and FD_LOG_OLD together */
};

_Static_assert(sizeof(struct proxy_settings) == 34376, "proxy_settings has no padding");
