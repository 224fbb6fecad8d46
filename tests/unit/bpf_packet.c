// SPDX-License-Identifier: BSD-2-Clause
/* The parser of packet.bpf.h, and its report of a refused packet. */

#include "bpf_mock.h"

#include "../../bpf/packet.bpf.h"

#define UDP4_LENGTH (sizeof(struct iphdr) + 8)
#define UDP6_LENGTH (sizeof(struct ipv6hdr) + 8)

static struct __sk_buff skb4 = { .protocol = bpf_htons(ETH_P_IP) };
static struct __sk_buff skb6 = { .protocol = bpf_htons(ETH_P_IPV6) };

/* A datagram from port 1000 to port 53. */
static struct iphdr *make_udp4(void)
{
	struct iphdr *header = (struct iphdr *)mock_packet;
	const __be16 ports[2] = { bpf_htons(1000), bpf_htons(53) };

	mock_reset();
	header->version = 4;
	header->ihl = 5;
	header->protocol = IPPROTO_UDP;
	header->saddr = bpf_htonl(0x0a000001);
	header->daddr = bpf_htonl(0x0a000002);
	memcpy(mock_packet + sizeof(*header), ports, sizeof(ports));
	mock_packet_length = UDP4_LENGTH;
	return header;
}

static struct ipv6hdr *make_udp6(void)
{
	struct ipv6hdr *header = (struct ipv6hdr *)mock_packet;
	const __be16 ports[2] = { bpf_htons(1000), bpf_htons(53) };

	mock_reset();
	header->version = 6;
	header->nexthdr = IPPROTO_UDP;
	header->saddr.s6_addr[15] = 1;
	header->daddr.s6_addr[0] = 0x26;
	memcpy(mock_packet + sizeof(*header), ports, sizeof(ports));
	mock_packet_length = UDP6_LENGTH;
	return header;
}

static void plain_packets_are_read(void **state)
{
	struct packet packet;

	(void)state;
	make_udp4();
	assert_true(packet_parse(&skb4, &packet));
	assert_int_equal(packet.family, AF_INET);
	assert_int_equal(packet.protocol, IPPROTO_UDP);
	assert_true(address_is_ipv4(&packet.source.address));
	assert_int_equal(packet.source.address.words[3], bpf_htonl(0x0a000001));
	assert_int_equal(packet.destination.address.words[3], bpf_htonl(0x0a000002));
	assert_int_equal(packet.source.port, bpf_htons(1000));
	assert_int_equal(packet.destination.port, bpf_htons(53));
	make_udp6();
	assert_true(packet_parse(&skb6, &packet));
	assert_int_equal(packet.family, AF_INET6);
	assert_int_equal(packet.destination.address.bytes[0], 0x26);
	assert_int_equal(packet.destination.port, bpf_htons(53));
}

static void other_forms_are_not(void **state)
{
	static const struct __sk_buff arp = { .protocol = bpf_htons(ETH_P_ARP) };
	struct packet packet;

	(void)state;
	make_udp4()->ihl = 6; /* options */
	assert_false(packet_parse(&skb4, &packet));
	make_udp4()->version = 6;
	assert_false(packet_parse(&skb4, &packet));
	make_udp4()->frag_off = bpf_htons(0x2000); /* more fragments */
	assert_false(packet_parse(&skb4, &packet));
	make_udp4()->frag_off = bpf_htons(1); /* an offset */
	assert_false(packet_parse(&skb4, &packet));
	make_udp4()->frag_off = bpf_htons(0x4000); /* do not fragment */
	assert_true(packet_parse(&skb4, &packet));
	make_udp4()->protocol = IPPROTO_ICMP;
	assert_false(packet_parse(&skb4, &packet));
	make_udp6()->nexthdr = IPPROTO_HOPOPTS;
	assert_false(packet_parse(&skb6, &packet));
	make_udp4();
	assert_false(packet_parse(&arp, &packet));
}

static void a_packet_that_ends_early_is_not(void **state)
{
	struct packet packet;

	(void)state;
	for (__u32 length = 0; length < UDP4_LENGTH; length++) {
		make_udp4();
		mock_packet_length = length;
		assert_int_equal(packet_parse(&skb4, &packet), length >= 24);
	}
	for (__u32 length = 0; length < UDP6_LENGTH; length++) {
		make_udp6();
		mock_packet_length = length;
		assert_int_equal(packet_parse(&skb6, &packet), length >= 44);
	}
}

static void a_listener_is_known_by_address_port_and_protocol(void **state)
{
	struct endpoint proxy = { .port = bpf_htons(1) }, dns = { .port = bpf_htons(53) };
	const struct endpoint none = {};
	struct packet packet;

	(void)state;
	make_udp4();
	assert_true(packet_parse(&skb4, &packet));
	proxy.address = dns.address = packet.destination.address;
	assert_true(is_listener(&packet, &packet.destination, &proxy, &dns));
	assert_false(is_listener(&packet, &packet.source, &proxy, &dns));
	packet.destination.port = proxy.port;
	assert_false(is_listener(&packet, &packet.destination, &proxy, &dns));
	packet.protocol = IPPROTO_TCP;
	assert_true(is_listener(&packet, &packet.destination, &proxy, &dns));
	packet.destination = none;
	assert_false(is_listener(&packet, &packet.destination, &none, &none));
}

