/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The surroundings of the proxy's connections, played by a script: the job at one end,
 * sites at the other, names, time.
 *
 * The proxy is the real one above its system calls. When it waits for events
 * (epoll_pwait2), the world moves. When it connects, it gets one end of a pair of Unix
 * sockets. Its clock is the world's. Only two of its own files are replaced, the resolver
 * and the maps of the kernel.
 */

#include <stdint.h>

#include "far_end.h"
#include "proxy/connection.h"
#include "stream.h"

#define CLIENTS_MAX 4
#define ORIGINS_MAX 8

/* The site's end of a connection from the proxy. */
struct origin_server {
	int fd; /* -1: closed */
	struct host host;
	uint16_t port;
	struct stream heard, said;
	size_t clutter;	     /* bytes that keep a connection from being complete */
	bool deaf, was_deaf; /* it does not read, or did not for a while */
	bool spoke;	     /* it has said something, or never will */
	struct far_end *far; /* its TLS, where the proxy opens it. The streams are text */
};

/* The job's end of a connection to the proxy. */
struct client {
	int fd, proxy_fd; /* -1: closed. The number of the other end, while that is open. */
	uint16_t port;
	struct stream said, heard;
	bool deaf;
	struct origin_server origins[ORIGINS_MAX];
	size_t count;
	/* Its TLS, if OpenSSL speaks it, and the length of the streams before it. */
	struct far_end *far;
	size_t said_before, heard_before;
};

/* The result of the next look-up. */
enum names {
	NAMES_ONE,
	NAMES_TWO,
	NAMES_NONE,
	NAMES_REFUSED,
	NAMES_SLOW,
	NAMES_LATE,
	NAMES_SAME, /* as before. So clients may share connections for plain HTTP */
};

/* The result of the next connection to a site. */
enum dials { DIALS_OPEN, DIALS_REFUSED, DIALS_FENCED, DIALS_LATE };

struct world {
	struct client clients[CLIENTS_MAX];
	size_t count;
	enum names names;
	bool shared; /* clients may have shared connections */
	enum dials dials;
	enum far_way sites; /* the way of the next sites whose TLS is opened */
	size_t cut;	    /* bytes of records that are sent at once. 0: all */
	/* Plays the next step. Returns false at the end of the script. */
	bool (*next)(struct world *world);
};

/* Call it once, before the first world is played. */
void world_init(void);

/*
 * Plays a world until its script is over and every connection has ended by itself. Each
 * of them has to, since no end says anything any more. No connection may be left.
 * world_free() comes after it.
 */
void world_play(struct world *played);
void world_free(struct world *played);

/* These move the world, and are called from next(). The job connects to `destination`. */
void world_connect(const struct endpoint *destination);
void world_say(int fd, struct stream *said, const char *bytes, size_t length);
void world_pass_time(uint64_t nanoseconds);
void world_close(int *fd);
void world_answer_names(void); /* the look-ups that were late */
void world_open_dials(void);   /* the connections that were late */
void world_set_rate(uint64_t rate, uint64_t paced);
void world_withdraw(bool withdrawn); /* withdraws "a.test" from the job's domains */

/* Whether the job may reach a host. */
bool world_allows(const struct host *host);

/* Whether a rule for methods and paths is for this host: GET,POST r.test/a and below. */
bool world_judges(const struct host *host);

/*
 * The secret of the world. It is for requests inside TLS to t.test, and the path /s and
 * what is below.
 */
#define WORLD_SECRET "key-of-the-job"
bool world_keeps_secret(const struct host *host);

/* Whether the proxy opens TLS to this host. */
bool world_opens(const struct host *host);

extern const struct proxy_settings world_settings;
