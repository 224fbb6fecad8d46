// SPDX-License-Identifier: BSD-2-Clause
/* The pacer's clock of pace.bpf.h, with a mocked time. */

#include "bpf_mock.h"

#include "../../bpf/pace.bpf.h"

#define RATE	    125000ULL /* bytes per second: 1 Mbit/s */
#define BEGIN	    (100 * SECOND)
#define FULL_LENGTH 1480U
/* ns that a full packet takes at RATE */
#define FULL_TIME (FULL_LENGTH * SECOND / RATE)
#define CREDIT	  (THROTTLE_CREDIT * SECOND / RATE)

static struct job_state job_state;
static struct packet packet;
static struct __sk_buff skb;

/* Starts again with a full segment of TCP over IPv4 in `skb`. */
static void begin(void)
{
	mock_reset();
	mock_now = BEGIN;
	job_state = (struct job_state){ .rate = RATE };
	packet = (struct packet){ .family = AF_INET, .protocol = IPPROTO_TCP };
	skb = (struct __sk_buff){ .len = FULL_LENGTH, .priority = 1 };
	mock_packet[sizeof(struct iphdr) + TCP_OFFSET_AT] = 8 << 4; /* 32 bytes of header */
	mock_packet[sizeof(struct iphdr) + TCP_OFFSET_AT + 1] = 0x10; /* ACK */
	mock_packet_length = 60;
}

static bool send_one(void)
{
	skb.tstamp = 0;
	return pace(
		&skb, &packet, job_state.rate, &job_state.departure, &job_state.overtaking);
}

static void without_a_rate_nothing_is_paced(void **state)
{
	(void)state;
	begin();
	job_state.rate = 0;
	assert_true(send_one());
	assert_int_equal(skb.tstamp, 0);
	assert_int_equal(skb.priority, 1);
	assert_int_equal(mock_counters.paced_packets, 0);
}

static void packets_leave_at_the_rate(void **state)
{
	__u64 first;

	(void)state;
	begin();
	assert_true(send_one());
	first = skb.tstamp;
	/* An idle clock lags behind by its credit and no more. */
	assert_int_equal(first, BEGIN - CREDIT);
	for (unsigned i = 1; i < 50; i++) {
		assert_true(send_one());
		assert_int_equal(skb.tstamp, first + i * FULL_TIME);
	}
	assert_int_equal(skb.priority, 0);
	assert_int_equal(mock_counters.paced_packets, 50);
	assert_int_equal(mock_counters.paced_bytes, 50 * FULL_LENGTH);
}

static void a_late_sender_gets_its_credit_only(void **state)
{
	(void)state;
	begin();
	assert_true(send_one());
	mock_now += 10 * SECOND;
	assert_true(send_one());
	assert_int_equal(skb.tstamp, mock_now - CREDIT);
	/* At high rates the credit is a millisecond. */
	job_state.rate = 1000 * RATE;
	mock_now += 10 * SECOND;
	assert_true(send_one());
	assert_int_equal(skb.tstamp, mock_now - THROTTLE_CREDIT_TIME);
}

static void segments_have_headers_each(void **state)
{
	(void)state;
	begin();
	skb.len = 20 + 32 + 10 * 1428;
	skb.gso_segs = 10;
	assert_int_equal(pace_length(&skb, &packet), 10 * 1480);
	packet.protocol = IPPROTO_UDP;
	assert_int_equal(pace_length(&skb, &packet), skb.len + 9 * 28);
	skb.gso_segs = 1;
	assert_int_equal(pace_length(&skb, &packet), skb.len);
}

static void packets_that_wait_long_are_marked_then_dropped(void **state)
{
	unsigned sent = 0;

	(void)state;
	begin();
	packet.protocol = IPPROTO_UDP;
	while (send_one()) {
		sent++;
		if (skb.tstamp <= BEGIN + THROTTLE_MARK)
			assert_int_equal(mock_marks, 0);
		assert_true(sent < 1000);
	}
	/*
	 * Five seconds at the rate, the credit, and one packet that reaches beyond them.
	 */
	assert_in_range(sent, THROTTLE_HORIZON / FULL_TIME,
		(THROTTLE_HORIZON + CREDIT) / FULL_TIME + 1);
	assert_in_range(mock_marks, 4 * SECOND / FULL_TIME - 1, 4 * SECOND / FULL_TIME + 2);
	assert_int_equal(mock_counters.marked_packets, mock_marks);
	/* A dropped packet takes no share. Later there is room again. */
	mock_now += FULL_TIME + 1;
	assert_true(send_one());
}

static void acknowledgements_overtake_within_their_part(void **state)
{
	unsigned overtaking = 0, acknowledgements = 0;

	(void)state;
	begin();
	skb.len = 52;
	/* One acknowledgement for each segment that the other direction may bring. */
	for (; mock_now < BEGIN + 10 * SECOND; mock_now += FULL_TIME) {
		assert_true(send_one());
		acknowledgements++;
		overtaking += skb.priority == TC_PRIO_CONTROL;
	}
	assert_int_equal(overtaking, acknowledgements);

	/* A flood of acknowledgements gets 1/16 of the rate before its turn. */
	begin();
	skb.len = 52;
	overtaking = 0;
	for (; mock_now < BEGIN + SECOND; mock_now += FULL_TIME / 64)
		if (send_one())
			overtaking += skb.priority == TC_PRIO_CONTROL;
	assert_in_range(
		overtaking, 1, RATE / THROTTLE_OVERTAKING / 52 + CREDIT / FULL_TIME + 40);
}

static void only_pure_acknowledgements_overtake(void **state)
{
	(void)state;
	begin();
	skb.len = 53; /* a byte of payload */
	assert_true(send_one());
	assert_int_equal(skb.priority, 0);
	begin();
	skb.len = 52;
	mock_packet[sizeof(struct iphdr) + TCP_OFFSET_AT + 1] = 0x11; /* FIN */
	assert_true(send_one());
	assert_int_equal(skb.priority, 0);
	begin();
	skb.len = 52;
	packet.protocol = IPPROTO_UDP;
	assert_true(send_one());
	assert_int_equal(skb.priority, 0);
}

static void packets_that_went_around_the_pacer_get_no_more(void **state)
{
	__u64 clock = 0;
	unsigned arrived = 0;

	(void)state;
	begin();
	assert_true(pace_arrived(&skb, &packet, 0, &clock));
	assert_int_equal(clock, 0);
	while (pace_arrived(&skb, &packet, RATE, &clock))
		arrived++;
	assert_in_range(arrived, THROTTLE_HORIZON / FULL_TIME,
		(THROTTLE_HORIZON + CREDIT) / FULL_TIME + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_rate_nothing_is_paced),
		cmocka_unit_test(packets_leave_at_the_rate),
		cmocka_unit_test(a_late_sender_gets_its_credit_only),
		cmocka_unit_test(segments_have_headers_each),
		cmocka_unit_test(packets_that_wait_long_are_marked_then_dropped),
		cmocka_unit_test(acknowledgements_overtake_within_their_part),
		cmocka_unit_test(only_pure_acknowledgements_overtake),
		cmocka_unit_test(packets_that_went_around_the_pacer_get_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
