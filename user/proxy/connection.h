/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One connection of the job. It is in one state at a time; each state has a step, which does what can be done without
 * waiting. Steps run until one has to wait, then the loop is asked for what it waits for.
 *
 *	FIRST	  the first byte tells TLS from HTTP			-> HELLO, HEAD
 *	HELLO	  a ClientHello is collected and its name checked	-> RESOLVING, DIALLING, ANSWER
 *	HEAD	  the head of a request is collected and checked	-> RESOLVING, EXCHANGE
 *	RESOLVING the checked name is resolved				-> DIALLING, HELLO
 *	DIALLING  the site is connected					-> EXCHANGE, ANSWER
 *	ANSWER	  the site may want a second ClientHello, or resume	-> HELLO, TUNNEL
 *	EXCHANGE  request and response are on their way			-> HEAD, TUNNEL, RESOLVING
 *	TUNNEL	  bytes go both ways
 *	ENDING	  a last word is written, what still comes is dropped
 *	LEAVING	  the client has gone, what its site still sends or acknowledges is waited for
 *
 * CONNECT to port 443 is answered between RESOLVING and HELLO: the site is not dialled before the hello has
 * named it. A request that is refused, or whose site can't be reached, may leave its connection in HEAD.
 * Every state may go to ENDING, or end the connection; those with a site that may still send go to LEAVING, where
 * there is a throttle to count that, or the job has ended too many before their sites did.
 */

#include "proxy/closing.h"
#include "proxy/dial.h"
#include "proxy/http_body.h"
#include "proxy/http_response.h"
#include "proxy/pacer.h"
#include "proxy/peer.h"
#include "proxy/refusal.h"
#include "proxy/resting.h"
#include "proxy/rules.h"
#include "proxy/server_hello.h"
#include "proxy/sessions.h"
#include "proxy/settings.h"
#include "proxy/window.h"

/* What all connections share. */
struct proxy {
	struct loop *loop;
	const struct proxy_settings *settings;
	struct rules *rules;
	struct resolver *resolver;
	struct throttle *throttle;
	struct sessions *sessions;
	unsigned connections; /* that are open */
	struct closings closings;
	struct resting resting;
	struct movers movers;
};

enum connection_state {
	STATE_FIRST,
	STATE_HELLO,
	STATE_HEAD,
	STATE_RESOLVING,
	STATE_DIALLING,
	STATE_ANSWER,
	STATE_EXCHANGE,
	STATE_TUNNEL,
	STATE_ENDING,
	STATE_LEAVING,
};

/* What a step says. */
enum step {
	STEP_WAIT,  /* nothing to do before something happens */
	STEP_AGAIN, /* the state has changed, or there is more to do */
	STEP_END,   /* the connection is over */
};

/* One direction of a tunnel. */
struct flow {
	int pipe[2];  /* -1: none; there is one only while bytes are in it */
	size_t piped; /* bytes in it */
	bool finished;
};

struct connection {
	struct proxy *proxy;
	enum connection_state state;
	struct peer client, upstream;
	uint64_t generation; /* of the job's limits that it keeps to */
	bool stuck;	     /* counted among those of struct movers */
	struct mover moved;
	size_t share; /* of queues_share() that its sockets keep to */
	/* Bytes that were read from the upstream, went on to the client, and count as lost, since it was connected. */
	uint64_t received, passed, lost;
	struct waiter upload_turn, download_turn;
	struct timer timer;   /* due at the deadline or before, and then set anew */
	uint64_t deadline;    /* of the state, ns of CLOCK_MONOTONIC */
	struct deferred turn; /* runs the steps again after the others had theirs */
	bool turn_asked, closed;
	struct deferred release;

	uint16_t port; /* that the job asked for, host byte order */
	bool explicit; /* it came to the proxy's own address: a request names its port */
	struct address original; /* where the job wanted to go */

	/* Where the upstream is, or is to be, connected to. */
	struct host host;
	bool host_fixed; /* by CONNECT to port 80: requests have to name it */
	bool connect;	 /* CONNECT to port 443: HELLO comes after RESOLVING */
	bool tls;	 /* the hello was good: ANSWER comes after DIALLING */
	size_t hello; /* bytes of client.in that are the hello, and what came before it */
	bool hello_again; /* the site wanted another one */
	uint64_t offered
		[SESSION_KINDS]; /* by the hello: marks of struct sessions, 0: none */
	bool watched;		 /* the site's bytes of TUNNEL, by `watch` */
	struct ticket_watch watch;
	struct dial dial;

