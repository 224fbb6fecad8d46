/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One connection of the job: a relay, and what the proxy knows of its protocol. It is in
 * one state at a time. Each state has a step, which does what it can without waiting. Steps
 * run until one has to wait. The loop wakes the relay when something has changed.
 *
 *	state	  what happens					next
 *	FIRST	  the first byte tells TLS from HTTP		HELLO, HEAD
 *	HELLO	  a ClientHello is collected and checked	RESOLVING, DIALLING, ANSWER,
 *								CLIENT_TLS
 *	CLIENT_TLS the client's TLS ends here			HEAD
 *	HEAD	  the head of a request is collected and	RESOLVING, EXCHANGE, HEAD
 *		  checked
 *	RESOLVING the checked name is resolved			DIALLING, EXCHANGE,
 *								HELLO, HEAD
 *	DIALLING  the site is connected				EXCHANGE, ANSWER, SITE_TLS,
 *								HEAD
 *	SITE_TLS  TLS with the site begins			EXCHANGE, HEAD
 *	ANSWER	  the site may want a second ClientHello, or	HELLO, TUNNEL
 *		  resume a session
 *	EXCHANGE  request and response are on their way		HEAD, TUNNEL, RESOLVING
 *	TUNNEL	  bytes go both ways				TUNNEL
 *	ENDING	  a last word is written, further input is
 *		  dropped
 *	LEAVING	  the client has gone, the site may still send
 *
 * The proxy answers CONNECT to port 443 between RESOLVING and HELLO. It does not dial the
 * site before the hello has named it. EXCHANGE follows RESOLVING at once if the pool has an
 * idle connection to the site (pool.h). A refused request may leave its connection in HEAD,
 * and so may a request whose site can't be reached. Every state but LEAVING and TUNNEL may
 * go to ENDING. ANSWER, SITE_TLS, EXCHANGE and TUNNEL may go to LEAVING for one of two
 * reasons. The job has a rate, so the bytes that the site still sends have to be charged.
 * Or the job has ended too many connections before their sites did (closing.h).
 *
 * connection.c has this table as data, and debug builds check each transition against it.
 * steps.h says which file has the step of which state.
 */

#include "proxy/attempt.h"
#include "proxy/dial.h"
#include "proxy/http_body.h"
#include "proxy/http_request.h"
#include "proxy/http_response.h"
#include "proxy/pool.h"
#include "proxy/refusal.h"
#include "proxy/relay.h"
#include "proxy/request_log.h"
#include "proxy/resting.h"
#include "proxy/rules.h"
#include "proxy/secret_store.h"
#include "proxy/server_hello.h"
#include "proxy/sessions.h"
#include "proxy/settings.h"
#include "proxy/statistics.h"
#include "proxy/steps.h"
#include "proxy/trace.h"

/* The part that all connections share. */
struct proxy {
	struct loop *loop;
	const struct proxy_settings *settings;
	struct rules *rules;
	struct secret_store *secrets; /* NULL: the job has none */
	struct resolver *resolver;
	struct sessions *sessions;
	struct relays relays;
	struct pool pool;
	struct resting resting;
	struct request_log *log;	/* NULL: the job has none */
	const struct tls_calls *tls;	/* NULL: this program has no TLS */
	struct tls *tls_state;		/* of these calls. NULL: nothing is intercepted */
	struct connection *connections; /* all that are open */
};

enum connection_state {
	STATE_FIRST,
	STATE_HELLO,
	STATE_CLIENT_TLS,
	STATE_HEAD,
	STATE_RESOLVING,
	STATE_DIALLING,
	STATE_SITE_TLS,
	STATE_ANSWER,
	STATE_EXCHANGE,
	STATE_TUNNEL,
	STATE_ENDING,
	STATE_LEAVING,
};

/* HEAD and EXCHANGE: the request that is under way. */
struct request {
	size_t scanned; /* bytes of client.in without the end of its head */
	struct http_asked asked;
	struct http_body body;
	struct buffer *head; /* for the site, while it may have to be sent */
	bool json;	     /* a refusal of it is to be JSON */
	bool repeatable;     /* it may be sent on a used connection, and again */
	bool cut;	     /* the site takes no more of it */
	bool unwanted;	     /* the site will close, and wants no more of it */
};

/* EXCHANGE: the response to it. */
struct response {
	size_t scanned; /* bytes of upstream.in without the end of its head */
	struct http_body body;
	bool began;	/* its final head went to the client */
	bool irregular; /* of a head of the site since the request */
	bool early;	/* it began before the site had the request */
};

