/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The sessions of TLS 1.2 and older that servers issued to the job.
 *
 * For many servers, a resumed session is for the name under which it began, and not for
 * that of the hello (RFC 6066 section 3). So the job may resume only sessions whose
 * beginning its proxy saw, under the same name and at the same address.
 *
 * The address matters because of accomplices. An accomplice's site could get a session from
 * a victim, and issue it to the job under a name of its own. Then the accomplice points
 * that name at the victim.
 *
 * Each session is kept as a mark. A mark is a hash, under a secret key, of where the
 * session began and of its id or its ticket. The last 4,096 are kept, and the oldest goes
 * first.
 */

#include <stdbool.h>

#include "jobfence/abi.h"
#include "lib/siphash.h"
#include "names/host.h"

struct sessions;

/* The proof by which a client resumes its session. */
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

/* Call before the sandbox closes. Returns 0 or -errno. */
int sessions_new(struct sessions **sessions);
void sessions_free(struct sessions *sessions);

/*
 * Begins a mark. Add the bytes of the id or ticket to `hash`. The end of `hash` is the
 * mark.
 */
void sessions_begin_mark(const struct sessions *sessions, struct session_site site,
	enum session_kind kind, struct siphash *hash);

/*
 * Returns the mark of a whole id or ticket. Returns 0, which is no mark, if it has no
 * bytes.
 */
uint64_t sessions_mark(const struct sessions *sessions, struct session_site site,
	enum session_kind kind, const unsigned char *bytes, size_t length);

/* Keeps a mark, as the newest. 0 is not kept. */
void sessions_keep(struct sessions *sessions, uint64_t mark);

/* Whether a mark is kept. If so, it becomes the newest. */
bool sessions_know(struct sessions *sessions, uint64_t mark);
