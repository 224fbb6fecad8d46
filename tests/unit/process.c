// SPDX-License-Identifier: BSD-2-Clause
/* Processes with hostile names, and in states that count. */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "node/process.h"

static void any_name_is_read_over(void **state)
{
	static const char *const names[] = { "", "plain", "a\nb", "\n", "x) Z 1 (y", ") T",
		") Z\n", "(((", ")))" };
	uint64_t first = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint64_t start = 0;
		char letter = '\0';

		assert_false(prctl(PR_SET_NAME, names[i]));
		assert_false(process_stat(getpid(), &letter, &start));
		assert_int_equal(letter, 'R');
		assert_true(start > 0);
		assert_true(!i || start == first);
		first = start;
	}
}

static void states_are_told_apart(void **state)
{
	siginfo_t info;
	uint64_t start;
	char letter;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		prctl(PR_SET_NAME, "a\n) R");
		kill(getpid(), SIGSTOP);
		_exit(0);
	}
	assert_false(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
	assert_false(process_stat(pid, &letter, &start));
	assert_int_equal(letter, 'T');
	assert_false(kill(pid, SIGKILL));
	assert_false(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	assert_false(process_stat(pid, &letter, &start));
	assert_int_equal(letter, 'Z');
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(process_stat(pid, &letter, &start), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(any_name_is_read_over),
		cmocka_unit_test(states_are_told_apart) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
