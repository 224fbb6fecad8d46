// SPDX-License-Identifier: BSD-2-Clause
/*
 * See addresses.h. These rules ask the kernel for the route to each address (RTM_GETROUTE,
 * rtnetlink(7)). The kernel decides by the rules that a connection would follow. So it
 * knows best which addresses are the node's own, and nothing has to be kept up to date
 * here.
 */

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "jobfence/address.h"
#include "lib/cleanup.h"
#include "proxy/addresses.h"

#define ANSWER_PATIENCE 1 /* second. The kernel answers before the call returns */

struct address_rules {
	const struct proxy_settings *settings;
	int netlink;
	unsigned sequence;
};

int address_rules_new(const struct proxy_settings *settings, struct address_rules **rules)
{
	const struct timeval patience = { .tv_sec = ANSWER_PATIENCE };
	_fd_ int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct address_rules *new;

	if (netlink < 0 ||
		setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return -errno;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->settings = settings;
	new->netlink = TAKE_FD(netlink);
	*rules = new;
	return 0;
}

struct route_request {
	struct nlmsghdr header;
	struct rtmsg route;
	struct rtattr attribute;
	unsigned char destination[16];
};

static int ask(struct address_rules *rules, const struct address *address)
{
	size_t skip = address_is_ipv4(address) ? 12 : 0, length = 16 - skip;
	struct route_request request = {
		.header.nlmsg_type = RTM_GETROUTE,
		.header.nlmsg_flags = NLM_F_REQUEST,
		.header.nlmsg_seq = ++rules->sequence,
		.route.rtm_family = skip ? AF_INET : AF_INET6,
		.route.rtm_dst_len = (unsigned char)(8 * length),
		.attribute.rta_type = RTA_DST,
		.attribute.rta_len = (unsigned short)RTA_LENGTH(length),
	};

	memcpy(request.destination, address->bytes + skip, length);
	request.header.nlmsg_len = (uint32_t)(sizeof(request) - skip);
	return send(rules->netlink, &request, request.header.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* Returns the type of the route, RTN_*, or -errno without a route or an answer. */
static int route_type(struct address_rules *rules, const struct address *address)
{
	union {
		struct nlmsghdr header;
		char bytes[2048];
	} answer;
	int error = ask(rules, address);
	ssize_t length;

	if (error)
		return error;
	do
		length = recv(rules->netlink, &answer, sizeof(answer), 0);
	while ((length < 0 && errno == EINTR) ||
		(length >= (ssize_t)sizeof(answer.header) &&
			answer.header.nlmsg_seq != rules->sequence));
	if (length < 0)
		return -errno;
	if (answer.header.nlmsg_type == NLMSG_ERROR &&
		length >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		return ((const struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
	if (answer.header.nlmsg_type != RTM_NEWROUTE ||
		length < (ssize_t)NLMSG_LENGTH(sizeof(struct rtmsg)))
		return -EPROTO;
	return ((const struct rtmsg *)NLMSG_DATA(&answer.header))->rtm_type;
}

/*
 * Whether a route leads to other nodes. Without a route the address can't be the node's
 * own. It passes here, and dialling it fails.
 */
static bool leads_out(struct address_rules *rules, const struct address *address)
{
	int type = route_type(rules, address);

	return type == RTN_UNICAST || type == -ENETUNREACH || type == -EHOSTUNREACH;
}

bool address_may_be_dialled(struct address_rules *rules, const struct address *address)
{
	const struct proxy_settings *settings = rules->settings;
	const struct address plain = address_behind_nat64(address, settings->nat64);

	for (uint32_t i = 0; i < settings->allowed_count && i < ALLOWED_RANGES_MAX; i++)
		if (address_in_range(address, &settings->allowed[i]))
			return true;
	/* A NAT64 translator may hand an address of the node back to it. */
	return address_class(&plain, NULL) == ADDRESS_PUBLIC && leads_out(rules, address) &&
	       (address_equal(&plain, address) || leads_out(rules, &plain));
}
