// SPDX-License-Identifier: BSD-2-Clause
/* See listen.h. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "job/listen.h"
#include "jobfence/throttle.h"
#include "lib/cleanup.h"
#include "names/address.h"

#define BACKLOG	   512
#define PORT_TRIES 16 /* attempts to find a port that is free for TCP and UDP */

/*
 * The connect hook redirects the ports 80, 443 and 53 to these ports. A listening
 * socket needs a port of the job's namespace. These two are tcpmux, historic since RFC
 * 7805, and compressnet.
 *
 * No server listens there, and the kernel chooses neither port. The bind hook turns a
 * wildcard on one of these ports into the loopback, so it does not collide with the
 * listeners.
 */
#define PORT_PROXY 1
#define PORT_STUB  2

static int bind_to(int type, struct endpoint *endpoint)
{
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_socket(endpoint, &address);
	_fd_ int fd = socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1, segment = THROTTLE_SEGMENT;

	if (fd < 0)
		return -errno;
	if (address.ss_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	/*
	 * IPv6 may have been switched off since. Docker 28 does so in the namespace of
	 * a container. IPV6_FREEBIND lets bind(2) succeed all the same, and no
	 * connection comes here.
	 */
	if (address.ss_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)))
		return -errno;
	/* Connections of an earlier job in TIME_WAIT must not prevent the bind. */
	if (type == SOCK_STREAM &&
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	if (type == SOCK_STREAM &&
		setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)))
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, length))
		return -errno;
	if (type == SOCK_STREAM && listen(fd, BACKLOG))
		return -errno;
	length = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &length))
		return -errno;
	return endpoint_from_socket((struct sockaddr *)&address, endpoint) ? -EAFNOSUPPORT
									   : TAKE_FD(fd);
}

/* Listens on the port of `endpoint`. If that port is in use, it takes a free one. */
static int open_proxy(struct endpoint *endpoint, int *proxy)
{
	*proxy = bind_to(SOCK_STREAM, endpoint);
	if (*proxy == -EADDRINUSE) {
		endpoint->port = 0;
		*proxy = bind_to(SOCK_STREAM, endpoint);
	}
	return *proxy < 0 ? *proxy : 0;
}

/* Opens both sockets of the stub, on the same port. */
static int open_dns(struct endpoint *endpoint, int *udp, int *tcp)
{
	int error = -EADDRINUSE;

	for (int i = 0; i < PORT_TRIES && error == -EADDRINUSE; i++) {
		_fd_ int datagrams = bind_to(SOCK_DGRAM, endpoint), stream = -1;

		error = datagrams < 0 ? datagrams : 0;
		if (!error) {
			stream = bind_to(SOCK_STREAM, endpoint);
			error = stream < 0 ? stream : 0;
		}
		if (!error) {
			*udp = TAKE_FD(datagrams);
			*tcp = TAKE_FD(stream);
		} else {
			endpoint->port = 0;
		}
	}
	return error;
}

static int open_family(const char *address, bool host, struct endpoint *proxy,
	int *proxy_fd, struct endpoint *dns, int *udp, int *tcp)
{
	int error = address_parse(address, strlen(address), &proxy->address);

	if (error)
		return error;
	*dns = *proxy;
	proxy->port = host ? 0 : htons(PORT_PROXY);
	dns->port = host ? 0 : htons(PORT_STUB);
	error = open_proxy(proxy, proxy_fd);
	return error ? error : open_dns(dns, udp, tcp);
}

int listeners_open(struct listeners *listeners, bool host, bool ipv6)
{
	struct listeners *l = listeners;
	int error;

	*l = (struct listeners){ -1, -1, -1, -1, -1, -1, {}, {}, {}, {} };
	error = open_family(host ? "127.0.0.1" : PROXY_ADDRESS4, host, &l->endpoint_proxy4,
		&l->proxy4, &l->endpoint_dns4, &l->dns_udp4, &l->dns_tcp4);
	if (error || !ipv6)
		return error;
	return open_family(host ? "::1" : PROXY_ADDRESS6, host, &l->endpoint_proxy6,
		&l->proxy6, &l->endpoint_dns6, &l->dns_udp6, &l->dns_tcp6);
}
