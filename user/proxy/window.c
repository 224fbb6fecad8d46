// SPDX-License-Identifier: BSD-2-Clause
/* See window.h. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "proxy/window.h"

#define SECOND	1000000000ULL
#define SEGMENT 1428UL /* bytes: what the listeners ask for, less 12 of timestamps */
/* Bytes of all connections in one direction: 256 KiB at 1 Mbit/s are eight times the first, as each waits in two sockets and
 * two buffers, and the kernel reckons its own. */
#define ALL_MIN	  32768UL
#define ALL_MAX	  8388608UL
#define SHARE_MAX 212992UL /* what Linux lets anybody set (net/core/sock.c, SK_RMEM_MAX) */
#define LITTLE	  64	   /* part of the rate, of who is not counted */
#define FREE_MAX  32	   /* connections that the kernel may give what it likes */

void movers_count(struct movers *movers, struct mover *mover, uint64_t now, size_t bytes,
	uint64_t rate)
{
	uint64_t second = now / SECOND, least = rate / LITTLE;
	bool counted;

	if (movers->second != second) {
		movers->before = movers->second + 1 == second ? movers->now : 0;
		movers->now = 0;
		movers->second = second;
	}
	if (mover->second != second)
		*mover = (struct mover){
			.second = second,
			.little = mover->second && mover->bytes <= least,
		};
	counted = mover->bytes && !mover->little;
	mover->bytes += bytes;
	mover->little = mover->little && mover->bytes <= least;
	movers->now += !counted && !mover->little;
}

/* The next power of two: not every connection more or less is to change the queues of all. */
static size_t divide(size_t all, unsigned count)
{
	unsigned parts = 1;

	while (parts < count)
		parts *= 2;
	return all / parts;
}

size_t queues_share(uint64_t rate, const struct movers *movers, unsigned connections)
{
	unsigned moving = movers->now > movers->before ? movers->now : movers->before;
	unsigned count = moving > movers->stuck ? moving : movers->stuck;
	uint64_t all = rate ? rate / 4 : ALL_MAX;
	size_t share;

	if (all < ALL_MIN)
		all = ALL_MIN;
	if (all > ALL_MAX)
		all = ALL_MAX;
	share = divide((size_t)all, rate ? count : connections);
	if (share > SHARE_MAX)
		return connections > FREE_MAX ? SHARE_MAX : 0;
	return share < SHARE_MIN ? SHARE_MIN : share;
}

size_t queues_piece(size_t share)
{
	if (!share || share / 4 > BUFFER_SIZE)
		return 2UL * BUFFER_SIZE;
	return share / 4 < SEGMENT ? SEGMENT : share / 4 / SEGMENT * SEGMENT;
}

static void set(int fd, int level, int option, size_t value)
{
	const int number = (int)value;

	setsockopt(fd, level, option, &number, sizeof(number));
}

/* Without the lock the window's scale, which is fixed at the start, is that of the largest one. */
void queues_limit_first(int fd, size_t share)
{
	set(fd, SOL_SOCKET, SO_RCVBUF, share);
	set(fd, SOL_SOCKET, SO_BUF_LOCK, 0);
}

/* The window has a limit of its own, which the kernel derived from the first size and raises only where it chooses. */
static void limit(const struct peer *peer, size_t receive, size_t send)
{
	int fd = peer->source.fd;

	if (!peer_is_open(peer))
		return;
	if (!send) {
		set(fd, SOL_SOCKET, SO_BUF_LOCK, 0);
		return;
	}
	set(fd, SOL_SOCKET, SO_RCVBUF, receive);
	set(fd, SOL_SOCKET, SO_SNDBUF, send < SHARE_MIN ? SHARE_MIN : send);
	set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, receive);
}

void queues_limit_site(struct peer *peer, size_t share)
{
	peer->bounded = share;
	limit(peer, share, share);
}

/* It is near: what it does not read at once waits in the job's own queue, and in that of the throttle. */
void queues_limit_client(const struct peer *peer, size_t share)
{
	limit(peer, share, share / 4);
}
