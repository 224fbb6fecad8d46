/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * How much of a connection may be in the proxy: in the queues of its sockets and in its
 * buffers. A site has to feel the rate of the job. So all connections that move bytes share
 * a quarter of a second of the rate, at least 32 KiB. The bound also holds the memory that
 * the kernel uses for connections, whatever a job does.
 *
 *	window = max(rate / 4, 32 KiB) / connections, a power of two of them
 *
 *	socket to the site   window in each direction
 *	socket to the job    window in, a quarter of it out
 *	buffer of the proxy  a quarter of the window
 *
 * The kernel doubles each queue for its own overhead. So at 1 Mbit/s a site is at most 256
 * KiB ahead of what the job received, over up to 32 connections together.
 */

#include <stdint.h>

#include "proxy/peer.h"

/* Bytes: a segment, with what the kernel adds to it. */
#define WINDOW_MIN 2048UL

/*
 * The connections of the job that move bytes: in this second, and in the one before. A
 * connection is backlogged if it holds bytes that it can't pass on.
 */
struct active {
	uint64_t second;
	unsigned now, before, backlogged;
};

/* The bytes that one connection moved in a second. */
struct activity {
	uint64_t second, bytes;
	bool is_light; /* less than 1/64 of the rate, so far and in the second before */
};

/*
 * Notes that a connection moved bytes at `now`, in ns. `rate` is in bytes per second. A
 * connection that moves less than 1/64 of it is not counted, so the windows of the others
 * stay as they are.
 */
void active_count(struct active *active, struct activity *activity, uint64_t now,
	size_t bytes, uint64_t rate);

/*
 * Returns the window of each connection in bytes, or 0 if the kernel may choose. `rate` is
 * the job's in bytes per second, 0 without one. `connections` are open.
 */
size_t window_size(uint64_t rate, const struct active *active, unsigned connections);

/* How many bytes to read at once: as many as fill whole segments, or two buffers. */
size_t window_read_size(size_t window);

/*
 * Bounds the first window of a socket that is not connected yet, or of those that a
 * listening socket accepts. The window may grow later.
 */
void window_limit_unconnected(int fd, size_t window);

/* Bound what a connected socket to a site, or to the job, holds in each direction. */
void window_limit_site(struct peer *peer, size_t window);
void window_limit_client(const struct peer *peer, size_t window);
