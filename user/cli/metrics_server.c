// SPDX-License-Identifier: BSD-2-Clause
/*
 * See metrics_server.h. libmicrohttpd is loaded only here. It brings a library of TLS
 * along, and every other command would start slower for it.
 */

#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "cli/metrics_sandbox.h"
#include "cli/metrics_server.h"
#include "cli/metrics_text.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/library.h"
#include "names/address.h"

#define LIBRARY	    "libmicrohttpd.so.12"
#define FIRST_GIVEN 3 /* SD_LISTEN_FDS_START */
#define CONNECTIONS 16
#define OF_ADDRESS  8	  /* of them, so that one host leaves some to others */
#define PATIENCE    10	  /* seconds in which a client has to send or take a byte */
#define WHOLE_TIME  10000 /* ms of a connection, as long as Prometheus waits by default */
#define TEXT	    "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS "application/openmetrics-text"

/* The functions of the library that are used. */
static struct {
	__typeof__(MHD_start_daemon) *start_daemon;
	__typeof__(MHD_run_wait) *run_wait;
	__typeof__(MHD_lookup_connection_value) *lookup_connection_value;
	__typeof__(MHD_create_response_from_buffer) *create_response;
	__typeof__(MHD_add_response_header) *add_response_header;
	__typeof__(MHD_queue_response) *queue_response;
	__typeof__(MHD_destroy_response) *destroy_response;
	__typeof__(MHD_get_connection_info) *get_connection_info;
} http;

/* The connections. `end` is 0 where there is none. */
static struct client {
	int fd;
	int64_t end; /* ms of CLOCK_MONOTONIC */
} clients[CONNECTIONS];

static int load_library(struct failure *failure)
{
	const struct library_function functions[] = {
		{ "MHD_start_daemon", (void **)&http.start_daemon },
		{ "MHD_run_wait", (void **)&http.run_wait },
		{ "MHD_lookup_connection_value", (void **)&http.lookup_connection_value },
		{ "MHD_create_response_from_buffer", (void **)&http.create_response },
		{ "MHD_add_response_header", (void **)&http.add_response_header },
		{ "MHD_queue_response", (void **)&http.queue_response },
		{ "MHD_destroy_response", (void **)&http.destroy_response },
		{ "MHD_get_connection_info", (void **)&http.get_connection_info },
	};

	return library_load(LIBRARY, "--listen", functions, ARRAY_SIZE(functions), failure);
}

int metrics_inherited_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	if (!pid || !count || strtol(pid, NULL, 10) != getpid() ||
		strtol(count, NULL, 10) < 1)
		return -1;
	return FIRST_GIVEN;
}

/* Removes a Unix socket on which nobody listens. */
static void remove_stale(const struct sockaddr_un *address)
{
	/* A listener whose backlog is full is no stale one, and would have us wait. */
	_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat status;

	if (fd >= 0 && !lstat(address->sun_path, &status) && S_ISSOCK(status.st_mode) &&
		connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
		errno == ECONNREFUSED)
		unlink(address->sun_path);
}

static bool parse_where(
	const char *where, struct sockaddr_storage *address, socklen_t *length)
{
	const char *colon = strrchr(where, ':');
	struct endpoint endpoint = {};
	struct sockaddr_un *local = (struct sockaddr_un *)address;
	size_t size = colon ? (size_t)(colon - where) : 0;
	long port = colon ? strtol(colon + 1, NULL, 10) : 0;

	if (!strncmp(where, "unix:", 5)) {
		local->sun_family = AF_UNIX;
		*length = sizeof(*local);
		return where[5] && snprintf(local->sun_path, sizeof(local->sun_path), "%s",
					   where + 5) < (int)sizeof(local->sun_path);
	}
	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
		port < 1 || port > UINT16_MAX)
		return false;
	if (where[0] == '[' && colon[-1] == ']') {
		where++;
		size -= 2;
	}
	if (address_parse(where, size, &endpoint.address))
		return false;
	endpoint.port = htons((uint16_t)port);
	*length = endpoint_to_socket(&endpoint, address);
	return true;
}

int metrics_listen(const char *where, struct failure *failure)
{
	struct sockaddr_storage address = {};
	const int on = 1;
	socklen_t length;
	_fd_ int fd = -1;

	if (!parse_where(where, &address, &length))
		return fail_as(failure, STATUS_USAGE,
			"--listen needs ADDRESS:PORT, as 127.0.0.1:9469 or [::1]:9469, or unix:PATH");
	if (address.ss_family == AF_UNIX)
		remove_stale((struct sockaddr_un *)&address);
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		bind(fd, (struct sockaddr *)&address, length) || listen(fd, CONNECTIONS))
		return fail(failure, -errno, "cannot listen on %s", where);
	return TAKE_FD(fd);
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
	const char *type, char *text, size_t length, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = http.create_response(length, text, mode);
	enum MHD_Result result;

	if (!response) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(text);
		return MHD_NO;
	}
	http.add_response_header(response, "Content-Type", type);
	/* So the bound on the time of a connection ends no later request. */
	http.add_response_header(response, "Connection", "close");
	result = http.queue_response(connection, status, response);
	http.destroy_response(response);
	return result;
}

