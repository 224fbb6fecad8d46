/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Network namespaces. One of a job's own has only `lo`, with the proxy's virtual addresses on it:
 * there is no way out of it but the proxy's sockets.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/failure.h"

/* What a namespace could be given. */
struct netns_features {
	bool ipv6;
	bool fq; /* `lo` has the queueing discipline that holds packets until their time */
};

/* Makes a namespace and gives it the name of `path`, as ip-netns(8) does; the caller stays where it
 * is. Returns a descriptor of it, or -errno. */
int netns_make(const char *path, struct failure *failure);

/* Opens a namespace that somebody else made. Returns a descriptor, -EINVAL where `path` is no
 * network namespace, or -errno. */
int netns_open(const char *path, struct failure *failure);

/* Whether both are the same namespace; an error counts as no. */
bool netns_is_current(int netns);

/* What the kernel calls a namespace and no other until it is booted again (SO_NETNS_COOKIE, Linux 5.14). Returns 0 or
 * -errno. */
int netns_cookie(int netns, uint64_t *cookie);

/*
 * Makes `lo` ready for a job of `rate` bytes per second (0: none): up, with an MTU of 1500 and packets of few segments,
 * so that one is short at a low rate, the proxy's addresses, and with `want_fq` the fq queueing discipline where the
 * kernel has it. What is there already stays. Returns 0 or -errno.
 */
int netns_prepare(int netns, uint64_t rate, bool want_fq, struct netns_features *features,
	struct failure *failure);

/* The same for another rate later. Returns 0 or -errno. */
int netns_set_rate(int netns, uint64_t rate);

/* Whether `lo` of the current namespace has fq at its root; somebody else put it there. An error counts as no. */
bool loopback_has_fq(void);

/* Takes the name away; the namespace ends with its last process and socket. Returns 0, also when
 * there is none, or -errno. */
int netns_remove(const char *path);

/* Enters a namespace and leaves it again at the end of the scope. */
struct netns_visit {
	int home;
};

/* Returns 0 or -errno. */
int netns_enter(int netns, struct netns_visit *visit);
/* Goes back. Ends the process where that fails: it must not go on in the wrong namespace. */
void netns_leave(struct netns_visit *visit);
