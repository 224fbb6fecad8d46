// SPDX-License-Identifier: BSD-2-Clause
/* See peer.h. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jobfence/throttle.h>

#include "lib/cleanup.h"
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
	if (error) {
		to->source.fd = -1;
		to->tls = NULL;
	} else {
		from->source.fd = -1;
		from->tls = NULL;
	}
	return error;
}

void peer_secure(struct peer *peer, struct tls_end *tls)
{
	peer->tls = tls;
	tls->in = TAKE_POINTER(peer->in);
	/* What was read before may be a whole record. */
	peer->readable = true;
}

void peer_close(struct peer *peer)
{
	struct tls_end *tls = TAKE_POINTER(peer->tls);

	if (peer_is_open(peer))
		loop_close(peer->loop, &peer->source);
	if (tls)
		tls->calls->free(tls);
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

/* Makes room in a buffer, which there may be none of yet. Returns 0 or -errno. */
static int make_room(struct buffer **buffer)
{
	if (!*buffer)
		*buffer = buffer_get();
	if (!*buffer)
		return -ENOMEM;
	if (buffer_space(*buffer) < BUFFER_SIZE / 2)
		buffer_compact(*buffer);
	return buffer_space(*buffer) ? 0 : -ENOBUFS;
}

static void put_empty(struct buffer **buffer)
{
	if (!buffer_length(*buffer))
		buffer_put(buffer);
}

/* Reads bytes of the socket into a buffer. Returns as peer_read(). */
static long receive(struct peer *peer, struct buffer **buffer, size_t most)
{
	int error = make_room(buffer);
	size_t space;
	ssize_t length;

	if (error)
		return error;
	space = buffer_space(*buffer);
	if (space > most)
		space = most;
	do
		length = recv(peer->source.fd, (*buffer)->bytes + (*buffer)->end, space, 0);
	while (length < 0 && errno == EINTR);
	error = length < 0 ? -errno : 0;
	if (length < (ssize_t)space)
		peer->readable = has_more(peer) && length > 0;
	if (length > 0) {
		(*buffer)->end += (size_t)length;
		peer->read += (size_t)length;
	}
	put_empty(buffer);
	return length < 0 ? error : length;
}

/* Decrypts what has come. Returns as peer_read(). */
static long decrypt(struct peer *peer)
{
	struct tls_end *tls = peer->tls;
	int error = make_room(&peer->in);
	long length;

	if (error)
		return error;
	length = tls->calls->decrypt(tls, peer->in);
	put_empty(&peer->in);
	/* TLS may want to say something itself. */
	if (tls->out && !peer_out(peer))
		return -ENOMEM;
	if (length > 0)
		peer->heard += (size_t)length;
	else if (!length)
		peer->eof = true;
	else if (length == -EPROTO)
		peer->error = -EPROTO;
	return length;
}

/*
 * Reads records from the socket. Returns how many bytes of `most` are left, or -errno. An
 * end without a word of TLS may be that of an attacker (RFC 8446 section 6.1).
 */
static long receive_records(struct peer *peer, size_t most)
{
	long length;

	if (!peer->readable)
		return -EAGAIN;
	if (!most)
		return -EINPROGRESS;
	length = receive(peer, &peer->tls->in, most);
	if (!length)
		length = -ECONNRESET;
	if (length < 0 && length != -EAGAIN)
		peer->error = (int)length;
	return length < 0 ? length : (long)most - length;
}

/* A second record is read with the first if it is there, since both are sent at once. */
static long read_records(struct peer *peer, size_t most)
{
	long length, left = (long)most, all = 0;

	if (peer->error || peer->eof)
		return peer->error ? peer->error : -EAGAIN;
	for (;;) {
		length = decrypt(peer);
		if (length > 0)
			all += length;
		if ((length < 0 && length != -EAGAIN) || !length ||
			all >= BUFFER_SIZE / 2 + 1)
			break;
		left = receive_records(peer, (size_t)left);
		if (left < 0) {
			length = left;
			break;
		}
	}
	return all ? all : length;
}

long peer_read(struct peer *peer, size_t most)
{
	long length;
	int error;

	if (peer->tls)
		return read_records(peer, most);
	error = why_not_read(peer);
	if (error)
		return error;
	length = receive(peer, &peer->in, most);
	if (length > 0)
		peer->heard += (size_t)length;
	else if (!length)
		peer->eof = true;
	else if (length != -EAGAIN && length != -ENOMEM && length != -ENOBUFS)
		peer->error = (int)length;
	return length;
}

long peer_drop(struct peer *peer)
{
	struct buffer *dropped = NULL;
	long length;
	int error = why_not_read(peer);

	if (error && !(peer->tls && peer->readable))
		return error;
	length = receive(peer, &dropped, BUFFER_SIZE);
	buffer_put(&dropped);
	return length;
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
	if (length > 0) {
		peer->read += (size_t)length;
		return length;
	}
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
	peer->written += (size_t)written;
	return written;
}

/* Sends bytes of a buffer, and returns as peer_write(). */
static long transmit(struct peer *peer, struct buffer **buffer, size_t most)
{
	size_t length = buffer_length(*buffer);
	ssize_t written;

	if (length > most)
		length = most;
	do
		written = send(peer->source.fd, (*buffer)->bytes + (*buffer)->start, length,
			MSG_NOSIGNAL);
	while (written < 0 && errno == EINTR);
	written = note_written(peer, written, length);
	if (written < 0)
		return written;
	(*buffer)->start += (size_t)written;
	put_empty(buffer);
	return written;
}

/* Nothing is encrypted before all earlier records are sent. So few bytes are ahead. */
static long write_records(struct peer *peer, size_t most)
{
	struct tls_end *tls = peer->tls;
	long written = 0;
	int error = tls->out ? 0 : tls->calls->encrypt(tls, peer->out);

	if (error)
		return error;
	if (tls->out)
		written = transmit(peer, &tls->out, most);
	peer_put_out(peer);
	return written;
}

long peer_write(struct peer *peer, size_t most)
{
	if (!has_room(peer))
		return -EAGAIN;
	return peer->tls ? write_records(peer, most) : transmit(peer, &peer->out, most);
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

void peer_put_out(struct peer *peer)
{
	if (!peer->tls || !peer->tls->out)
		put_empty(&peer->out);
}

void peer_end(struct peer *peer)
{
	if (peer->tls) {
		peer->tls->calls->finish(peer->tls);
		if (peer->tls->out)
			transmit(peer, &peer->tls->out, BUFFER_SIZE);
		buffer_put(&peer->tls->out);
		peer_put_out(peer);
	}
	shutdown(peer->source.fd, SHUT_WR);
}

size_t peer_unread(const struct peer *peer)
{
	size_t length = buffer_length(peer->in);

	return peer->tls ? length + peer->tls->decrypted + buffer_length(peer->tls->in)
			 : length;
}

void peer_forget(struct peer *peer)
{
	buffer_put(&peer->in);
	if (!peer->tls)
		return;
	buffer_put(&peer->tls->in);
	peer->tls->decrypted = 0;
}

size_t peer_wire_length(const struct peer *peer, size_t length)
{
	return length && peer->tls ? length + tls_overhead(length) : length;
}

size_t peer_unsent(const struct peer *peer)
{
	size_t length = peer_wire_length(peer, buffer_length(peer->out));

	return peer->tls ? length + buffer_length(peer->tls->out) : length;
}
