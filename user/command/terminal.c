// SPDX-License-Identifier: BSD-2-Clause
/* See terminal.h. The caller ignores SIGTTOU, so no function here stops it. */

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/terminal.h"

void terminal_open(struct terminal *terminal)
{
	*terminal =
		(struct terminal){ .fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) };
}

void terminal_close(struct terminal *terminal)
{
	if (terminal->fd >= 0)
		close(terminal->fd);
	terminal->fd = -1;
}

static bool has_foreground(const struct terminal *terminal)
{
	return terminal->fd >= 0 && tcgetpgrp(terminal->fd) == getpgrp();
}

static bool is_piped(int fd)
{
	struct stat status;

	return !fstat(fd, &status) &&
	       (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

bool terminal_is_for_command(const struct terminal *terminal)
{
	return has_foreground(terminal) && !is_piped(STDIN_FILENO) &&
	       !is_piped(STDOUT_FILENO);
}

void terminal_claim(const struct terminal *terminal)
{
	tcsetpgrp(terminal->fd, getpid());
}

static void lend(struct terminal *terminal, pid_t group)
{
	if (!tcsetpgrp(terminal->fd, group))
		terminal->lent = true;
}

bool terminal_take_back(struct terminal *terminal)
{
	pid_t group = terminal->fd >= 0 && terminal->lent ? tcgetpgrp(terminal->fd) : -1;

	if (group < 0)
		return false;
	if (group != getpgrp()) {
		terminal->foreground = group;
		tcsetpgrp(terminal->fd, getpgrp());
	}
	return true;
}

/*
 * Stops the caller's group, including jobfence, as if the terminal had sent the signal.
 * An orphaned process group does not stop, since no process could continue it (POSIX).
 */
static void stop_group(int number)
{
	const struct sigaction stop = { .sa_handler = SIG_DFL };
	struct sigaction before;
	sigset_t only, mask;

	sigemptyset(&only);
	sigaddset(&only, number);
	sigaction(number, &stop, &before);
	sigprocmask(SIG_UNBLOCK, &only, &mask);
	kill(0, number);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(number, &before, NULL);
}

void terminal_stopped(struct terminal *terminal, pid_t pid, int signal)
{
	if (terminal->fd < 0)
		return;
	if ((signal == SIGTTIN || signal == SIGTTOU) && has_foreground(terminal)) {
		lend(terminal, pid);
		kill(-pid, SIGCONT);
		return;
	}
	terminal_take_back(terminal);
	stop_group(signal == SIGSTOP ? SIGTSTP : signal);
}

void terminal_continue(struct terminal *terminal, pid_t pid)
{
	if (terminal->lent && has_foreground(terminal))
		lend(terminal, terminal->foreground ? terminal->foreground : pid);
	kill(-pid, SIGCONT);
}