/* The connection to the site, from one exchange to the next. */
struct site {
	bool keeps;	/* it may be used for another request */
	bool private;	/* but only for one of this client */
	bool used;	/* it was: the site may close it without a word */
	bool answered;	/* the site needs nothing more: it may be reset */
	uint64_t heard; /* bytes that were read from it before the exchange */
};

/* HELLO, ANSWER and the beginning of TUNNEL. */
struct handshake {
	bool named;    /* the hello was good: ANSWER comes after DIALLING */
	bool has_name; /* the hello has a server name */
	bool retried;  /* the site wanted another hello */
	size_t hello;  /* bytes of client.in up to the end of the hello */
	bool watched;  /* `watch` sees what the site sends in TUNNEL */
	/* Marks of struct sessions that the hello offered. 0: none. */
	uint64_t offered[SESSION_KINDS];
	struct ticket_watch watch;
};

/* TUNNEL and LEAVING. */
struct tunnel {
	bool held;	  /* the site was not told yet that the client has ended */
	unsigned awaited; /* seconds that the site was given to acknowledge all */
};

/* ENDING. */
struct ending {
	bool said;	/* the last word is written */
	size_t dropped; /* bytes of the client since */
};

struct connection {
	struct proxy *proxy;
	struct connection *next, *previous;
	struct relay relay;
	enum connection_state state;
	uint64_t generation; /* of the job's limits that it keeps to */
	uint64_t deadline;   /* of the state, ns of CLOCK_MONOTONIC */
	struct timer timer;  /* due at the deadline or before, and then set anew */
	struct deferred release;

	struct origin origin; /* where the job wanted to go, and the process that did */
	bool explicit;	/* that is the proxy's own address: a request names its port */
	uint16_t port;	/* that the job asked for, host byte order */
	uint64_t began; /* the latest request or tunnel, ns of loop_now() */

	/* Where the upstream is, or is to be, connected to. */
	struct host host;
	bool host_fixed; /* by CONNECT to port 80, or `secure`: requests have to name it */
	bool secure;	 /* the client's TLS ends here, and each request goes on by TLS */
	bool connect;	 /* CONNECT to port 443: HELLO comes after RESOLVING */
	struct dial dial;
	struct idle idle; /* the upstream, while the pool may give it to another client */
	struct pool_waiter waiter; /* while the pacer holds the dial back */

	struct request request;
	struct response response;
	struct site site;
	struct handshake handshake;
	struct tunnel tunnel;
	struct ending ending;
	struct log_attempt attempt;
	char path[]; /* of the request, where the log has paths: LOG_PATH_MAX and a NUL */
};

/*
 * Takes over a socket of the job with that origin. Returns 0 or -errno. On failure the
 * socket remains the caller's.
 */
int connection_new(struct proxy *proxy, int fd, const struct origin *origin);

/* Writes a line of the trace, as trace(). */
#define connection_trace(connection, ...) \
	trace((connection)->relay.all->limits, (connection)->relay.number, __VA_ARGS__)

/* Whether the client takes the end of its connection for the end of the response. */
bool connection_ends_response(const struct connection *connection);

/* Chooses whether the end of the client's connection is a reset, even by a crash. */
void connection_reset_at_end(const struct connection *connection, bool reset);

/* Goes to another state and gives it its time. */
void connection_enter(struct connection *connection, enum connection_state state);

/* Gives the state that much time from now, in ns. */
void connection_give_time(struct connection *connection, uint64_t time);

/* Leaves the upstream to the pool if it is lent. Closes it otherwise, if it is open. */
void connection_close_upstream(struct connection *connection);

/*
 * Lends the upstream to the pool, if it may be used for requests of other clients. The
 * client has all of its answer.
 */
void connection_lend_upstream(struct connection *connection);

/* Writes what waits for the client. STEP_AGAIN: all of it is written. */
enum step connection_flush_client(struct connection *connection);

/* Tells the client that its CONNECT succeeded. Returns false if there is no memory. */
bool connection_establish(struct connection *connection);

/*
 * Refuse, with an HTTP response or a TLS alert. A refusal of the fence is recorded. Return
 * STEP_AGAIN, or STEP_END if there is no memory.
 */
enum step connection_refuse(struct connection *connection, const struct refusal_text *text);
enum step connection_alert(struct connection *connection, enum tls_alert alert,
	enum reason reason, const char *name);

/* Counts a request or a tunnel that the job may have, from now on. */
void connection_count(struct connection *connection, __u64 *counter);

/* Counts how long it is since then. */
void connection_time(const struct connection *connection, struct histogram *histogram);
