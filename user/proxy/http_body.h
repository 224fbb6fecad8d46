/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The body of a message on its way from one connection to the other. A chunked body is cut
 * into chunks anew, so extensions and trailers end here. Nothing is passed on that only one
 * of the two ends takes for a boundary.
 */

#include <llhttp.h>

#include "proxy/buffer.h"
#include "proxy/http_chunks.h"
#include "proxy/http_head.h"

struct http_body {
	enum http_framing framing;
	bool rechunk; /* chunks go out as chunks, not only their data */
	bool answer;  /* of a response: chunks are read as clients read them */
	bool complete;
	bool irregular; /* chunks were not of the one form that all read alike */
	uint64_t left;	/* bytes of FRAMING_LENGTH */
	size_t trailer; /* bytes of trailers seen */
	uint64_t seen,
		useful;	    /* bytes of FRAMING_CHUNKED: all, and what chunks have to be */
	struct buffer *out; /* while http_body_move() runs */
	union {		    /* of FRAMING_CHUNKED */
		llhttp_t llhttp;
		struct http_chunks chunks; /* of a response */
	};
};

/*
 * Begin the body of a request, or of a response. The chunks of a response are read as RFC
 * 9112 allows.
 */
void http_body_begin(
	struct http_body *body, enum http_framing framing, uint64_t length, bool rechunk);
void http_body_begin_answer(
	struct http_body *body, enum http_framing framing, uint64_t length, bool rechunk);

/*
 * Whether `length` bytes may be passed on as they are. If so, they are counted. The body
 * must not be complete.
 */
bool http_body_pass(struct http_body *body, size_t length);

/*
 * Returns how many bytes may be spliced now, or 0. The last ones of a known length may not.
 * So bytes that follow the body are seen in a buffer.
 */
uint64_t http_body_spliceable(const struct http_body *body);

/*
 * Moves as many bytes as fit from `in` to `out`. Returns 0, or -EBADMSG if the body is
 * malformed. Its connection can't be used any more then.
 */
int http_body_move(struct http_body *body, struct buffer *in, struct buffer *out);
