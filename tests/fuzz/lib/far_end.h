/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The far end of a TLS connection of the proxy: a client of the job, or a site. OpenSSL
 * plays both, with its own settings. Records that it makes wait in `wire`, so the world can
 * cut, change and replace them.
 */

#include <openssl/ssl.h>

#include "names/host.h"
#include "stream.h"

/* How a site lies, or how a client differs from others. */
enum far_way {
	FAR_FINE,
	FAR_OLD,	/* TLS 1.2 */
	FAR_OTHER_NAME, /* a site: its certificate is for another name */
	FAR_UNKNOWN,	/* a site: nobody knows the issuer of its certificate */
	FAR_HTTP2,	/* offers, or chooses, nothing but HTTP/2 */
	FAR_ANCIENT,	/* TLS 1.1 */
	FAR_WAYS,
};

struct far_end {
	SSL *ssl;
	enum far_way way;
	char name[256];	      /* that the site, or the proxy, was asked for first */
	struct stream wire;   /* records that were not sent yet */
	struct stream unsaid; /* text that is in no record yet */
	struct stream flying; /* text that is in records, not all of which were sent */
	bool unsure;	      /* some of what was said may not have been sent */
	bool failed;
	size_t spoilt; /* this byte of the next records is to be changed. 0: none */
};

/* Forgets the session that the next client would resume. */
void far_end_forget(void);

/* Once. The proxy and its clients trust the authority that is in FD_AUTHORITY then. */
void far_end_init(const struct host *host);

/* `name` "": a client without a server name. */
struct far_end *far_end_client(const char *name, enum far_way way);
struct far_end *far_end_site(const struct host *host, enum far_way way);
void far_end_free(struct far_end *end);

/* Says a text, which waits until the handshake is over. */
void far_end_say(struct far_end *end, const char *text, size_t length);

/* Takes bytes that came, and appends the text that they are. */
void far_end_take(
	struct far_end *end, const void *bytes, size_t length, struct stream *heard);

/*
 * Sends at most `most` bytes of records. Appends a text to `said` when all of it is sent.
 * Returns whether any byte moved.
 */
bool far_end_send(struct far_end *end, int fd, size_t most, struct stream *said);

/* Appends to `said` what was sent in part. */
void far_end_settle(struct far_end *end, struct stream *said);

/* Says something of TLS itself: renegotiation (r), keys (k), a ticket (t), an end. */
void far_end_signal(struct far_end *end, char what);

/* Whether a client took the certificate of the proxy for bad. */
bool far_end_doubts(const struct far_end *end);
