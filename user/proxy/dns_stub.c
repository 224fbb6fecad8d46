// SPDX-License-Identifier: BSD-2-Clause
/*
 * The stub has two sockets for each family. A datagram is answered as it comes. A stream
 * carries several messages, each with its length before it (RFC 7766 section 8). A client
 * that takes answers slower than it asks is cut off.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "names/address.h"
#include "proxy/acceptor.h"
#include "proxy/dns_message.h"
#include "proxy/dns_stub.h"
#include "proxy/report.h"

#define QUERY_MAX	1024 /* bytes. An honest query has no more than 300 */
#define LENGTH_PREFIX	2
#define STREAMS_MAX	32
#define STREAM_PATIENCE (10 * SECOND)
#define DATAGRAMS_BATCH 16
#define ADDRESS_DIGITS	32
/* bytes of a list that the kernel gives at once, as whole lines */
#define ADDRESSES_SIZE	4096
#define ADDRESSES_READS 16

struct datagrams {
	struct source source;
	struct dns_stub *stub;
};

struct stub_listener {
	struct acceptor acceptor;
	struct dns_stub *stub;
};

struct stream {
	struct source source;
	struct timer timer;
	struct deferred release;
	struct dns_stub *stub;
	size_t length;
	unsigned char bytes[LENGTH_PREFIX + QUERY_MAX];
};

struct dns_stub {
	struct loop *loop;
	struct rules *rules;
	const struct proxy_settings *settings;
	struct request_log *log; /* NULL: none */
	struct datagrams datagrams4, datagrams6;
	struct stub_listener listener4, listener6;
	size_t stream_count;
	/* Where it listens, as the kernel lists it. Empty: nowhere. */
	char address6[ADDRESS_DIGITS + 1];
};

/*
 * Whether the namespace has the IPv6 address of the stub now. Container engines may switch
 * IPv6 off after the fence was attached. A client that tries only one address must not get
 * one that it can't reach.
 */
static bool has_ipv6(const struct dns_stub *stub)
{
	char list[ADDRESSES_SIZE + 1];
	off_t offset = 0;

	for (int i = 0; stub->address6[0] && i < ADDRESSES_READS; i++) {
		ssize_t length = pread(FD_IPV6, list, ADDRESSES_SIZE, offset);

		if (length <= 0)
			return false;
		list[length] = '\0';
		if (strstr(list, stub->address6))
			return true;
		offset += length;
	}
	return false;
}

static const struct address *address_for(
	const struct dns_stub *stub, const struct dns_query *query)
{
	static const struct address loopback4 = {
		.bytes = { [10] = 0xff, 0xff, 127, 0, 0, 1 }
	};
	static const struct address loopback6 = { .bytes = { [15] = 1 } };
	bool local = host_is_below(&query->host, "localhost"); /* RFC 6761 section 6.3 */
	const struct endpoint *virtual = query->type == DNS_TYPE_A
						 ? &stub->settings->virtual4
						 : &stub->settings->virtual6;

	if (query->type != DNS_TYPE_A && query->type != DNS_TYPE_AAAA)
		return NULL;
	if (query->type == DNS_TYPE_AAAA && !has_ipv6(stub))
		return NULL;
	if (local)
		return query->type == DNS_TYPE_A ? &loopback4 : &loopback6;
	return virtual->port ? &virtual->address : NULL;
}

/*
 * Whether the job loses nothing if a question is refused. There are two kinds:
 *
 *	reverse names  the stub has none
 *	service names  (RFC 2782) of a host that the job may use. Programs ask for them
 *		       before they ask for the host.
 */
static bool is_idle_question(const struct dns_stub *stub, const struct host *host)
{
	const char *name = host_without_service(host);
	struct host base;

	if (host_is_below(host, "arpa"))
		return true;
	return name != host->name &&
	       !host_parse(name, strlen(name), HOST_NO_BRACKETS, &base) &&
	       !rules_check(stub->rules, &base);
}

static void explain(const struct dns_stub *stub, const struct dns_query *query,
	enum reason reason, char explanation[DNS_EXPLAIN_MAX + 1])
{
	const char *name = query->host.name, *job = stub->settings->job;
	size_t size = DNS_EXPLAIN_MAX + 1;

