/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Reads a stream as HTTP messages. llhttp reads it, with any token as a method, and
 * without any of the proxy's own rules.
 */

#include "proxy/http_head.h"
#include "stream.h"

#define MESSAGES_MAX 64

struct message {
	struct slice method, target; /* of a request */
	unsigned status;	     /* of a response */
	size_t first, count;	     /* of the reading's fields; the trailer has the last */
	size_t in_head;
	size_t body, body_length; /* position in the reading's bodies */
	size_t end;		  /* end in the stream, as far as the message is complete */
	bool begun;		  /* the head is complete */
	bool whole;
	bool upgrade; /* the bytes after it may be another protocol */
};

struct reading {
	const char *bytes;
	size_t length;
	struct message messages[MESSAGES_MAX];
	size_t count; /* the incomplete one included */
	bool malformed, full;
	struct http_field *fields; /* of all messages */
	size_t fields_count, fields_room;
	struct stream bodies;
	/* The requests that are answered. Responses to HEAD and CONNECT have no body. */
	const struct reading *requests;
	size_t answered; /* requests with a final response */
};

/*
 * Reads requests strictly, as a server would. With `patient`, it goes on after a request
 * that was to be the last. The bytes after a change of protocol are read as more
 * requests, until they are malformed.
 */
void traffic_read_requests(
	struct reading *reading, const struct stream *stream, bool patient);

/*
 * Reads the responses to requests, as a client would. Ends with the head that changes the
 * protocol.
 */
void traffic_read_responses(struct reading *reading, const struct stream *stream,
	const struct reading *requests);

void traffic_free(struct reading *reading);
