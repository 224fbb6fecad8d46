/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Network namespaces. A job's own namespace has only `lo`, with the proxy's virtual
 * addresses on it. The proxy's sockets are the only way out of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/failure.h"

/* The features that a namespace got. */
struct netns_features {
	bool ipv6;
	bool fq; /* `lo` has the queueing discipline that holds packets until their time */
};

/*
 * Makes a namespace and gives it the name of `path`, as ip-netns(8) does. The caller
 * stays in its own namespace. Returns a descriptor of the new one, or -errno.
 */
int netns_make(const char *path, struct failure *failure);

/*
 * Opens a namespace that somebody else made. Returns a descriptor, -EINVAL if `path` is
 * no network namespace, or -errno.
 */
int netns_open(const char *path, struct failure *failure);

/* Whether the caller is in this namespace. An error counts as no. */
bool netns_is_current(int netns);

/*
 * Reads the number that the kernel gives a namespace (SO_NETNS_COOKIE, Linux 5.14). No
 * other namespace gets that number until the next boot. Returns 0 or -errno.
 */
int netns_cookie(int netns, uint64_t *cookie);

/*
 * Makes `lo` ready for a job of `rate` bytes per second (0: no limit). `lo` goes up with
 * an MTU of 1500 and packets of few segments, so that a packet is short at a low rate. It
 * gets the proxy's addresses. With `want_fq` it gets the fq queueing discipline too, if
 * the kernel has it. Everything that is there already stays. Returns 0 or -errno.
 */
int netns_prepare(int netns, uint64_t rate, bool want_fq, struct netns_features *features,
	struct failure *failure);

/* Changes `lo` to another rate later. Returns 0 or -errno. */
int netns_set_rate(int netns, uint64_t rate);

/*
 * Whether `lo` of the current namespace has fq at its root, which somebody else put
 * there. An error counts as no.
 */
bool loopback_has_fq(void);

/*
 * Removes the name. The namespace ends with its last process and socket. Returns 0, also
 * if there is no such name, or -errno.
 */
int netns_remove(const char *path);

/* A visit to a namespace, which ends with the scope. */
struct netns_visit {
	int home;
};

/* Returns 0 or -errno. */
int netns_enter(int netns, struct netns_visit *visit);
/*
 * Goes back. If that fails, it ends the process, which must not go on in the wrong
 * namespace.
 */
void netns_leave(struct netns_visit *visit);
