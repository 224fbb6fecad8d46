// SPDX-License-Identifier: BSD-2-Clause
/* Network sockets do not outlive execve(2), and other descriptors do. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "lib/inherited.h"

static void withhold_network_sockets(void **state)
{
	_fd_ int tcp = socket(AF_INET, SOCK_STREAM, 0);
	_fd_ int udp = socket(AF_INET, SOCK_DGRAM, 0);
	_fd_ int netlink = socket(AF_NETLINK, SOCK_RAW, 0);
	_fd_ int file = open("/dev/null", O_RDWR);
	_fd_ int local = socket(AF_UNIX, SOCK_STREAM, 0);
	_fd_ int far = fcntl(tcp, F_DUPFD, 500);

	(void)state;
	assert_int_equal(fcntl(tcp, F_GETFD), 0);
	assert_int_equal(inherited_withhold_sockets(), 0);
	assert_int_equal(fcntl(tcp, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(udp, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(netlink, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(far, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(file, F_GETFD), 0);
	assert_int_equal(fcntl(local, F_GETFD), 0);
	assert_int_equal(fcntl(STDOUT_FILENO, F_GETFD), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(withhold_network_sockets) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
