// SPDX-License-Identifier: BSD-2-Clause
/* Sets up `lo` of a job's namespace by rtnetlink(7): one request, one acknowledgement. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <string.h>

#include "jobfence/abi.h"
#include "jobfence/throttle.h"
#include "lib/cleanup.h"
#include "node/netns.h"

#define LOOPBACK_INDEX 1     /* `lo` is the first interface of every namespace */
#define SEGMENTS_MAX   65535 /* the initial value of `lo` (GSO_MAX_SEGS) */
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

/*
 * Sends a request and waits for its answer. Passes the answer to `read`, if that is
 * given. Returns 0 or the kernel's negative errno.
 */
static int request_run(
	struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t read, void *data)
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
		       mnl_socket_get_portid(socket), read, data) < 0
		       ? -errno
		       : 0;
}

static int set_up(struct mnl_socket *socket, uint64_t rate)
{
	uint64_t segments = rate / THROTTLE_BURSTS / THROTTLE_MTU;
	char buffer[REQUEST_SIZE] = {};
	struct nlmsghdr *request = request_begin(buffer, RTM_NEWLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));

	if (!rate || segments > SEGMENTS_MAX)
		segments = SEGMENTS_MAX;
	link->ifi_index = LOOPBACK_INDEX;
	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	mnl_attr_put_u32(request, IFLA_MTU, THROTTLE_MTU);
	mnl_attr_put_u32(request, IFLA_GSO_MAX_SEGS, segments ? (uint32_t)segments : 1);
	return request_run(socket, request, NULL, NULL);
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
	/*
	 * No other node is on a loopback, so skip duplicate address detection. Otherwise
	 * nobody could bind the address at once.
	 */
	address->ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0;
	mnl_attr_put(request, IFA_LOCAL, length, bytes);
	mnl_attr_put(request, IFA_ADDRESS, length, bytes);
	error = request_run(socket, request, NULL, NULL);
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
	return request_run(socket, request, NULL, NULL);
}

static int note_kind(const struct nlattr *attribute, void *data)
{
	bool *is_fq = data;

	if (mnl_attr_get_type(attribute) == TCA_KIND &&
		!mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING))
		*is_fq = !strcmp(mnl_attr_get_str(attribute), "fq");
	return MNL_CB_OK;
}

static int read_discipline(const struct nlmsghdr *answer, void *data)
{
	return mnl_attr_parse(answer, sizeof(struct tcmsg), note_kind, data);
}

static struct mnl_socket *open_socket(void)
{
	_cleanup_(cleanup_socket) struct mnl_socket *socket =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	return socket && !mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID)
		       ? TAKE_POINTER(socket)
		       : NULL;
}

bool loopback_has_fq(void)
{
	_cleanup_(cleanup_socket) struct mnl_socket *socket = open_socket();
	char buffer[REQUEST_SIZE] = {};
	/*
	 * Linux 6.1 reports it only to listeners for changes, and to a sender that sets
	 * this flag.
	 */
	struct nlmsghdr *request = request_begin(buffer, RTM_GETQDISC, NLM_F_ECHO);
	struct tcmsg *discipline = mnl_nlmsg_put_extra_header(request, sizeof(*discipline));
	bool is_fq = false;

	discipline->tcm_ifindex = LOOPBACK_INDEX;
	discipline->tcm_parent = TC_H_ROOT;
	return socket && !request_run(socket, request, read_discipline, &is_fq) && is_fq;
}

static int prepare(uint64_t rate, bool want_fq, struct netns_features *features,
	struct failure *failure)
{
	_cleanup_(cleanup_socket) struct mnl_socket *socket = open_socket();
	int error;

	if (!socket)
		return fail(failure, -errno, "cannot open a netlink socket");
	error = set_up(socket, rate);
	if (error)
		return fail(failure, error, "cannot bring `lo` up");
	error = add_address(socket, AF_INET, PROXY_ADDRESS4);
	if (error)
		return fail(failure, error, "cannot add %s to `lo`", PROXY_ADDRESS4);
	features->ipv6 = !add_address(socket, AF_INET6, PROXY_ADDRESS6);
	features->fq = want_fq && !add_fq(socket);
	return 0;
}

int netns_prepare(int netns, uint64_t rate, bool want_fq, struct netns_features *features,
	struct failure *failure)
{
	_cleanup_(netns_leave) struct netns_visit visit = { -1 };
	int error = netns_enter(netns, &visit);

	if (error)
		return fail(failure, error, "cannot enter the network namespace");
	return prepare(rate, want_fq, features, failure);
}

int netns_set_rate(int netns, uint64_t rate)
{
	_cleanup_(netns_leave) struct netns_visit visit = { -1 };
	_cleanup_(cleanup_socket) struct mnl_socket *socket = NULL;
	int error = netns_enter(netns, &visit);

	if (error)
		return error;
	socket = open_socket();
	return socket ? set_up(socket, rate) : -errno;
}
