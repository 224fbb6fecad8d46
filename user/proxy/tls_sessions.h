/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The latest sessions with sites, to be resumed. A session is for the name under which its
 * certificate was verified, and for no other. Each connection that resumes a session gets
 * the next one. So an hour after the certificate was verified, a connection begins anew.
 */

#include <openssl/ssl.h>

#include "jobfence/time.h"
#include "names/host.h"

#define TLS_SESSIONS_MAX 16
#define TLS_SESSION_LIFE (3600 * SECOND)

struct tls_sessions {
	struct {
		struct host host;
		SSL_SESSION *session; /* NULL: none */
		uint64_t used;
		uint64_t verified; /* ns of CLOCK_BOOTTIME */
	} list[TLS_SESSIONS_MAX];
	uint64_t uses;
};

/*
 * Takes over a session with `host`. Its certificate was verified at `verified`, in ns of
 * CLOCK_BOOTTIME. Returns 1, as OpenSSL wants to know.
 */
int tls_sessions_keep(struct tls_sessions *sessions, const struct host *host,
	SSL_SESSION *session, uint64_t verified);

/* Lends the session with `host`, or NULL, and tells when its certificate was verified. */
SSL_SESSION *tls_sessions_find(
	struct tls_sessions *sessions, const struct host *host, uint64_t *verified);

void tls_sessions_clear(struct tls_sessions *sessions);
