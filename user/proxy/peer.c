// SPDX-License-Identifier: BSD-2-Clause
/* See peer.h. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jobfence/throttle.h>

#include "proxy/peer.h"

#define EVENTS	   (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI)
#define UNSEEN_MAX THROTTLE_PAYLOAD

int peer_open(struct peer *peer, struct loop *loop, int fd, bool connected,
	void (*ready)(struct source *source, uint32_t events))
{
	int error;

	*peer = (struct peer){
		.source = { .ready = ready, .fd = fd },
		.loop = loop,
		.connecting = !connected,
		.writable = connected,
	};
	error = loop_add(loop, &peer->source, EVENTS | EPOLLET);
	if (error)
		peer->source.fd = -1;
	return error;
}

int peer_move(struct peer *to, struct peer *from,
	void (*ready)(struct source *source, uint32_t events))
{
	int error;

	buffer_put(&from->in);
	buffer_put(&from->out);
	*to = *from;
	to->source.ready = ready;
	error = loop_move(to->loop, &to->source, &from->source, EVENTS | EPOLLET);
	if (error)
		to->source.fd = -1;
	else
		from->source.fd = -1;
	return error;
}

void peer_close(struct peer *peer)
{
	if (peer_is_open(peer))
		loop_close(peer->loop, &peer->source);
	buffer_put(&peer->in);
	buffer_put(&peer->out);
}

void peer_note(struct peer *peer, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		peer->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		peer->writable = true;
	if (events & EPOLLOUT)
		peer->unseen = 0;
	peer->ended |= events & EPOLLRDHUP;
	peer->urgent |= events & EPOLLPRI;
	peer->hung |= events & (EPOLLHUP | EPOLLERR);
}

/* Whether a read that found less than it wanted need not have emptied the socket. */
static bool has_more(const struct peer *peer)
{
	return peer->ended || peer->hung || peer->urgent;
}

/* Returns 0 if reading is worth a try, or what peer_read() returns. */
static int why_not_read(const struct peer *peer)
{
	if (peer->error)
		return peer->error;
	return peer->readable && !peer->eof ? 0 : -EAGAIN;
}

long peer_read(struct peer *peer, size_t most)
{
	size_t space;
	ssize_t length;
	int error;

	error = why_not_read(peer);
	if (error)
		return error;
	if (!peer->in)
		peer->in = buffer_get();
	if (!peer->in)
		return -ENOMEM;
	if (buffer_space(peer->in) < BUFFER_SIZE / 2)
		buffer_compact(peer->in);
	space = buffer_space(peer->in);
	if (!space)
		return -ENOBUFS;
	if (space > most)
		space = most;
	do
		length = recv(peer->source.fd, peer->in->bytes + peer->in->end, space, 0);
	while (length < 0 && errno == EINTR);
	error = length < 0 ? -errno : 0;
	if (length < (ssize_t)space)
		peer->readable = has_more(peer) && length > 0;
	if (length > 0)
		peer->in->end += (size_t)length;
	else if (length == 0)
		peer->eof = true;
	else if (error != -EAGAIN)
		peer->error = error;
	if (!buffer_length(peer->in))
		buffer_put(&peer->in);
	return length < 0 ? error : length;
}

long peer_splice(struct peer *peer, int pipe, size_t most)
{
	ssize_t length;
	int error;

	error = why_not_read(peer);
	if (error)
		return error;
	do
		length = splice(peer->source.fd, NULL, pipe, NULL, most,
			SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	while (length < 0 && errno == EINTR);
	error = length < 0 ? -errno : 0;
	/* A short splice does not show that the socket is empty: the pipe may be full. */
	if (length > 0)
		return length;
	/*
	 * Splicing stops for good where urgent data begin (Linux, tcp_read_sock()). recv(2)
	 * leaves them out, and goes on after them.
	 */
	if (length == 0 || (error == -EAGAIN && has_more(peer)))
		return -ENODATA;
	peer->readable = false;
	peer->error = error == -EAGAIN ? 0 : error;
	return error;
}

/*
 * Whether bytes may be written. Even if the queue is full, the kernel puts them after
 * others into one packet (Linux 6.18, tcp_sendmsg_locked()). So if the queue has a bound,
 * look at it after each segment. The kernel then has the loop tell when there is room.
 */
static bool has_room(struct peer *peer)
{
	const struct timespec none = {};
	struct pollfd room = { .fd = peer->source.fd, .events = POLLOUT };

	if (!peer->writable || !peer->bounded || peer->hung || peer->unseen < UNSEEN_MAX)
		return peer->writable;
	peer->writable = ppoll(&room, 1, &none, NULL) > 0;
	peer->unseen = 0;
	return peer->writable;
}

/* Notes what a call wrote of `want` bytes. Returns it, or -errno. */
static long note_written(struct peer *peer, ssize_t written, size_t want)
{
	if (written < 0 ? errno == EAGAIN : (size_t)written < want)
		peer->writable = false;
	peer->reset |= written < 0 && errno == ECONNRESET;
	if (written < 0)
		return -errno;
	peer->unseen += (size_t)written;
	return written;
}

long peer_write(struct peer *peer, size_t most)
{
	size_t length = buffer_length(peer->out);
	ssize_t written;

	if (!has_room(peer))
		return -EAGAIN;
	if (length > most)
		length = most;
	do
		written = send(peer->source.fd, peer->out->bytes + peer->out->start, length,
			MSG_NOSIGNAL);
	while (written < 0 && errno == EINTR);
	written = note_written(peer, written, length);
	if (written < 0)
		return written;
	peer->out->start += (size_t)written;
	if (!buffer_length(peer->out))
		buffer_put(&peer->out);
	return written;
}

long peer_drain(struct peer *peer, int pipe, size_t most)
{
	ssize_t written;

	if (!has_room(peer))
		return -EAGAIN;
	do
		written = splice(pipe, NULL, peer->source.fd, NULL, most,
			SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	while (written < 0 && errno == EINTR);
	return note_written(peer, written, written > 0 ? (size_t)written : most);
}

struct buffer *peer_out(struct peer *peer)
{
	if (!peer->out)
		peer->out = buffer_get();
	return peer->out;
}
