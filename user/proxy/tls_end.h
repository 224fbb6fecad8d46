/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One end of TLS, between a peer and its socket. It turns the records of the socket into
 * the bytes of the peer, and back. It moves nothing itself: the peer reads and writes the
 * socket. So all of it can be tested with buffers.
 *
 *	socket -> in -> tls_end_decrypt() -> bytes of the peer
 *	socket <- out <- tls_end_encrypt() <- bytes of the peer
 *
 * Two programs are built from the same sources, and only jobfence-tls has libssl. So the
 * calls are in a table. Its main program gives it to the rest of the proxy. Without that
 * table no connection has an end of TLS, and struct peer works as it does for plain HTTP.
 */

#include <stdbool.h>
#include <stddef.h>

#include "names/host.h"
#include "proxy/buffer.h"

/* What all ends of a process share: keys, certificates that it trusts, sessions. */
struct tls;

struct tls_end;

struct tls_calls {
	/*
	 * Reads what FD_AUTHORITY and FD_ROOTS have. Call it before the sandbox is closed.
	 * Returns 0, -EPROTO if there is no authority, or -ENOMEM.
	 */
	int (*open)(const struct tls_calls *calls, struct tls **tls);
	void (*close)(struct tls *tls);

	/*
	 * Make the end towards a client, which takes us for `host`, and the end towards the
	 * site `host`. NULL: no memory.
	 */
	struct tls_end *(*serve)(struct tls *tls, const struct host *host);
	struct tls_end *(*reach)(struct tls *tls, const struct host *host);
	void (*free)(struct tls_end *end);

	/*
	 * Goes on with the handshake, and then decrypts records of `in` behind the bytes of
	 * `plain`, until either has no more. Answers of TLS itself are in `out`. Returns
	 * how many bytes it added to `plain`, or
	 *
	 *	0	  the other side has ended TLS in order
	 *	-EAGAIN	  there is no whole record
	 *	-ENOBUFS  `plain` has as many bytes as fit into two records, or no room
	 *	-EPROTO	  the handshake failed, or a record is bad. `problem` says why
	 *	-ENOMEM	  no memory
	 */
	long (*decrypt)(struct tls_end *end, struct buffer *plain);

	/*
	 * Encrypts bytes of `plain`, and takes them out of it, while they have room in
	 * `out`. Returns 0, -EPROTO or -ENOMEM.
	 */
	int (*encrypt)(struct tls_end *end, struct buffer *plain);

	/* Says to the other side that nothing follows, in `out`. */
	void (*finish)(struct tls_end *end);
};

enum tls_problem {
	TLS_FINE,
	TLS_BAD_CERTIFICATE, /* of the site */
	TLS_UNTRUSTED,	     /* the client does not trust the authority of the job */
	TLS_OTHER_PROBLEM,
};

#define TLS_DETAIL_SIZE 160

struct tls_end {
	const struct tls_calls *calls;
	struct buffer *in, *out; /* records. NULL when empty */
	size_t decrypted;	 /* bytes for which `plain` had no room */
	bool ready;		 /* the handshake is over */
	bool finished;		 /* finish() was called */
	enum tls_problem problem;
	char detail[TLS_DETAIL_SIZE]; /* of the problem: a sentence */
};

/*
 * Bytes of a record of ours that has others behind it. A buffer has room for two such
 * records, with what the usual ciphers add to each.
 */
#define TLS_RECORD_BYTES 16352U
#define TLS_RECORD_ADDED 22U /* bytes that TLS 1.3 adds to a record */

/* The bytes by which TLS makes `length` bytes longer. */
static inline size_t tls_overhead(size_t length)
{
	return (length / TLS_RECORD_BYTES + 1) * TLS_RECORD_ADDED;
}

/* The calls of jobfence-tls. */
extern const struct tls_calls tls_calls;
