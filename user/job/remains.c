// SPDX-License-Identifier: BSD-2-Clause
/* See remains.h. */

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "job/place.h"
#include "job/remains.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/attach.h"
#include "node/cgroup.h"
#include "node/maps.h"
#include "node/netns.h"
#include "node/slice.h"
#include "node/state.h"

/*
 * Finds the cgroup that the first link is attached to. That link holds all packets. The
 * id is 0 if there is no such link, or if the cgroup is gone. Returns 0 or -errno.
 */
static int find_fenced(const struct job_paths *paths, uint64_t *id)
{
	struct bpf_link_info info = {};
	unsigned int length = sizeof(info);
	char path[PATH_SIZE];
	_fd_ int link = -1;

	*id = 0;
	if (path_format(path, "%s/links/egress", paths->pins))
		return -ENAMETOOLONG;
	link = bpf_obj_get(path);
	if (link < 0)
		return errno == ENOENT ? 0 : -errno;
	if (bpf_obj_get_info_by_fd(link, &info, &length))
		return -errno;
	*id = info.cgroup.cgroup_id;
	return 0;
}

static int clear_fenced(const struct job_paths *paths)
{
	_cleanup_(job_maps_close) struct job_maps maps = JOB_MAPS_NONE;
	uint64_t fenced;
	int error = find_fenced(paths, &fenced);

	if (!error)
		error = job_maps_open_shared(paths, &maps);
	return error ? (error == -ENOENT ? 0 : error) : state_clear(&maps, fenced, 0);
}

int remains_remove(const struct job_paths *paths, struct failure *failure)
{
	char own[PATH_SIZE];
	int error = slice_cgroup(paths, own);

	if (error)
		return fail(failure, error, "cannot find the cgroup of %s", paths->run);
	error = slice_kill(paths);
	if (error)
		return fail(failure, error, "cannot end the processes in %s", own);
	error = cgroup_kill(paths->cgroup, KILL_PATIENCE);
	if (error)
		return fail(
			failure, error, "cannot end the processes in %s", paths->cgroup);
	/*
	 * If the maps are missing or were never filled, the programs refuse everything
	 * already.
	 */
	error = clear_fenced(paths);
	if (error)
		return fail(failure, error, "cannot clear the state of %s", paths->cgroup);
	error = attach_to_remain(paths, own);
	if (error)
		return fail(failure, error, "cannot keep the fence on sockets of %s", own);
	error = slice_remove(paths, failure);
	if (error)
		return error;
	error = cgroup_remove(paths->cgroup);
	if (error)
		return fail(failure, error, "cannot remove %s", paths->cgroup);
	error = tree_remove(paths->pins);
	if (error)
		return fail(failure, error, "cannot remove %s", paths->pins);
	error = netns_remove(paths->netns);
	if (error)
		return fail(failure, error, "cannot remove %s", paths->netns);
	error = tree_remove(paths->run);
	return error ? fail(failure, error, "cannot remove %s", paths->run) : 0;
}

/* Whether the cgroup with that id is the one that jobfence made for the job. */
static bool is_own(const struct job_paths *paths, uint64_t id)
{
	char path[PATH_SIZE];
	_fd_ int cgroup = slice_cgroup(paths, path) ? -1 : cgroup_open(path);
	uint64_t own;

	return cgroup >= 0 && !cgroup_id(cgroup, &own) && own == id;
}

int remains_check_unfenced(const struct job_paths *paths, struct failure *failure)
{
	uint64_t fenced;
	int error = find_fenced(paths, &fenced), populated;

	if (!error && (!fenced || is_own(paths, fenced)))
		return 0;
	populated = error ? error : cgroup_is_populated(fenced);
	if (populated < 0)
		return fail(failure, populated, "cannot see whom the fence of %s holds",
			paths->run);
	if (!populated || place_is_forbidden(fenced))
		return 0;
	return fail(failure, -EBUSY,
		"%s is half made, and its fence still holds processes in the cgroup with the inode "
		"%llu; end them first",
		paths->run, (unsigned long long)fenced);
}

/* Whether processes run in the cgroup of that path. Returns 1, 0 or -errno. */
static int has_processes(const char *path)
{
	_fd_ int cgroup = cgroup_open(path);
	uint64_t id;
	int error = cgroup < 0 ? cgroup : cgroup_id(cgroup, &id);

	if (error)
		return cgroup == -ENOENT ? 0 : error;
	return cgroup_is_populated(id);
}

/*
 * Whether processes run behind the fence of the job's own cgroup. Returns 1, 0 or
 * -errno.
 */
static int is_lived_in(const struct job_paths *paths)
{
	char path[PATH_SIZE];
	int error = slice_cgroup(paths, path), populated;
	_fd_ int own = error ? error : cgroup_open(path);
	int attached = own == -ENOENT ? 0 : own < 0 ? own : attach_is_there(own);

	if (attached <= 0)
		return attached;
	populated = has_processes(path);
	return populated ? populated : has_processes(paths->init);
}

/*
 * Whether the job's proxy writes to a log under the job's name that is not the one
 * here. In that case the record is in the /run of another mount namespace.
 */
static bool is_recorded_elsewhere(const struct job_paths *paths)
{
	pid_t proxy = cgroup_first_process(paths->proxy);
	char descriptor[PATH_SIZE], path[PATH_SIZE], target[PATH_MAX], *folder;
	ssize_t length;
	struct stat log, here;

	if (proxy <= 0 || path_format(descriptor, "/proc/%d/fd/2", (int)proxy) ||
		path_format(path, "%s/proxy.log", paths->run))
		return false;
	length = readlink(descriptor, target, sizeof(target) - 1);
	if (length < 0 || stat(descriptor, &log))
		return false;
	target[length] = '\0';
	/*
	 * For a mount outside this namespace the kernel shows the path below the root
	 * of that mount.
	 */
	folder = strstr(target, "/jobs/");
	if (!folder || strcmp(folder, strstr(path, "/jobs/")) != 0)
		return false;
	return stat(path, &here) || here.st_ino != log.st_ino || here.st_dev != log.st_dev;
}

int remains_check_idle(const struct job_paths *paths, struct failure *failure)
{
	const char *name = strrchr(paths->run, '/') + 1;
	int error = remains_check_unfenced(paths, failure), lives;

	if (error)
		return error;
	lives = is_lived_in(paths);
	if (lives < 0)
		return fail(failure, lives, "cannot see who is in %s", paths->cgroup);
	if (lives || is_recorded_elsewhere(paths))
		return fail_as(failure, STATUS_FAILED,
			"job %s lives, but has no record in %s: that was lost, or is in another mount "
			"namespace; to end the job: jobfence down %s",
			name, paths->run, name);
	return 0;
}
