// SPDX-License-Identifier: BSD-2-Clause
/* Processes with hostile names, and in states that count. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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

/* Says when the first thread has ended, and lives on. */
static void *outlive(void *data)
{
	const int *said = data;
	uint64_t start;
	char letter = '\0';

	while (process_stat(getpid(), &letter, &start) || letter != 'Z')
		sched_yield();
	(void)!write(*said, "", 1);
	for (;;)
		pause();
	return NULL;
}

static void a_process_lives_as_long_as_one_of_its_threads(void **state)
{
	_fd_ int process = -1;
	uint64_t start = 0, again = 0;
	pthread_t thread;
	char letter = '\0';
	int said[2];
	pid_t pid;

	(void)state;
	assert_false(pipe(said));
	pid = fork();
	if (!pid) {
		if (pthread_create(&thread, NULL, outlive, &said[1]))
			_exit(1);
		syscall(SYS_exit, 0); /* ends this thread alone */
	}
	process = pidfd_open(pid, 0);
	assert_true(process >= 0);
	assert_int_equal(read(said[0], &letter, 1), 1);
	assert_false(process_stat(pid, &letter, &start));
	assert_int_equal(letter, 'Z');
	assert_false(process_has_ended(process));
	assert_false(process_start(process, &again));
	assert_true(again == start);
	assert_false(kill(pid, SIGKILL));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(process_has_ended(process));
	assert_int_equal(process_start(process, &start), -ESRCH);
	close(said[0]);
	close(said[1]);
}

/* Ends with 0 if another time namespace shows the same start of the test. */
static int look_from_elsewhere(int process, uint64_t start)
{
	static const char offset[] = "boottime 1000 7000000";
	_fd_ int offsets = -1;
	uint64_t seen = 0;
	int status = 1;
	pid_t pid;

	if (unshare(CLONE_NEWTIME))
		return errno == EPERM ? 77 : 2;
	offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (offsets < 0 || write(offsets, offset, sizeof(offset) - 1) < 0)
		return 3;
	/* Only its children are in the new namespace. */
	if (process_start(process, &seen) != -EXDEV)
		return 4;
	pid = fork();
	if (!pid)
		_exit(process_start(process, &seen) || seen - start + 1 > 2 ? 5 : 0);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void a_start_is_the_same_in_all_time_namespaces(void **state)
{
	_fd_ int process = pidfd_open(getpid(), 0);
	uint64_t start = 0;
	int status = 0;
	pid_t pid;

	(void)state;
	assert_true(process >= 0);
	assert_false(process_start(process, &start));
	pid = fork();
	if (!pid)
		_exit(look_from_elsewhere(process, start));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(any_name_is_read_over),
		cmocka_unit_test(states_are_told_apart),
		cmocka_unit_test(a_process_lives_as_long_as_one_of_its_threads),
		cmocka_unit_test(a_start_is_the_same_in_all_time_namespaces) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
