/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A stream as HTTP messages, read by llhttp, with any token as a method, and without any of the
 * proxy's own rules.
 */

#include "proxy/http_head.h"
#include "stream.h"

#define MESSAGES_MAX 64

struct message {
	struct slice method, target; /* of a request */
	unsigned status;	     /* of a response */
	size_t first, count;	     /* of the reading's fields; the trailer has the last */
	size_t in_head;
	size_t body, body_length; /* where in the reading's bodies */
	size_t end;		  /* where in the stream it ends, so far as it is whole */
	bool begun;		  /* its head is whole */
	bool whole;
	bool upgrade; /* what follows may be another protocol */
};

struct reading {
	const char *bytes;
	size_t length;
	struct message messages[MESSAGES_MAX];
	size_t count; /* with the one that is not whole */
	bool malformed, full;
	struct http_field *fields; /* of all of them */
	size_t fields_count, fields_room;
	struct stream bodies;
	const struct reading
		*requests; /* that are answered: HEAD and CONNECT have no body */
	size_t answered;   /* by responses that are final */
};

/*
 * Reads requests, as a server would: strictly. With `patient`, it goes on after a request that was to be the last. What
 * follows a change of protocol is read as more requests, until it is malformed.
 */
void traffic_read_requests(
	struct reading *reading, const struct stream *stream, bool patient);

/* Reads the responses to requests, as a client would. Ends with the head that changes the protocol. */
void traffic_read_responses(struct reading *reading, const struct stream *stream,
	const struct reading *requests);

void traffic_free(struct reading *reading);
