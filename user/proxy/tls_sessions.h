/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The latest sessions with sites, to be resumed. A session is for the name under which its
 * certificate was verified, and for no other. That certificate is looked at again after an
 * hour, in a new session.
 */

#include <openssl/ssl.h>

#include "names/host.h"

#define TLS_SESSIONS_MAX 16
#define TLS_SESSION_LIFE 3600 /* s */

struct tls_sessions {
	struct {
		struct host host;
		SSL_SESSION *session; /* NULL: none */
		uint64_t used;
	} list[TLS_SESSIONS_MAX];
	uint64_t uses;
};

/* Takes over a session with `host`. Returns 1, as OpenSSL wants to know. */
int tls_sessions_keep(
	struct tls_sessions *sessions, const struct host *host, SSL_SESSION *session);

/* Lends the session with `host`, or NULL. */
SSL_SESSION *tls_sessions_find(struct tls_sessions *sessions, const struct host *host);

void tls_sessions_clear(struct tls_sessions *sessions);