static void a_refusal_reports_the_far_end(void **state)
{
	struct event_budget budget = {};
	struct packet packet;

	(void)state;
	make_udp4();
	assert_true(packet_parse(&skb4, &packet));
	refuse_packet(7, &budget, &packet, REASON_PACKET, HOOK_EGRESS);
	assert_int_equal(mock_counters.refused[REASON_PACKET], 1);
	assert_int_equal(mock_journal.last, 1);
	assert_int_equal(mock_records[mock_place].job, 7);
	assert_int_equal(mock_records[mock_place].pid, 0);
	assert_int_equal(mock_records[mock_place].destination.port, bpf_htons(53));
	refuse_packet(7, &budget, &packet, REASON_PACKET, HOOK_INGRESS);
	assert_int_equal(mock_records[mock_place].destination.port, bpf_htons(1000));
}

static void a_job_has_a_budget_of_events(void **state)
{
	struct event_budget budget = {};
	struct packet packet = {};

	(void)state;
	mock_reset();
	for (int i = 0; i < EVENTS_PER_SECOND + 3; i++)
		refuse_packet(7, &budget, &packet, REASON_PACKET, HOOK_EGRESS);
	assert_int_equal(mock_journal.last, EVENTS_PER_SECOND);
	assert_int_equal(mock_counters.events_lost, 3);
	assert_int_equal(mock_counters.refused[REASON_PACKET], EVENTS_PER_SECOND + 3);
	mock_now += SECOND;
	refuse_packet(7, &budget, &packet, REASON_PACKET, HOOK_EGRESS);
	assert_int_equal(mock_journal.last, EVENTS_PER_SECOND + 1);
	for (mock_now = 2 * SECOND; mock_now < 60 * SECOND; mock_now += SECOND)
		for (int i = 0; i < EVENTS_PER_SECOND; i++)
			refuse_packet(7, &budget, &packet, REASON_PACKET, HOOK_EGRESS);
	assert_int_equal(mock_journal.last, 59 * EVENTS_PER_SECOND + 1);
	assert_int_equal(mock_journal.positions[RING_SHARED], EVENTS_SHARE);
}

static unsigned records_of(__u64 id)
{
	unsigned records = 0;

	for (int i = 0; i < RING_SHARED_SIZE; i++)
		records += mock_records[i].job == id;
	return records;
}

/* One job floods for an hour. Between its events another one has as many as it may. */
static void a_job_replaces_an_eighth_of_the_events_at_most(void **state)
{
	/* What its own programs refuse, and what its proxy reports. */
	struct event_budget floods[2] = {}, others[20] = {};
	struct packet packet = {};

	(void)state;
	mock_reset();
	for (mock_now = SECOND; mock_now < 3600 * SECOND; mock_now += SECOND) {
		__u64 before = mock_journal.last;

		for (int i = 0; i < 2 * EVENTS_PER_SECOND; i++)
			refuse_packet(
				7, &floods[i % 2], &packet, REASON_PACKET, HOOK_EGRESS);
		assert_int_equal(mock_journal.last - before, 64);
		for (int i = 0; i < 20; i++)
			refuse_packet(100 + (__u64)i, &others[i], &packet, REASON_PACKET,
				HOOK_EGRESS);
		assert_true(records_of(7) <= RING_SHARED_SIZE / 8);
	}
	assert_int_equal(mock_counters.events_lost, 0);
	assert_int_equal(mock_records[mock_place].number, mock_journal.last);
}

static void a_record_that_is_written_is_left_alone(void **state)
{
	struct event_budget budget = {};
	struct packet packet = {};

	(void)state;
	mock_reset();
	mock_records[0].number = EVENT_BUSY;
	refuse_packet(7, &budget, &packet, REASON_PACKET, HOOK_EGRESS);
	assert_int_equal(mock_counters.events_lost, 1);
	assert_int_equal(mock_journal.last, 0);
	refuse_packet(7, &budget, &packet, REASON_PACKET, HOOK_EGRESS);
	assert_int_equal(mock_records[1].number, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_packets_are_read),
		cmocka_unit_test(other_forms_are_not),
		cmocka_unit_test(a_packet_that_ends_early_is_not),
		cmocka_unit_test(a_listener_is_known_by_address_port_and_protocol),
		cmocka_unit_test(a_refusal_reports_the_far_end),
		cmocka_unit_test(a_job_has_a_budget_of_events),
		cmocka_unit_test(a_job_replaces_an_eighth_of_the_events_at_most),
		cmocka_unit_test(a_record_that_is_written_is_left_alone),
	};

	mock_map_journal = &journal;
	mock_map_events = &events;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
