// SPDX-License-Identifier: BSD-2-Clause
/*
 * See place.h. The kernel is asked instead of the records of jobs. Those may be in
 * another mount namespace, or lost.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "job/jobs.h"
#include "job/place.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/attach.h"
#include "node/cgroup.h"
#include "node/paths.h"

#define LINK_SIZE 64 /* for the text of a link to a namespace */

enum place {
	PLACE_FREE,
	PLACE_ROOT,
	PLACE_OURS,   /* it is jobfence's own, or holds jobfence's cgroups */
	PLACE_CALLER, /* it holds the caller */
	PLACE_TAKEN,  /* a job has it, or one above or below it */
	PLACE_SHARED, /* it holds a process outside the container */
};

struct search {
	enum place place;
	uint64_t id;	 /* id of the cgroup that a job has */
	uint64_t own;	 /* id of the folder of jobs' cgroups, 0: there is none */
	pid_t container; /* first process of the container, 0: any is allowed */
	pid_t found;	 /* the process outside the container */
};

/*
 * Whether a thread belongs to the container: to its first process, or to its PID namespace
 * if that is not the caller's. A thread without a number in the caller's PID namespace is
 * given as 0. Returns 1, 0 or -errno.
 */
static int is_of_container(pid_t thread, pid_t container)
{
	char path[PATH_SIZE], callers[LINK_SIZE] = "", containers[LINK_SIZE] = "",
			      threads[LINK_SIZE] = "";

	if (thread <= 0 ||
		path_format(path, "/proc/%d/task/%d", (int)container, (int)thread))
		return 0;
	if (file_exists(path))
		return 1;
	if (path_format(path, "/proc/%d/ns/pid", (int)container) ||
		readlink(path, containers, sizeof(containers) - 1) < 0 ||
		readlink("/proc/self/ns/pid", callers, sizeof(callers) - 1) < 0)
		return -ESRCH; /* and not ENOENT, as of a cgroup that was removed */
	if (path_format(path, "/proc/%d/ns/pid", (int)thread) ||
		readlink(path, threads, sizeof(threads) - 1) < 0)
		return errno == ENOENT || errno == ESRCH; /* the thread has ended */
	return !strcmp(threads, containers) && strcmp(containers, callers) != 0;
}

/*
 * Looks at the threads directly in a cgroup. It does not read processes, since a
 * threaded cgroup does not list any.
 */
static int look_at_threads(int cgroup, struct search *search)
{
	_fd_ int fd = openat(cgroup, "cgroup.threads", O_RDONLY | O_CLOEXEC);
	_file_ FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[32];

	if (!file)
		return -errno;
	TAKE_FD(fd);
	while (fgets(line, sizeof(line), file)) {
		pid_t thread = (pid_t)strtol(line, NULL, 10);
		int belongs = 1;

		if (thread == gettid()) {
			search->place = PLACE_CALLER;
			return 0;
		}
		if (search->container && search->place == PLACE_FREE)
			belongs = is_of_container(thread, search->container);
		if (belongs < 0)
			return belongs;
		if (!belongs) {
			search->place = PLACE_SHARED;
			search->found = thread;
		}
	}
	return ferror(file) && errno != ENODEV ? -errno : 0;
}

/*
 * Looks at a cgroup that the job would hold. Returns 1 if the search is over, 0 or
 * -errno.
 */
static int look_below(int cgroup, void *data)
{
	struct search *search = data;
	uint64_t id;
	int error = cgroup_id(cgroup, &id), taken;

	if (error)
		return error;
	if (search->own && id == search->own)
		search->place = PLACE_OURS;
	if (search->place == PLACE_OURS)
		return 1;
	error = look_at_threads(cgroup, search);
	if (error == -ENOENT || error == -ENODEV) /* the cgroup was removed by now */
		return 0;
	if (error || search->place == PLACE_CALLER)
		return error ? error : 1;
	taken = search->place == PLACE_TAKEN ? 0 : attach_is_there(cgroup);
	if (taken > 0) {
		search->place = PLACE_TAKEN;
		search->id = id;
	}
	return taken < 0 ? taken : 0;
}

/*
 * There may be more cgroups above the root of the caller's mount. The kernel knows
 * which programs are in effect there.
 */
static int look_in_effect(int cgroup, struct search *search)
{
	int taken = attach_is_in_effect(cgroup);

	if (taken > 0)
		search->place = PLACE_TAKEN;
	return taken < 0 ? taken : 0;
}

