/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What is around the proxy's connections, played by a script: the job at one end, sites at the other, names, time. The
 * proxy is the real one above its system calls: where it waits for events (epoll_pwait2) the world moves, where it
 * connects it is given one end of a pair of Unix sockets, and its clock is the world's. Of its own files only
 * two are played, the resolver and the maps of the kernel.
 */

#include <stdint.h>

#include "proxy/connection.h"
#include "stream.h"

#define CLIENTS_MAX 4
#define ORIGINS_MAX 8

/* A connection of the proxy to a site; this is the site's end. */
struct origin {
	int fd; /* -1: closed */
	struct host host;
	uint16_t port;
	struct stream heard, said;
	size_t clutter;	     /* bytes in the way of a connection that is still being made */
	bool deaf, was_deaf; /* it does not read, or did not for some time */
	bool spoke;	     /* it has said something, or that it won't */
};

/* A connection of the job; this is the job's end. */
struct client {
	int fd, proxy_fd; /* -1: closed; the number of the other end, while that is open */
	uint16_t port;
	struct stream said, heard;
	bool deaf;
	struct origin origins[ORIGINS_MAX];
	size_t count;
};

/* What becomes of the next look-up. */
enum names { NAMES_ONE, NAMES_TWO, NAMES_NONE, NAMES_REFUSED, NAMES_SLOW, NAMES_LATE };

/* And of the next connection to a site. */
enum dials { DIALS_OPEN, DIALS_REFUSED, DIALS_FENCED, DIALS_LATE };

struct world {
	struct client clients[CLIENTS_MAX];
	size_t count;
	enum names names;
	enum dials dials;
	/* Plays what comes next. Returns false at the end of the script. */
	bool (*next)(struct world *world);
};

/* To be called once, before the first is played. */
void world_init(void);

/*
 * Plays a world until its script is over and every connection has ended by itself, which each has to: nobody says
 * anything any more. Nothing may be left of them. world_free() comes after it.
 */
void world_play(struct world *world);
void world_free(struct world *world);

/* What may be moved, from next(). The job connects to where `destination` is. */
void world_connect(const struct endpoint *destination);
void world_say(int fd, struct stream *said, const char *bytes, size_t length);
void world_pass_time(uint64_t nanoseconds);
void world_close(int *fd);
void world_answer_names(void); /* those that were late */
void world_open_dials(void);   /* the same */
void world_set_rate(uint64_t rate, uint64_t paced);
void world_withdraw(bool withdrawn); /* "a.test" from the job's domains */

/* Whether the job may reach a host. */
bool world_allows(const struct host *host);

extern const struct proxy_settings world_settings;