	if (reason == REASON_DENIED)
		snprintf(explanation, size, "%s is denied to job %s", name, job);
	else if (!query->is_host)
		snprintf(explanation, size, "not a host name");
	else if (host_may_be_site(&query->host))
		snprintf(explanation, size,
			"job %s did not declare %s; --domain %s would allow it", job, name,
			name);
	else
		snprintf(explanation, size, "job %s did not declare %s", job, name);
}

/* The name may have any byte, NUL as well. */
static void log_refusal(const struct dns_stub *stub, const struct dns_query *query,
	enum reason reason, size_t asked, size_t answered)
{
	const struct log_line line = { .began = loop_now(stub->loop),
		.kind = LOG_DNS,
		.host = { query->text, query->text_length },
		.by = LOG_BY_FENCE,
		.reason = reason,
		.sent = asked,
		.received = answered };

	if (stub->log)
		request_log_add(stub->log, &line);
}

static void record(
	const struct dns_stub *stub, enum reason reason, const struct dns_query *query)
{
	rules_record_refusal(stub->rules, reason, query->text, query->text_length);
	report_refusal(HOOK_DNS, reason, query->text, query->text_length, 0, 0, NULL);
}

static size_t answer(struct dns_stub *stub, const unsigned char *bytes, size_t length,
	unsigned char *out, size_t size)
{
	char explanation[DNS_EXPLAIN_MAX + 1];
	struct dns_answer answer = { .code = DNS_NO_ERROR };
	enum reason reason = REASON_DOMAIN;
	struct dns_query query;
	bool told = false;
	size_t answered;
	int result = dns_query_parse(bytes, length, &query);

	if (result < 0)
		return 0;
	if (result == 0 && query.is_host)
		reason = host_is_below(&query.host, "localhost")
				 ? 0
				 : rules_check(stub->rules, &query.host);
	if (result > 0) {
		answer.code = (enum dns_code)result;
	} else if (!reason) {
		answer.address = address_for(stub, &query);
	} else {
		answer.code = DNS_NAME_ERROR;
		told = reason != REASON_DOMAIN || !query.is_host ||
		       !is_idle_question(stub, &query.host);
		if (told)
			record(stub, reason, &query);
		explain(stub, &query, reason, explanation);
		answer.explanation = explanation;
	}
	answered = dns_answer_write(&query, &answer, out, size ? size : query.udp_size);
	if (told)
		log_refusal(stub, &query, reason, length, answered);
	return answered;
}

static void datagram_ready(struct source *source, uint32_t events)
{
	struct dns_stub *stub = container_of(source, struct datagrams, source)->stub;

	(void)events;
	for (int i = 0; i < DATAGRAMS_BATCH; i++) {
		unsigned char query[QUERY_MAX], out[DNS_MESSAGE_MAX];
		struct sockaddr_storage from;
		socklen_t from_length = sizeof(from);
		ssize_t length = recvfrom(source->fd, query, sizeof(query), 0,
			(struct sockaddr *)&from, &from_length);
		size_t answered;

		if (length < 0)
			return;
		answered = answer(stub, query, (size_t)length, out, 0);
		/* A full queue loses answers, as a network does. The client asks again. */
		if (answered)
			sendto(source->fd, out, answered, 0, (struct sockaddr *)&from,
				from_length);
	}
}

static void stream_release(struct deferred *deferred)
{
	free(container_of(deferred, struct stream, release));
}

static void stream_close(struct stream *stream)
{
	struct dns_stub *stub = stream->stub;

	stub->stream_count--;
	loop_cancel_timer(stub->loop, &stream->timer);
	loop_remove(stub->loop, &stream->source);
	close(stream->source.fd);
	loop_defer(stub->loop, &stream->release);
}

static void stream_expired(struct timer *timer)
{
	stream_close(container_of(timer, struct stream, timer));
}

/*
 * Answers the first whole message. Returns whether there was one, or -1 to cut the
 * connection.
 */
