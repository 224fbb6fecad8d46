// SPDX-License-Identifier: BSD-2-Clause
/* See peer.h. */

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/peer.h"

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
	error = loop_add(loop, &peer->source, connected ? EPOLLIN : EPOLLIN | EPOLLOUT);
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
	error = loop_move(to->loop, &to->source, &from->source, EPOLLIN);
	if (error)
		to->source.fd = -1;
	else
		from->source.fd = -1;
	return error;
}

void peer_close(struct peer *peer)
{
	if (peer_is_open(peer)) {
		loop_remove(peer->loop, &peer->source);
		close(peer->source.fd);
		peer->source.fd = -1;
	}
	buffer_put(&peer->in);
	buffer_put(&peer->out);
}

void peer_note(struct peer *peer, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		peer->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		peer->writable = true;
	/* epoll reports these events again and again, whatever is asked for. */
	if (events & (EPOLLHUP | EPOLLERR)) {
		peer->hung = true;
		loop_remove(peer->loop, &peer->source);
	}
}

void peer_watch(struct peer *peer, bool want_input)
{
	uint32_t events = 0;

	if (!peer_is_open(peer) || peer->hung)
		return;
	/*
	 * Go on waiting for input that is not wanted just now. Mostly it comes when it is
	 * wanted again.
	 */
	if (!peer->readable && !peer->eof && (want_input || peer->source.events & EPOLLIN))
		events |= EPOLLIN;
	if (!peer->writable)
		events |= EPOLLOUT;
	if (loop_change(peer->loop, &peer->source, events))
		peer->hung = true;
}

long peer_read(struct peer *peer, size_t most)
{
	size_t space;
	ssize_t length;
	int error;

	if (peer->error)
		return peer->error;
	if (!peer->readable || peer->eof)
		return -EAGAIN;
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
	/* A short read has emptied the socket. The loop tells when there is more. */
	if (length < (ssize_t)space)
		peer->readable = peer->hung && length > 0;
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

long peer_write(struct peer *peer, size_t most)
{
	size_t length = buffer_length(peer->out);
	ssize_t written;

	if (!peer->writable)
		return -EAGAIN;
	if (length > most)
		length = most;
	do
		written = send(peer->source.fd, peer->out->bytes + peer->out->start, length,
			MSG_NOSIGNAL);
	while (written < 0 && errno == EINTR);
	if (written < (ssize_t)length)
		peer->writable = false;
	peer->reset |= written < 0 && errno == ECONNRESET;
	if (written < 0)
		return -errno;
	peer_wrote(peer);
	peer->out->start += (size_t)written;
	if (!buffer_length(peer->out))
		buffer_put(&peer->out);
	return written;
}

struct buffer *peer_out(struct peer *peer)
{
	if (!peer->out)
		peer->out = buffer_get();
	return peer->out;
}
