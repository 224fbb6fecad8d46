/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the request log will say of a connection (request_log.h, docs/json.md). An attempt
 * is a request, a tunnel, or what was refused before it became either. It begins when the
 * head of a request or a ClientHello is there. It has one line, when it ends. Without a log
 * these functions do nothing. attempt_log.c has them.
 *
 * Bytes are counted at the client: what it sent, and what was written to it or waits to be.
 */

#include "jobfence/reasons.h"
#include "proxy/http_head.h"
#include "proxy/refusal.h"

struct connection;
struct origin;
struct proxy;

/* What is known of the request or tunnel that is under way. */
struct log_attempt {
	bool open;     /* it has no line yet */
	bool tunnel;   /* of a tunnel */
	bool answered; /* the site did, or there is a tunnel to it */
	bool connected, reused;
	unsigned status;	    /* of the site, or 200 for CONNECT */
	uint64_t began, first_byte; /* ns */
	uint64_t sent, received;    /* by the client before it */
	size_t unconsumed;	    /* bytes of client.in that are the request's head */
	const char *detail;	    /* why it ended early */
	char method[24];	    /* "": none */
};

/*
 * Begin an attempt. The head of a request is in the first `length` bytes of client.in.
 * `head` is NULL if it could not be read.
 */
void attempt_begin(
	struct connection *connection, const struct http_head *head, size_t length);
void attempt_begin_hello(struct connection *connection);

/* Notes the path, which is origin-form, if the log is to have it. */
void attempt_note_path(struct connection *connection, const struct slice *path);

/* Notes that the site was connected. `reused`: it had been before. */
void attempt_note_site(struct connection *connection, bool reused);

/* Notes that the site answers. */
void attempt_note_answer(struct connection *connection, unsigned status);

/* The site's answer is whole, or the connection has ended, if the attempt is still open. */
void attempt_end(struct connection *connection);

/*
 * The fence answers, and its answer is in client.out. `named`: connection->host is what the
 * attempt is for.
 */
void attempt_refuse(
	struct connection *connection, const struct refusal_text *text, bool named);
void attempt_alert(struct connection *connection, enum reason reason, const char *name);

/* There is no room for a connection with that origin. */
void attempt_turn_away(const struct proxy *proxy, const struct origin *origin);

/* Writes the lines of all requests and tunnels that are under way, as the job ends. */
void connections_log(struct proxy *proxy);
