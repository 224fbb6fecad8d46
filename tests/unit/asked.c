// SPDX-License-Identifier: BSD-2-Clause
/* Messages to the supervisor: only one that is empty asks for the end. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "jobfence/proxy.h"
#include "lib/cleanup.h"
#include "proxy/asked.h"

/* The other end of FD_ASKED. */
static int sender;

static int open_socket(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	sender = fcntl(pair[1], F_DUPFD_CLOEXEC, FD_END);
	assert_true(sender >= FD_END);
	assert_int_equal(dup2(pair[0], FD_ASKED), FD_ASKED);
	return 0;
}

static void send_descriptors(const int fds[2], size_t count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {};
	struct msghdr message = {};

	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	assert_int_equal(sendmsg(sender, &message, 0), 0);
}

static void an_empty_message_asks_for_the_end(void **state)
{
	(void)state;
	send_descriptors(NULL, 0);
	assert_true(asked_take(NULL));
}

static void no_message_asks_for_nothing(void **state)
{
	(void)state;
	assert_false(asked_take(NULL));
}

static void descriptors_without_room_ask_for_nothing(void **state)
{
	_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int fds[] = { null, null };
	struct rlimit before, none;

	(void)state;
	send_descriptors(fds, 2);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_false(asked_take(NULL));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_message_asks_for_the_end, open_socket),
		cmocka_unit_test_setup(no_message_asks_for_nothing, open_socket),
		cmocka_unit_test_setup(
			descriptors_without_room_ask_for_nothing, open_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
