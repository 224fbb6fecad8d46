// SPDX-License-Identifier: BSD-2-Clause
/* `lo` of a job's namespace, by rtnetlink(7): one request, one acknowledgement. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <string.h>

#include "core/netns.h"
#include "jobfence/fence.h"
#include "lib/cleanup.h"

#define LOOPBACK_INDEX 1 /* `lo` is the first interface of every namespace */
#define LOOPBACK_MTU   1500
#define REQUEST_SIZE   512

static void cleanup_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

static struct nlmsghdr *request_begin(void *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return request;
}

/* Sends a request and waits for its answer. Returns 0 or the kernel's negative errno. */
static int request_run(struct mnl_socket *socket, struct nlmsghdr *request)
{
	static unsigned sequence;
	char answer[4096];
	ssize_t length;

	request->nlmsg_seq = ++sequence;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	length = mnl_socket_recvfrom(socket, answer, sizeof(answer));
	if (length < 0)
		return -errno;
	return mnl_cb_run(answer, (size_t)length, request->nlmsg_seq,
		       mnl_socket_get_portid(socket), NULL, NULL) < 0
		       ? -errno
		       : 0;
}

static int set_up(struct mnl_socket *socket)
{
	char buffer[REQUEST_SIZE] = {};
	struct nlmsghdr *request = request_begin(buffer, RTM_NEWLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));

	link->ifi_index = LOOPBACK_INDEX;
	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	mnl_attr_put_u32(request, IFLA_MTU, LOOPBACK_MTU);
	return request_run(socket, request);
}

static int add_address(struct mnl_socket *socket, int family, const char *text)
{
	char buffer[REQUEST_SIZE] = {};
	struct nlmsghdr *request =
		request_begin(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *address = mnl_nlmsg_put_extra_header(request, sizeof(*address));
	size_t length = family == AF_INET ? 4 : 16;
	unsigned char bytes[16];
	int error;

	if (inet_pton(family, text, bytes) != 1)
		return -EINVAL;
	address->ifa_family = (unsigned char)family;
	address->ifa_prefixlen = (unsigned char)(8 * length);
	address->ifa_index = LOOPBACK_INDEX;
	address->ifa_scope = RT_SCOPE_HOST;
	/* Nobody else is on a loopback: without this the address can't be bound at once. */
	address->ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0;
	mnl_attr_put(request, IFA_LOCAL, length, bytes);
	mnl_attr_put(request, IFA_ADDRESS, length, bytes);
	error = request_run(socket, request);
	return error == -EEXIST ? 0 : error;
}

static int add_fq(struct mnl_socket *socket)
{
	char buffer[REQUEST_SIZE] = {};
	struct nlmsghdr *request =
		request_begin(buffer, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE);
	struct tcmsg *discipline = mnl_nlmsg_put_extra_header(request, sizeof(*discipline));

	discipline->tcm_family = AF_UNSPEC;
	discipline->tcm_ifindex = LOOPBACK_INDEX;
	discipline->tcm_parent = TC_H_ROOT;
	mnl_attr_put_strz(request, TCA_KIND, "fq");
	return request_run(socket, request);
}

static int prepare(bool want_fq, struct netns_features *features, struct failure *failure)
{
	_cleanup_(cleanup_socket) struct mnl_socket *socket =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int error;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return fail(failure, -errno, "cannot open a netlink socket");
	error = set_up(socket);
	if (error)
		return fail(failure, error, "cannot bring `lo` up");
	error = add_address(socket, AF_INET, PROXY_ADDRESS4);
	if (error)
		return fail(failure, error, "cannot add %s to `lo`", PROXY_ADDRESS4);
	features->ipv6 = !add_address(socket, AF_INET6, PROXY_ADDRESS6);
	features->fq = want_fq && !add_fq(socket);
	return 0;
}

int netns_prepare(
	int netns, bool want_fq, struct netns_features *features, struct failure *failure)
{
	_cleanup_(netns_leave) struct netns_visit visit = { -1 };
	int error = netns_enter(netns, &visit);

	if (error)
		return fail(failure, error, "cannot enter the network namespace");
	return prepare(want_fq, features, failure);
}
