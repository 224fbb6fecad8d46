// SPDX-License-Identifier: BSD-2-Clause
/* The table at the head of decide.bpf.h, row by row. */

#include "bpf_mock.h"

#include "../../bpf/decide.bpf.h"

#define IPV4(a, b, c, d) \
	{ \
		.bytes = { [10] = 0xff, 0xff, a, b, c, d } \
	}
#define SITE4	  IPV4(93, 184, 216, 34)
#define LOOPBACK4 IPV4(127, 0, 0, 1)
#define VIRTUAL4  IPV4(192, 0, 0, 8)

static const struct address site6 = { .bytes = { 0x26, 0x06, [15] = 1 } };
static const struct address virtual6 = { .bytes = { 1, [7] = 1, [15] = 8 } };

static struct job_state job_of(__u32 network, __u32 flags)
{
	struct job_state state = { .id = 7, .network = network, .flags = flags };

	mock_reset();
	state.proxy4.port = state.proxy6.port = bpf_htons(1);
	state.dns4.port = state.dns6.port = bpf_htons(2);
	return state;
}

static struct decision decide_to(const struct job_state *state, struct address address,
	unsigned port, __u32 protocol, enum hook hook)
{
	struct endpoint to = { .address = address, .port = bpf_htons((__u16)port) };

	return decide(state, &to, protocol, hook);
}

static void expect(const struct job_state *state, struct address address, unsigned port,
	__u32 protocol, enum reason reason, const struct endpoint *listener)
{
	struct decision decision = decide_to(state, address, port, protocol, HOOK_SENDMSG);

	assert_int_equal(decision.reason, reason);
	if (!reason)
		assert_ptr_equal(decision.listener, listener);
}

static void state_of_zeros_refuses_all(void **state)
{
	static const struct job_state zero;

	(void)state;
	mock_reset();
	expect(&zero, (struct address)SITE4, 443, IPPROTO_TCP, REASON_NETWORK, NULL);
	expect(&zero, site6, 53, IPPROTO_UDP, REASON_NETWORK, NULL);
	expect(&zero, (struct address)LOOPBACK4, 80, IPPROTO_TCP, REASON_LOOPBACK, NULL);
}

static void full_allows_all(void **state)
{
	struct job_state full = job_of(NETWORK_FULL, 0);

	(void)state;
	mock_is_known = false;
	expect(&full, (struct address)SITE4, 25, IPPROTO_TCP, 0, NULL);
	expect(&full, (struct address)LOOPBACK4, 25, IPPROTO_UDP, 0, NULL);
}

static void the_loopback_is_free_in_a_namespace_of_its_own(void **state)
{
	static const struct address unspecified, one = { .bytes = { [15] = 1 } };
	struct job_state own = job_of(NETWORK_NONE, JOB_OWN_NETNS);
	struct job_state host = job_of(NETWORK_HTTP, 0);

	(void)state;
	expect(&own, (struct address)LOOPBACK4, 25, IPPROTO_TCP, 0, NULL);
	expect(&own, (struct address)IPV4(127, 255, 0, 9), 25, IPPROTO_TCP, 0, NULL);
	expect(&own, unspecified, 25, IPPROTO_UDP, 0, NULL);
	expect(&own, one, 25, IPPROTO_UDP, 0, NULL);
	expect(&own, (struct address)IPV4(126, 0, 0, 1), 25, IPPROTO_TCP, REASON_NETWORK,
		NULL);
	expect(&host, one, 80, IPPROTO_TCP, REASON_LOOPBACK, NULL);
	expect(&host, unspecified, 53, IPPROTO_UDP, REASON_LOOPBACK, NULL);
}

static void web_and_dns_are_redirected(void **state)
{
	struct job_state http = job_of(NETWORK_HTTP, JOB_OWN_NETNS);

	(void)state;
	expect(&http, (struct address)SITE4, 80, IPPROTO_TCP, 0, &http.proxy4);
	expect(&http, (struct address)SITE4, 443, IPPROTO_TCP, 0, &http.proxy4);
	expect(&http, site6, 443, IPPROTO_TCP, 0, &http.proxy6);
	expect(&http, (struct address)SITE4, 53, IPPROTO_UDP, 0, &http.dns4);
	expect(&http, (struct address)SITE4, 53, IPPROTO_TCP, 0, &http.dns4);
	expect(&http, site6, 53, IPPROTO_UDP, 0, &http.dns6);
}

