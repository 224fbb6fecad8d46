// SPDX-License-Identifier: BSD-2-Clause
/*
 * The input is a file in memory, so nobody has to feed it. Only the standard error is a
 * pipe. A child of the program may keep it open, so the end of the process counts and not
 * that of the pipe.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "policy/helper.h"

#define ENVIRONMENT_MAX 8
#define SYSTEM_PATH	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int make_input(const struct helper *helper)
{
	_fd_ int fd = memfd_create("input", MFD_CLOEXEC);
	size_t written = 0;

	if (fd < 0)
		return -errno;
	while (written < helper->length) {
		ssize_t count =
			write(fd, helper->input + written, helper->length - written);

		if (count < 0)
			return -errno;
		written += (size_t)count;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
}

static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
	int input, int output, int words)
{
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	error = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
	if (!error)
		error = output ? posix_spawn_file_actions_adddup2(
					 actions, output, STDOUT_FILENO)
			       : posix_spawn_file_actions_addopen(
					 actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, words, STDERR_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(
			actions, STDERR_FILENO + 1);
	if (!error)
		error = posix_spawn_file_actions_addchdir_np(actions, "/");
	if (!error)
		error = posix_spawnattr_setsigmask(attributes, &none);
	if (!error)
		error = posix_spawnattr_setsigdefault(attributes, &all);
	if (!error)
		error = posix_spawnattr_setflags(
			attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
					    POSIX_SPAWN_SETSIGDEF);
	return error;
}

static int spawn(const struct helper *helper, int input, int words, pid_t *pid)
{
	const char *environment[ENVIRONMENT_MAX] = { SYSTEM_PATH };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error;

	for (int i = 0; helper->environment[i]; i++) {
		if (i + 2 == ENVIRONMENT_MAX)
			return -E2BIG;
		environment[i + 1] = helper->environment[i];
	}
	error = posix_spawn_file_actions_init(&actions);
	if (error)
		return -error;
	error = posix_spawnattr_init(&attributes);
	if (!error) {
		error = prepare(&actions, &attributes, input, helper->output, words);
		if (!error)
			error = posix_spawn(pid, helper->arguments[0], &actions,
				&attributes, (char *const *)helper->arguments,
				(char *const *)environment);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* Reads what the pipe holds now. Returns -EOVERFLOW if that is more than fits. */
static int take_words(int pipe, char words[HELPER_WORDS_MAX], size_t *used)
{
	ssize_t count;

	while ((count = read(pipe, words + *used, HELPER_WORDS_MAX - *used)) > 0) {
		*used += (size_t)count;
		if (*used == HELPER_WORDS_MAX)
			return -EOVERFLOW;
	}
	return 0;
}

/* Returns 0 once the process has ended, even if the pipe is still open. */
static int wait_for(int process, int pipe, unsigned timeout, char words[HELPER_WORDS_MAX])
{
	struct pollfd events[] = { { .fd = process, .events = POLLIN },
		{ .fd = pipe, .events = POLLIN } };
	int64_t deadline = clock_ms(CLOCK_MONOTONIC) + timeout * 1000LL;
	size_t used = 0;
	int error = 0;

	while (!error && !events[0].revents) {
		int64_t left = deadline - clock_ms(CLOCK_MONOTONIC);

		if (left <= 0)
			error = -ETIMEDOUT;
		else if (poll(events, 2, (int)left) < 0 && errno != EINTR)
			error = -errno;
		else
			error = take_words(pipe, words, &used);
		/* The pipe is closed. Only the end of the process is left to wait for. */
		if (events[1].revents & POLLHUP)
			events[1].fd = -1;
	}
	words[error ? 0 : used] = '\0';
	return error;
}

int helper_run(const struct helper *helper, char words[HELPER_WORDS_MAX])
{
	_fd_ int input = make_input(helper), read_end = -1, write_end = -1, process = -1;
	int pair[2], error;
	siginfo_t end = {};
	pid_t pid = -1;

	words[0] = '\0';
	if (input < 0)
		return input;
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	read_end = pair[0];
	write_end = pair[1];
	error = spawn(helper, input, write_end, &pid);
	if (error)
		return error;
	close(TAKE_FD(write_end));
	process = (int)syscall(SYS_pidfd_open, pid, 0);
	error = process < 0 ? -errno : wait_for(process, read_end, helper->timeout, words);
	/* Until the process is reaped, no other process gets its number. */
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	while (waitid(P_PID, (id_t)pid, &end, WEXITED) && errno == EINTR)
		;
	if (error)
		return error;
	return end.si_code == CLD_EXITED ? end.si_status : -EINTR;
}
