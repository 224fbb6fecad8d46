// SPDX-License-Identifier: BSD-2-Clause
/*
 * The socket is made in the job's namespace and belongs to the caller's cgroup. So no
 * program of the job sees it. The proxy finds no destination for it and closes it
 * before it reads a byte (proxy/listener.c).
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "job/pulse.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "names/address.h"
#include "node/cgroup.h"
#include "node/maps.h"
#include "node/netns.h"
#include "node/process.h"
#include "node/state.h"

#define BEHIND (PULSE_PATIENCE * MILLISECOND / 8) /* ns */

/* Whether a signal or a tracer has stopped the process. */
static bool is_stopped(pid_t pid)
{
	char state = '\0';
	uint64_t start;

	return !process_stat(pid, &state, &start) && (state == 'T' || state == 't');
}

static bool is_paused(const struct job *job)
{
	char path[PATH_SIZE], line[32];
	_file_ FILE *procs = NULL;

	if (cgroup_find_frozen(job->paths.proxy, path))
		return true;
	if (path_format(path, "%s/cgroup.procs", job->paths.proxy))
		return false;
	procs = fopen(path, "re");
	while (procs && fgets(line, sizeof(line), procs))
		if (is_stopped((pid_t)strtol(line, NULL, 10)))
			return true;
	return false;
}

/*
 * Whether packets to the job wait in the kernel for their time. The answer of the proxy
 * would wait behind them.
 */
static bool is_behind(const struct job *job)
{
	_cleanup_(job_maps_close) struct job_maps maps = JOB_MAPS_NONE;
	uint64_t upload = 0, download = 0;

	if (job->pacing != PACING_EDT || job->abi != FENCE_ABI)
		return false;
	return job_maps_open(&job->paths, &maps) ||
	       state_read_delays(&maps, job->id, job->proxy_id, &upload, &download) ||
	       upload > BEHIND || download > BEHIND;
}

static int make_socket(const struct job *job)
{
	_cleanup_(netns_leave) struct netns_visit visit = { -1 };
	struct failure ignored;
	_fd_ int netns = job_open_netns(job, &ignored);
	int error = netns < 0 ? netns : netns_enter(netns, &visit), fd;

	if (error)
		return error;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int pulse_begin(const struct job *job, struct pulse *pulse)
{
	/*
	 * The socket is closed with a reset. So none of its packets waits in the job's
	 * namespace for its time.
	 */
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_storage address;
	socklen_t length;
	_fd_ int fd = -1;

	if (!job->proxy_pid || !job->proxy4.port)
		return -ENOENT;
	if (is_paused(job))
		return -EHOSTDOWN;
	if (is_behind(job))
		return -EBUSY;
	fd = make_socket(job);
	if (fd < 0)
		return fd;
	length = endpoint_to_socket(&job->proxy4, &address);
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, length) && errno != EINPROGRESS)
		return -errno;
	*pulse = (struct pulse){ .fd = TAKE_FD(fd) };
	return 0;
}

/*
 * The end of the connection is the answer. A refused connection or a timeout is none.
 */
static bool is_answer(int fd)
{
	socklen_t length = sizeof(int);
	int error = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) &&
	       error != ECONNREFUSED && error != ETIMEDOUT;
}

void pulses_wait(struct pulse *pulses, size_t count)
{
	int64_t end = clock_ms(CLOCK_MONOTONIC) + PULSE_PATIENCE;
	struct pollfd fds[PULSES_MAX];
	size_t waiting = count;

	for (size_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){ .fd = pulses[i].fd, .events = POLLIN };
	while (waiting) {
		int64_t left = end - clock_ms(CLOCK_MONOTONIC);
		int ready = left > 0 ? poll(fds, count, (int)left) : 0;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			break;
		for (size_t i = 0; i < count; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			pulses[i].answered = is_answer(fds[i].fd);
			fds[i].fd = -1;
			waiting--;
		}
	}
	for (size_t i = 0; i < count; i++)
		close(TAKE_FD(pulses[i].fd));
}

enum condition job_condition_asked(const struct job *job)
{
	enum condition condition = job_condition(job);
	struct pulse pulse = { .fd = -1 };
	int error;

	if (condition != CONDITION_UP || !job->proxy_pid || geteuid())
		return condition;
	error = pulse_begin(job, &pulse);
	if (error)
		return error == -EHOSTDOWN ? CONDITION_STUCK : CONDITION_UP;
	pulses_wait(&pulse, 1);
	return pulse.answered ? CONDITION_UP : CONDITION_STUCK;
}