	/* HEAD and EXCHANGE */
	size_t scanned, response_scanned;
	struct http_asked asked;
	struct http_body request, response;
	bool response_began; /* its final head went to the client */
	bool irregular;	     /* of a head of the site's since the request */
	bool rest_unwanted; /* the site closes of its own accord: it takes no more of the request */
	bool upstream_keep;
	bool upstream_used; /* for an earlier request: it may close without a word */
	bool request_cut;   /* the upstream takes no more of it */
	bool early;	    /* the site began to answer before it had all of the request */
	bool answered;	    /* and needs nothing more: its connection may be reset */
	struct buffer *pending; /* the request's head, as long as it may have to be sent */

	struct flow up, down; /* TUNNEL */
	bool held;	      /* the client's end, which the site is not told yet */
	/* ENDING */
	bool said;
	size_t dropped; /* bytes */
};

/* Takes over a socket of the job, which wanted to reach `destination`. Returns 0 or -errno; the socket is the caller's
 * still then. */
int connection_new(struct proxy *proxy, int fd, const struct endpoint *destination);

/* Runs steps until one waits. The connection may be gone after it. */
void connection_run(struct connection *connection);

/* Whether the client takes the end of its connection for that of the response. */
bool connection_ends_response(const struct connection *connection);

/* Has the client's connection reset at its end, whoever brings it about; or not, once it has all of the response. */
void connection_reset_at_end(const struct connection *connection, bool reset);

/* Goes to another state and gives it its time. */
void connection_enter(struct connection *connection, enum connection_state state);

/* Gives the state that much time from now, in ns. */
void connection_give_time(struct connection *connection, uint64_t time);

/* Makes a connection one of those that share the job's bandwidth; and no longer, once its ends are closed. */
void bandwidth_join(struct connection *connection);
void bandwidth_leave(struct connection *connection);

/* Keeps to what all connections share by now. */
void bandwidth_limit_queues(struct connection *connection);

/* Counts the connection among those that hold what they can't pass on, if it is one. */
void bandwidth_count_stuck(struct connection *connection);

/* How many of `want` bytes may be moved now; 0: none, the connection is run again when there is something. */
size_t bandwidth_allowance(
	struct connection *connection, enum direction direction, size_t want);

/* Has the throttle reckon bytes that moved, and counts them. */
void bandwidth_spend(struct connection *connection, enum direction direction, size_t bytes);

/* Counts bytes that moved. Gives the state its whole time anew where it has that for each movement, as EXCHANGE has, and not
 * for all of them, as HEAD. */
void bandwidth_count_moved(struct connection *connection, size_t bytes);

/* Read from, or write to, the client as the throttle allows; read from the upstream unless what it sent before and nobody took
 * still takes time. As peer_read() and peer_write(). */
long client_read(struct connection *connection);
long client_write(struct connection *connection);
long upstream_read(struct connection *connection);

/* Closes the client, if it is open. What the kernel did not send to it yet counts as lost. */
void client_close(struct connection *connection);

/* Closes the upstream, if it is open. What came from it and did not go on counts as lost. */
void upstream_close(struct connection *connection);

/* Refuses, with an HTTP response or a TLS alert, and records it where it is the fence's doing. Always
 * STEP_AGAIN. */
enum step connection_refuse(struct connection *connection, const struct refusal_text *text);
enum step connection_alert(struct connection *connection, enum tls_alert alert,
	enum reason reason, const char *name);

/* Starts to resolve connection->host, and to connect the upstream to it or answer CONNECT after that. */
void connection_resolve(struct connection *connection);

/* Starts to connect the upstream to what connection->host was resolved to. Always STEP_AGAIN. */
enum step connection_dial(struct connection *connection);

/* The steps of each state, in the files named after them. */
enum step hello_step(struct connection *connection);
enum step answer_step(struct connection *connection);
enum step head_step(struct connection *connection);
enum step exchange_step(struct connection *connection);
enum step tunnel_step(struct connection *connection);

/* Begins the exchange of the request in `pending` over the upstream, which is connected. */
void exchange_begin(struct connection *connection);

/* Of the addresses of the site prefers the one where the session began that the good hello in `client.in` offers to resume. */
void answer_choose_address(struct connection *connection);

/* Sends the good hello in `client.in` to the upstream, which is connected. */
void answer_begin(struct connection *connection);

/* Looks at the last `length` bytes of `upstream.in` if the connection is watched, which may end by that: keeps the ticket that
 * the site issued. */
void handshake_watch(struct connection *connection, size_t length);

void tunnel_begin(struct connection *connection);
void tunnel_end(struct connection *connection);