static void other_ports_and_protocols_are_refused(void **state)
{
	struct job_state http = job_of(NETWORK_HTTP, JOB_OWN_NETNS);

	(void)state;
	expect(&http, (struct address)SITE4, 22, IPPROTO_TCP, REASON_PORT, NULL);
	expect(&http, site6, 8080, IPPROTO_TCP, REASON_PORT, NULL);
	expect(&http, (struct address)SITE4, 443, IPPROTO_UDP, REASON_DATAGRAM, NULL);
	expect(&http, site6, 123, IPPROTO_UDP, REASON_DATAGRAM, NULL);
	expect(&http, (struct address)SITE4, 443, IPPROTO_SCTP, REASON_DATAGRAM, NULL);
}

static void connections_are_limited(void **state)
{
	struct job_state http = job_of(NETWORK_HTTP, JOB_OWN_NETNS);

	(void)state;
	mock_open = JOB_CONNECTIONS_MAX - 1;
	expect(&http, (struct address)SITE4, 80, IPPROTO_TCP, 0, &http.proxy4);
	mock_open = JOB_CONNECTIONS_MAX;
	expect(&http, (struct address)SITE4, 80, IPPROTO_TCP, REASON_LIMIT, NULL);
	expect(&http, (struct address)SITE4, 53, IPPROTO_TCP, REASON_LIMIT, NULL);
	expect(&http, (struct address)SITE4, 53, IPPROTO_UDP, 0, &http.dns4);
	mock_is_known = false;
	expect(&http, site6, 80, IPPROTO_TCP, REASON_LIMIT, NULL);
}

static void without_a_listener_there_is_no_network(void **state)
{
	struct job_state http = job_of(NETWORK_HTTP, JOB_OWN_NETNS);

	(void)state;
	http.proxy6.port = http.dns6.port = 0;
	expect(&http, site6, 80, IPPROTO_TCP, REASON_NETWORK, NULL);
	expect(&http, site6, 53, IPPROTO_UDP, REASON_NETWORK, NULL);
	expect(&http, (struct address)SITE4, 80, IPPROTO_TCP, 0, &http.proxy4);
}

static void a_datagram_socket_may_connect_to_the_proxy(void **state)
{
	struct job_state http = job_of(NETWORK_HTTP, JOB_OWN_NETNS);
	const struct address virtual4 = VIRTUAL4;
	struct decision decision;

	(void)state;
	decision = decide_to(&http, virtual4, 443, IPPROTO_UDP, HOOK_CONNECT);
	assert_int_equal(decision.reason, 0);
	assert_null(decision.listener);
	decision = decide_to(&http, virtual6, 0, IPPROTO_UDP, HOOK_CONNECT);
	assert_int_equal(decision.reason, 0);
	decision = decide_to(&http, virtual4, 53, IPPROTO_UDP, HOOK_CONNECT);
	assert_ptr_equal(decision.listener, &http.dns4);
	decision = decide_to(&http, virtual4, 443, IPPROTO_UDP, HOOK_SENDMSG);
	assert_int_equal(decision.reason, REASON_DATAGRAM);
	decision = decide_to(&http, site6, 443, IPPROTO_UDP, HOOK_CONNECT);
	assert_int_equal(decision.reason, REASON_DATAGRAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_of_zeros_refuses_all),
		cmocka_unit_test(full_allows_all),
		cmocka_unit_test(the_loopback_is_free_in_a_namespace_of_its_own),
		cmocka_unit_test(web_and_dns_are_redirected),
		cmocka_unit_test(other_ports_and_protocols_are_refused),
		cmocka_unit_test(connections_are_limited),
		cmocka_unit_test(without_a_listener_there_is_no_network),
		cmocka_unit_test(a_datagram_socket_may_connect_to_the_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
