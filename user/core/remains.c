// SPDX-License-Identifier: BSD-2-Clause
/* See remains.h. */

#include <bpf/bpf.h>
#include <errno.h>

#include "core/cgroup.h"
#include "core/netns.h"
#include "core/remains.h"
#include "lib/cleanup.h"
#include "lib/files.h"

#define KILL_PATIENCE 10 /* seconds */

bool job_is_complete(const struct job_paths *paths)
{
	char path[PATH_SIZE];

	return !path_format(path, "%s/spec.json", paths->run) && file_exists(path);
}

bool job_is_anywhere(const struct job_paths *paths)
{
	return file_exists(paths->run) || file_exists(paths->pins) ||
	       file_exists(paths->netns) || file_exists(paths->cgroup);
}

int remains_remove(const struct job_paths *paths, struct failure *failure)
{
	int error = cgroup_kill(paths->cgroup, KILL_PATIENCE);

	if (error)
		return fail(
			failure, error, "cannot end the processes in %s", paths->cgroup);
	error = tree_remove(paths->cgroup, true);
	if (error)
		return fail(failure, error, "cannot remove %s", paths->cgroup);
	error = tree_remove(paths->pins, false);
	if (error)
		return fail(failure, error, "cannot remove %s", paths->pins);
	error = netns_remove(paths->netns);
	if (error)
		return fail(failure, error, "cannot remove %s", paths->netns);
	error = tree_remove(paths->run, false);
	return error ? fail(failure, error, "cannot remove %s", paths->run) : 0;
}

/* The cgroup that the first link, which holds all packets, is attached to; 0: none, or one that is gone. */
static uint64_t fenced_cgroup(const struct job_paths *paths)
{
	struct bpf_link_info info = {};
	unsigned int length = sizeof(info);
	char path[PATH_SIZE];
	_fd_ int link = -1;

	if (path_format(path, "%s/links/egress", paths->pins))
		return 0;
	link = bpf_obj_get(path);
	return link < 0 || bpf_obj_get_info_by_fd(link, &info, &length)
		       ? 0
		       : info.cgroup.cgroup_id;
}

int remains_fence_nobody(const struct job_paths *paths, struct failure *failure)
{
	uint64_t fenced = fenced_cgroup(paths), own = 0;
	_fd_ int cgroup = cgroup_open(paths->work);
	_fd_ int other = -1;

	if (!fenced || (cgroup >= 0 && !cgroup_id(cgroup, &own) && own == fenced))
		return 0;
	other = cgroup_open_by_id(fenced);
	if (other < 0 || cgroup_is_populated_at(other) != 1)
		return 0;
	return fail(failure, -EBUSY,
		"%s is half a job, whose fence still holds processes in the cgroup with the inode "
		"%llu; end them first",
		paths->run, (unsigned long long)fenced);
}
