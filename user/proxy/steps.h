/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The steps of the states of a connection, and how one state begins another. connection.h
 * has the states.
 *
 *	state				file
 *	FIRST, ENDING, LEAVING		connection.c
 *	RESOLVING, DIALLING		reaching.c
 *	HEAD				request.c
 *	HELLO				handshake.c
 *	CLIENT_TLS, SITE_TLS		secure.c
 *	ANSWER				answer.c
 *	EXCHANGE			exchange.c
 *	TUNNEL				tunnel.c
 */

#include <stdbool.h>
#include <stddef.h>

struct connection;

/* The result of a step. */
enum step {
	STEP_WAIT,  /* nothing to do before something happens */
	STEP_AGAIN, /* the state has changed, or there is more to do */
	STEP_END,   /* the connection is over */
};

enum step hello_step(struct connection *connection);
enum step resolving_step(struct connection *connection);
enum step dialling_step(struct connection *connection);
enum step answer_step(struct connection *connection);
enum step client_tls_step(struct connection *connection);
enum step site_tls_step(struct connection *connection);
enum step head_step(struct connection *connection);
enum step exchange_step(struct connection *connection);
enum step tunnel_step(struct connection *connection);

/* Begins to resolve connection->host. The site is dialled, or CONNECT answered, next. */
void reaching_resolve(struct connection *connection);

/* Begins to connect the upstream to the addresses of connection->host. */
void reaching_dial(struct connection *connection);

/*
 * The good hello in client.in is for connection->host, which is intercepted. Begins TLS
 * with the client, or refuses.
 */
enum step secure_client(struct connection *connection);

/* Begins TLS with the site. The upstream is connected. */
void secure_site(struct connection *connection);

/* The site did not answer in time. Refuses. */
enum step reaching_expire(struct connection *connection);

/*
 * Begins the exchange of the request in request.head over the upstream, which is connected.
 */
void exchange_begin(struct connection *connection);

/*
 * Has the address dialled first where the session began that the good hello in client.in
 * offers to resume.
 */
void answer_choose_address(struct connection *connection);

/* Sends the good hello in client.in to the upstream, which is connected. */
void answer_begin(struct connection *connection);

/*
 * Looks for the ticket that the site issues in the last `length` bytes of upstream.in. Does
 * nothing if the connection is not watched. Once it has seen the ticket, it is not watched
 * any more.
 */
void answer_watch(struct connection *connection, size_t length);

/* Passes bytes both ways from now on, first those that were read already. */
void tunnel_begin(struct connection *connection);

/*
 * Tells the site that the client has ended, if that was held back and the job may do so by
 * now. Returns whether it did.
 */
bool tunnel_tell_end(struct connection *connection);