/* Looks at the cgroups above the job's, up to the root. */
static int look_above(int cgroup, struct search *search)
{
	_fd_ int current = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (;;) {
		_fd_ int parent = openat(current, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs system;
		uint64_t id;
		int taken;

		if (parent < 0 || fstatfs(parent, &system))
			return -errno;
		if (system.f_type != CGROUP2_SUPER_MAGIC)
			return look_in_effect(current, search);
		if (cgroup_id(parent, &id))
			return -errno;
		if (search->own && id == search->own)
			search->place = PLACE_OURS;
		taken = attach_is_there(parent);
		if (taken > 0 && search->place != PLACE_OURS) {
			search->place = PLACE_TAKEN;
			search->id = id;
		}
		if (taken < 0 || search->place != PLACE_FREE)
			return taken < 0 ? taken : 0;
		close(current);
		current = TAKE_FD(parent);
	}
}

static int read_id(const char *path, uint64_t *id)
{
	_fd_ int cgroup = cgroup_open(path);

	return cgroup < 0 ? cgroup : cgroup_id(cgroup, id);
}

/*
 * Finds out whether a job may have the cgroup. With `above` the cgroups above it count
 * as well. The cgroup is opened by its id, since a bind mount of it has no parent
 * cgroup. Returns 0 or -errno.
 */
static int search_place(uint64_t id, bool above, struct search *search)
{
	const char *mount = cgroup_mount();
	_fd_ int cgroup = cgroup_open_id(id);
	char folder[PATH_SIZE];
	uint64_t root = 0;
	int error = cgroup < 0 ? cgroup : 0;

	if (!mount || path_format(folder, "%s/jobfence", mount))
		return -ENODEV;
	if (!error)
		error = read_id(mount, &root);
	/* The root of all cgroups has no file cgroup.events. */
	if (!error && (id == root || faccessat(cgroup, "cgroup.events", F_OK, 0)))
		search->place = PLACE_ROOT;
	if (error || search->place == PLACE_ROOT)
		return error;
	error = read_id(folder, &search->own);
	if (error && error != -ENOENT)
		return error;
	error = above ? look_above(cgroup, search) : 0;
	if (!error && search->place == PLACE_FREE)
		error = cgroup_each(cgroup, look_below, search);
	return error < 0 ? error : 0;
}

struct named {
	uint64_t id;
	char name[JOB_NAME_MAX + 1];
};

static int find_name(const struct job *job, void *data)
{
	struct named *named = data;

	if (job->unreadable || job->id != named->id)
		return 0;
	memcpy(named->name, job->spec.name, sizeof(named->name));
	return 1;
}

static int refuse_taken(const char *path, uint64_t id, struct failure *failure)
{
	struct named named = { .id = id };
	struct failure ignored;

	job_each(find_name, &named, &ignored);
	if (!named.name[0])
		return fail_as(failure, STATUS_FAILED,
			"cgroup %s, or one above or below it, is in the fence of a job "
			"already; see: jobfence list",
			path);
	return fail_as(failure, STATUS_FAILED,
		"cgroup %s, or one above or below it, is that of job %s; give each job a "
		"cgroup of its own, or end that one: jobfence down %s",
		path, named.name, named.name);
}

int place_check(const char *path, int cgroup, pid_t container, struct failure *failure)
{
	struct search search = { .container = container };
	uint64_t id;
	int error = cgroup_id(cgroup, &id);

	if (!error)
		error = search_place(id, true, &search);
	if (error)
		return fail(failure, error, "cannot see who is in cgroup %s", path);
	switch (search.place) {
	case PLACE_FREE:
		return 0;
	case PLACE_ROOT:
		return fail_as(failure, STATUS_USAGE,
			"%s is the root of the cgroups: a fence there would hold the whole "
			"node; give the job a cgroup of its own",
			path);
	case PLACE_OURS:
		return fail_as(failure, STATUS_USAGE,
			"cgroup %s is jobfence's own, or holds those; without --cgroup a job "
			"gets one there",
			path);
	case PLACE_CALLER:
		return fail_as(failure, STATUS_FAILED,
			"cgroup %s holds the process that calls jobfence, which would be "
			"fenced, too; give the job a cgroup of its own",
			path);
	case PLACE_TAKEN:
		return refuse_taken(path, search.id, failure);
	case PLACE_SHARED:
		return fail_as(failure, STATUS_FAILED,
			"cgroup %s holds process %d as well, which is not the container's; "
			"give the container a cgroup of its own",
			path, (int)search.found);
	}
	return -EINVAL;
}

bool place_is_forbidden(uint64_t id)
{
	struct search search = {};

	if (search_place(id, false, &search))
		return false;
	return search.place == PLACE_ROOT || search.place == PLACE_OURS ||
	       search.place == PLACE_CALLER;
}
