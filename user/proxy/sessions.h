/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The sessions of TLS 1.2 and older that servers issued to the job: a resumed one is for
 * the name under which it began, in the eyes of many servers, and not for that of the hello
 * (RFC 6066 section 3). So the job may resume those only that began under the same name and
 * at the same address, before the eyes of its proxy. Without the address a site of an
 * accomplice could issue, under a name of its own, what a victim issued it under another
 * one; then the name is led to the victim. What is kept of each is a mark: a hash under a
 * secret key of where it began, and of its id or its ticket. The last 4,096 are kept, the
 * oldest goes first.
 */

#include <stdbool.h>

#include "jobfence/abi.h"
#include "lib/siphash.h"
#include "names/host.h"

struct sessions;

/* What a client shows to have its session resumed. */
enum session_kind {
	SESSION_ID,		  /* RFC 5246 section 7.4.1.2 */
	SESSION_TICKET,		  /* RFC 5077, of a session without an id */
	SESSION_TICKET_BESIDE_ID, /* of a session that has an id, too */
	SESSION_KINDS,
};

/* Where a session began, or would be resumed. */
struct session_site {
	const struct host *host;
	const struct address *address; /* that is dialled */
};

/* To be called before the sandbox closes. Returns 0 or -errno. */
int sessions_new(struct sessions **sessions);
void sessions_free(struct sessions *sessions);

/*
 * Begins a mark: the bytes of the id or ticket are to be added to `hash`, whose end is the
 * mark.
 */
void sessions_begin_mark(const struct sessions *sessions, struct session_site site,
	enum session_kind kind, struct siphash *hash);

/*
 * Returns the mark of an id or ticket that is whole; 0, which is none, where it has no
 * bytes.
 */
uint64_t sessions_mark(const struct sessions *sessions, struct session_site site,
	enum session_kind kind, const unsigned char *bytes, size_t length);

/* Keeps a mark, as the newest. 0 is not kept. */
void sessions_keep(struct sessions *sessions, uint64_t mark);

/* Whether a mark is kept. If so, it becomes the newest. */
bool sessions_know(struct sessions *sessions, uint64_t mark);
