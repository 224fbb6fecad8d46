// SPDX-License-Identifier: BSD-2-Clause
/* See closing.h. */

#include <linux/bpf.h> /* the states. The C library's clash with <linux/tcp.h> */
#include <sys/socket.h>

#include "lib/clock.h"
#include "proxy/closing.h"
#include "proxy/tcp_info.h"

#define MINUTE	 (60 * SECOND) /* TIME-WAIT of Linux (TCP_TIMEWAIT_LEN) */
#define PATIENCE 60000	       /* ms that a closed socket waits for acknowledgements */

bool closings_may(const struct closings *closings, uint64_t now)
{
	return closings->busy + MINUTE / CLOSINGS_MAX <= now + MINUTE;
}

bool closings_take(struct closings *closings, uint64_t now)
{
	if (!closings_may(closings, now))
		return false;
	if (closings->busy < now)
		closings->busy = now;
	closings->busy += MINUTE / CLOSINGS_MAX;
	return true;
}

/* If one of these calls fails, the kernel closes the socket in its own way. */
void closing_prepare(int fd)
{
	const struct linger reset = { .l_onoff = 1 };
	const int forget = -1;

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(fd, IPPROTO_TCP, TCP_LINGER2, &forget, sizeof(forget));
}

static void close_in_order(int fd)
{
	const struct linger none = {};
	const unsigned patience = PATIENCE;

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
}

static bool is_acknowledged(const struct tcp_info *info)
{
	return !info->tcpi_unacked && !info->tcpi_notsent_bytes;
}

bool closing_is_acknowledged(int fd)
{
	struct tcp_info info;

	return tcp_info_read(fd, &info) && is_acknowledged(&info);
}

bool closing_choose(struct closings *closings, int fd, bool over, uint64_t now)
{
	struct tcp_info info;

	if (!tcp_info_read(fd, &info))
		return false;
	if (info.tcpi_state == BPF_TCP_ESTABLISHED &&
		((over && is_acknowledged(&info)) || !closings_take(closings, now)))
		return false;
	close_in_order(fd);
	return true;
}