static enum MHD_Result answer_briefly(
	struct MHD_Connection *connection, unsigned status, const char *text)
{
	return answer(connection, status, TEXT, (char *)text, strlen(text),
		MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result answer_metrics(struct MHD_Connection *connection)
{
	const char *accepted =
		http.lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	bool openmetrics = accepted && strstr(accepted, OPENMETRICS);
	struct failure failure = {};
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);
	int error = out ? metrics_write(out, openmetrics, &failure) : -ENOMEM;

	if (out && fclose(out) && !error)
		error = -ENOMEM;
	if (!error)
		return answer(connection, MHD_HTTP_OK,
			openmetrics ? OPENMETRICS "; version=1.0.0; charset=utf-8" : TEXT,
			text, length, MHD_RESPMEM_MUST_FREE);
	free(text);
	/* The reason may name paths of the node, so it is for the operator. */
	fprintf(stderr, "jobfence: %s\n", failure.text);
	return answer_briefly(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
		"the counters can't be read; see what jobfence metrics prints\n");
}

static enum MHD_Result handle(void *data, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *upload,
	size_t *upload_size, void **state)
{
	(void)data;
	(void)version;
	(void)upload;
	(void)state;
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return *upload_size ? MHD_NO
				    : answer_briefly(connection,
					      MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
	if (strcmp(url, "/metrics"))
		return answer_briefly(
			connection, MHD_HTTP_NOT_FOUND, "the metrics are at /metrics\n");
	return answer_metrics(connection);
}

static void note_connection(void *data, struct MHD_Connection *connection, void **of_socket,
	enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;

	(void)data;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED && *of_socket)
		*(struct client *)*of_socket = (struct client){};
	if (what != MHD_CONNECTION_NOTIFY_STARTED)
		return;
	info = http.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	for (size_t i = 0; info && i < CONNECTIONS; i++)
		if (!clients[i].end) {
			clients[i] = (struct client){ .fd = info->connect_fd,
				.end = clock_ms(CLOCK_MONOTONIC) + WHOLE_TIME };
			*of_socket = &clients[i];
			return;
		}
}

/*
 * Ends connections whose time is up. The library only bounds the time without a byte, and
 * sees the end. Returns how many ms the next has left at most, or -1: there is none.
 */
static int end_late(void)
{
	const int64_t now = clock_ms(CLOCK_MONOTONIC);
	int64_t left = -1;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct client *client = &clients[i];

		if (client->end && client->end <= now) {
			shutdown(client->fd, SHUT_RDWR);
			client->end = INT64_MAX;
		}
		if (client->end && client->end != INT64_MAX &&
			(left < 0 || client->end - now < left))
			left = client->end - now;
	}
	return (int)left;
}

/*
 * How many connections one address may have. The library closes others, and has those wait
 * that are beyond CONNECTIONS. On the loopback all programs of the node have one address.
 */
static unsigned connections_of_address(int listener)
{
	struct sockaddr_storage address = {};
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&address;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&address;
	socklen_t length = sizeof(address);

	if (getsockname(listener, (struct sockaddr *)&address, &length))
		return OF_ADDRESS;
	if ((address.ss_family == AF_INET &&
		    ntohl(ipv4->sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET) ||
		(address.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&ipv6->sin6_addr)))
		return CONNECTIONS;
	return OF_ADDRESS;
}

int metrics_serve(int listener, struct failure *failure)
{
	struct MHD_Daemon *daemon;
	int error = load_library(failure);

	if (error)
		return error;
	error = metrics_drop_rights();
	if (error)
		return fail(failure, error, "cannot drop rights");
	signal(SIGPIPE, SIG_IGN);
	daemon = http.start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, NULL,
		MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		connections_of_address(listener), MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)PATIENCE, MHD_OPTION_NOTIFY_CONNECTION, note_connection, NULL,
		MHD_OPTION_END);
	if (!daemon)
		return fail(failure, -EIO, "cannot serve HTTP on that socket");
	error = metrics_close_sandbox();
	if (error < 0)
		return fail(failure, error, "cannot close the sandbox of the server");
	if (error == METRICS_ALL_FILES)
		fputs("jobfence: the kernel has no Landlock, so the server may read all files\n",
			stderr);
	while (http.run_wait(daemon, end_late()) == MHD_YES)
		;
	return fail(failure, -EIO, "the server ended");
}
