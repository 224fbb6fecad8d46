// SPDX-License-Identifier: BSD-2-Clause
/* See check_network.h. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "names/address.h"
#include "names/resolvers.h"
#include "node/check_network.h"

#define RESOLV_CONF   "/etc/resolv.conf"
#define FILE_SIZE_MAX (64 << 10)
#define PATIENCE      2 /* seconds */
#define ASK_AGAIN     "edit " RESOLV_CONF ": nameserver ADDRESS"

/* A question for NS of the root (RFC 1035 section 4), recursion desired. */
static const unsigned char question[] = { 'j', 'f', 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2,
	0, 1 };

/* Asks one resolver. Returns a connected socket, or -errno. */
static int ask(const struct endpoint *resolver)
{
	const struct in6_addr *to = (const struct in6_addr *)resolver->address.bytes;
	struct sockaddr_in6 address6 = {
		.sin6_family = AF_INET6, .sin6_port = resolver->port, .sin6_addr = *to
	};
	struct sockaddr_in address4 = { .sin_family = AF_INET,
		.sin_port = resolver->port,
		.sin_addr.s_addr = to->s6_addr32[3] };
	const bool is4 = IN6_IS_ADDR_V4MAPPED(to);
	_fd_ int fd = socket(
		is4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd,
			      is4 ? (const struct sockaddr *)&address4
				  : (const struct sockaddr *)&address6,
			      is4 ? sizeof(address4) : sizeof(address6)))
		return -errno;
	return send(fd, question, sizeof(question), 0) < 0 ? -errno : TAKE_FD(fd);
}

struct asked {
	struct pollfd polls[RESOLVERS_MAX];
	bool answered[RESOLVERS_MAX];
	int errors[RESOLVERS_MAX]; /* 0 or -errno */
	size_t waiting;
};

static void take_answer(struct asked *asked, size_t i)
{
	unsigned char answer[512];
	ssize_t length = recv(asked->polls[i].fd, answer, sizeof(answer), 0);

	if (length < 0 && errno == EAGAIN)
		return;
	asked->errors[i] = length < 0 ? -errno : 0;
	asked->answered[i] = length >= 12 && answer[0] == 'j' && answer[1] == 'f';
	close(asked->polls[i].fd);
	asked->polls[i].fd = -1;
	asked->waiting--;
}

static void wait_for_answers(struct asked *asked, size_t count)
{
	time_t end = time(NULL) + PATIENCE;

	while (asked->waiting && time(NULL) <= end &&
		poll(asked->polls, count, PATIENCE * 1000) > 0)
		for (size_t i = 0; i < count; i++)
			if (asked->polls[i].fd >= 0 && asked->polls[i].revents)
				take_answer(asked, i);
	for (size_t i = 0; i < count; i++)
		if (asked->polls[i].fd >= 0)
			close(asked->polls[i].fd);
}

static void note_resolver(struct findings *findings, const struct endpoint *resolver,
	bool answered, int error, bool any)
{
	char text[ADDRESS_TEXT_MAX];

	address_format(&resolver->address, text);
	if (answered)
		findings_add(findings, FINDING_OK, "resolver", NULL, NULL,
			"the resolver %s answers", text);
	else
		findings_add(findings, any ? FINDING_NOTE : FINDING_LACKS, "resolver",
			any ? "another one is asked in its place"
			    : "the proxy finds no site without one",
			!strncmp(text, "127.", 4)
				? "systemctl restart systemd-resolved, or the stub that serves it"
				: ASK_AGAIN,
			"the resolver %s does not answer%s%s", text, error ? ": " : "",
			error ? strerror(-error) : "");
}

static void ask_all(
	struct findings *findings, const struct endpoint *resolvers, size_t count)
{
	struct asked asked = {};
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		int fd = ask(&resolvers[i]);

		asked.polls[i] =
			(struct pollfd){ .fd = fd < 0 ? -1 : fd, .events = POLLIN };
		asked.errors[i] = fd < 0 ? fd : 0;
		asked.waiting += fd >= 0;
	}
	wait_for_answers(&asked, count);
	for (size_t i = 0; i < count; i++)
		any |= asked.answered[i];
	for (size_t i = 0; i < count; i++)
		note_resolver(
			findings, &resolvers[i], asked.answered[i], asked.errors[i], any);
}

/* The proxy can't use a resolver whose address has a zone, such as fe80::1%eth0. */
static void check_zones(struct findings *findings)
{
	_free_ char *text = file_text(RESOLV_CONF, FILE_SIZE_MAX);
	char *rest = NULL;

	if (!text)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line;
		line = strtok_r(NULL, "\n", &rest)) {
		char address[64] = "";

		if (sscanf(line, " nameserver %63s", address) == 1 && strchr(address, '%'))
			findings_add(findings, FINDING_NOTE, "resolver-zone",
				"the proxy passes over it", ASK_AGAIN ", a global one",
				"the resolver %s is link-local and has a zone", address);
	}
}

static void check_resolvers(struct findings *findings)
{
	struct endpoint resolvers[RESOLVERS_MAX];
	struct failure failure = {};
	int count = resolvers_read(resolvers, &failure);

	check_zones(findings);
	if (count < 0) {
		findings_add(findings, FINDING_LACKS, "resolver",
			"the proxy finds no site without one", ASK_AGAIN, "%s",
			failure.text);
		return;
	}
	if (!count)
		findings_add(findings, FINDING_NOTE, "resolv-conf",
			"so the proxy asks 127.0.0.1", ASK_AGAIN,
			RESOLV_CONF " is missing or names no resolver");
	ask_all(findings, resolvers, count ? (size_t)count : 1);
}

static void check_clock(struct findings *findings)
{
	struct timex clock = {};
	struct stat self = {};
	int state = adjtimex(&clock);

	if (!stat("/proc/self/exe", &self) && time(NULL) < self.st_mtime)
		findings_add(findings, FINDING_NOTE, "clock",
			"certificates of sites seem to begin in the future",
			"timedatectl set-ntp true",
			"the clock is behind the date of this program");
	else if (state < 0 || state == TIME_ERROR || clock.status & STA_UNSYNC)
		findings_add(findings, FINDING_NOTE, "clock",
			"a wrong clock makes certificates and signed specs look invalid",
			"timedatectl set-ntp true", "nothing keeps the clock right (NTP)");
	else
		findings_add(findings, FINDING_OK, "clock", NULL, NULL,
			"the clock is kept right");
}

void check_network(struct findings *findings)
{
	check_resolvers(findings);
	check_clock(findings);
}