static int stream_answer_one(struct stream *stream)
{
	unsigned char out[LENGTH_PREFIX + DNS_MESSAGE_MAX];
	size_t length, answered;

	if (stream->length < LENGTH_PREFIX)
		return 0;
	length = (size_t)(stream->bytes[0] << 8 | stream->bytes[1]);
	if (length > QUERY_MAX)
		return -1;
	if (stream->length < LENGTH_PREFIX + length)
		return 0;
	answered = answer(stream->stub, stream->bytes + LENGTH_PREFIX, length,
		out + LENGTH_PREFIX, DNS_MESSAGE_MAX);
	stream->length -= LENGTH_PREFIX + length;
	memmove(stream->bytes, stream->bytes + LENGTH_PREFIX + length, stream->length);
	if (!answered)
		return -1;
	out[0] = (unsigned char)(answered >> 8);
	out[1] = (unsigned char)answered;
	answered += LENGTH_PREFIX;
	return send(stream->source.fd, out, answered, MSG_NOSIGNAL) == (ssize_t)answered
		       ? 1
		       : -1;
}

static void stream_ready(struct source *source, uint32_t events)
{
	struct stream *stream = container_of(source, struct stream, source);
	ssize_t length = recv(source->fd, stream->bytes + stream->length,
		sizeof(stream->bytes) - stream->length, 0);
	int result;

	(void)events;
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0) {
		stream_close(stream);
		return;
	}
	stream->length += (size_t)length;
	while ((result = stream_answer_one(stream)) > 0)
		loop_set_timer(stream->stub->loop, &stream->timer, STREAM_PATIENCE);
	if (result < 0)
		stream_close(stream);
}

/*
 * A stream that did not come through the fence gets the same answers. They hold only what
 * the job itself may know. Only the job and the node's own processes can reach the socket.
 */
static void stream_accepted(
	struct acceptor *acceptor, int accepted, const struct sockaddr *client)
{
	struct dns_stub *stub =
		container_of(acceptor, struct stub_listener, acceptor)->stub;
	_fd_ int fd = accepted;
	struct stream *stream;

	(void)client;
	if (stub->stream_count >= STREAMS_MAX)
		return;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return;
	stream->source = (struct source){ .ready = stream_ready, .fd = fd };
	stream->timer.expired = stream_expired;
	stream->release.run = stream_release;
	stream->stub = stub;
	if (loop_add(stub->loop, &stream->source, EPOLLIN)) {
		free(stream);
		return;
	}
	TAKE_FD(fd);
	loop_set_timer(stub->loop, &stream->timer, STREAM_PATIENCE);
	stub->stream_count++;
}

static int serve_datagrams(struct dns_stub *stub, struct datagrams *datagrams, int fd)
{
	if (!proxy_fd_given(fd))
		return 0;
	datagrams->stub = stub;
	datagrams->source = (struct source){ .ready = datagram_ready, .fd = fd };
	return loop_add(stub->loop, &datagrams->source, EPOLLIN);
}

/* Writes the IPv6 address of a socket as /proc/net/if_inet6 has it. */
static int note_address6(struct dns_stub *stub, int fd)
{
	struct sockaddr_in6 address = {};
	socklen_t length = sizeof(address);

	if (!proxy_fd_given(fd))
		return 0;
	if (getsockname(fd, (struct sockaddr *)&address, &length))
		return -errno;
	for (size_t i = 0; i < sizeof(address.sin6_addr); i++)
		snprintf(stub->address6 + 2 * i, 3, "%02x", address.sin6_addr.s6_addr[i]);
	return 0;
}

static int serve_streams(struct dns_stub *stub, struct stub_listener *listener, int fd)
{
	if (!proxy_fd_given(fd))
		return 0;
	listener->stub = stub;
	listener->acceptor.accepted = stream_accepted;
	return acceptor_start(&listener->acceptor, stub->loop, fd);
}

int dns_stub_start(struct loop *loop, const struct proxy_settings *settings,
	struct rules *rules, struct request_log *log)
{
	_free_ struct dns_stub *stub = calloc(1, sizeof(*stub));
	int error;

	if (!stub)
		return -ENOMEM;
	stub->loop = loop;
	stub->rules = rules;
	stub->settings = settings;
	stub->log = log;
	error = note_address6(stub, FD_DNS_UDP6);
	if (!error)
		error = serve_datagrams(stub, &stub->datagrams4, FD_DNS_UDP4);
	if (!error)
		error = serve_datagrams(stub, &stub->datagrams6, FD_DNS_UDP6);
	if (!error)
		error = serve_streams(stub, &stub->listener4, FD_DNS_TCP4);
	if (!error)
		error = serve_streams(stub, &stub->listener6, FD_DNS_TCP6);
	if (!error)
		TAKE_POINTER(stub);
	return error;
}
