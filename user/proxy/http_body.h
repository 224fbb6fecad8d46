/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The body of a message on its way from one connection to the other. It is cut into chunks
 * anew where it was chunked: extensions and trailers end here, and nothing is passed on
 * that only one of the two ends takes for a boundary.
 */

#include <llhttp.h>

#include "proxy/buffer.h"
#include "proxy/http_chunks.h"
#include "proxy/http_head.h"

struct http_body {
	enum http_framing framing;
	bool rechunk; /* chunks go out as chunks; else only what is in them */
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

/* Begins the body of a request, or of a response, which is read as RFC 9112 allows. */
void http_body_begin(
	struct http_body *body, enum http_framing framing, uint64_t length, bool rechunk);
void http_body_begin_answer(
	struct http_body *body, enum http_framing framing, uint64_t length, bool rechunk);

/*
 * Whether `length` bytes go on as they are; if so they are accounted for. The body is not
 * complete.
 */
bool http_body_pass(struct http_body *body, size_t length);

/*
 * Moves as much as there is and fits from `in` to `out`. Returns 0, or -EBADMSG: the body
 * is malformed, and its connection can't be used any more.
 */
int http_body_move(struct http_body *body, struct buffer *in, struct buffer *out);
