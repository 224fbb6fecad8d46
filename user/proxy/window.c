// SPDX-License-Identifier: BSD-2-Clause
/* See window.h. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "jobfence/throttle.h"
#include "lib/clock.h"
#include "proxy/window.h"

#define PAYLOAD	   ((size_t)THROTTLE_PAYLOAD)
#define ALL_MIN	   32768UL   /* bytes of all connections in one direction */
#define ALL_MAX	   8388608UL /* bytes */
#define WINDOW_MAX 212992UL  /* bytes that Linux lets anybody set (SK_RMEM_MAX) */
#define LIGHT	   64	     /* part of the rate that a light connection may use */
#define FREE_MAX   32	     /* connections whose windows the kernel may choose */

void active_count(struct active *active, struct activity *activity, uint64_t now,
	size_t bytes, uint64_t rate)
{
	uint64_t second = now / SECOND, least = rate / LIGHT;
	bool counted;

	if (active->second != second) {
		active->before = active->second + 1 == second ? active->now : 0;
		active->now = 0;
		active->second = second;
	}
	if (activity->second != second)
		*activity = (struct activity){
			.second = second,
			.is_light = activity->second && activity->bytes <= least,
		};
	counted = activity->bytes && !activity->is_light;
	activity->bytes += bytes;
	activity->is_light = activity->is_light && activity->bytes <= least;
	active->now += !counted && !activity->is_light;
}

/* A power of two: one more connection rarely changes the queues of all others. */
static size_t divide(size_t all, unsigned count)
{
	unsigned parts = 1;

	while (parts < count)
		parts *= 2;
	return all / parts;
}

size_t window_size(uint64_t rate, const struct active *active, unsigned connections)
{
	unsigned moving = active->now > active->before ? active->now : active->before;
	unsigned count = moving > active->backlogged ? moving : active->backlogged;
	uint64_t all = rate ? rate / 4 : ALL_MAX;
	size_t window;

	if (all < ALL_MIN)
		all = ALL_MIN;
	if (all > ALL_MAX)
		all = ALL_MAX;
	window = divide((size_t)all, rate ? count : connections);
	if (window > WINDOW_MAX)
		return connections > FREE_MAX ? WINDOW_MAX : 0;
	return window < WINDOW_MIN ? WINDOW_MIN : window;
}

size_t window_read_size(size_t window)
{
	if (!window || window / 4 > BUFFER_SIZE)
		return 2UL * BUFFER_SIZE;
	return window / 4 < PAYLOAD ? PAYLOAD : window / 4 / PAYLOAD * PAYLOAD;
}

static void set(int fd, int level, int option, size_t value)
{
	const int number = (int)value;

	setsockopt(fd, level, option, &number, sizeof(number));
}

/*
 * TCP fixes the scale of its window at the start. Without the lock the kernel chooses the
 * scale for the largest window that it allows.
 */
void window_limit_unconnected(int fd, size_t window)
{
	set(fd, SOL_SOCKET, SO_RCVBUF, window);
	set(fd, SOL_SOCKET, SO_BUF_LOCK, 0);
}

/*
 * The kernel derives the limit of the window from the first size. It raises that limit only
 * where it chooses the size itself. So set the limit as well.
 */
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
	set(fd, SOL_SOCKET, SO_SNDBUF, send < WINDOW_MIN ? WINDOW_MIN : send);
	set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, receive);
}

void window_limit_site(struct peer *peer, size_t window)
{
	peer->bounded = window;
	limit(peer, window, window);
}

/*
 * The client is near. Bytes that it does not read yet wait in the job's own queue anyway.
 */
void window_limit_client(const struct peer *peer, size_t window)
{
	limit(peer, window, window / 4);
}
