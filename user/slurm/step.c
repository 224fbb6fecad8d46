// SPDX-License-Identifier: BSD-2-Clause
/* See step.h. Slurm's cgroups are made by its src/plugins/cgroup/v2/cgroup_v2.c. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "slurm/step.h"

#define CGROUPS	   "/sys/fs/cgroup"
#define OWN_PREFIX "jobfence_"
#define OWN_SIZE   4096
#define SWEEP_LOCK 0 /* the byte of the file for sweep(); that of a job follows it */

/* Reads the path of the caller's cgroup, below the mount point. */
static int read_own_cgroup(char path[OWN_SIZE])
{
	_file_ FILE *file = fopen("/proc/self/cgroup", "re");
	char line[OWN_SIZE];

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(path, OWN_SIZE, "%s", line + 3);
		return 0;
	}
	return -ENOENT;
}

static int write_process(int procs, const char *process)
{
	return write(procs, process, strlen(process)) < 0 ? -errno : 0;
}

/*
 * Takes or gives back the lock of one byte of the file. No child has it for longer than
 * the caller, since each closes it.
 */
static int lock_byte(int fd, off_t byte, short type)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
	};

	while (fcntl(fd, F_OFD_SETLKW, &lock))
		if (errno != EINTR)
			return -errno;
	return 0;
}

int step_lock(struct step *step, uint32_t job)
{
	int error = folder_make(RUN_FOLDER);

	if (error)
		return error;
	step->lock = open(STEP_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return step->lock < 0 ? -errno
			      : lock_byte(step->lock, SWEEP_LOCK + 1 + (off_t)job, F_WRLCK);
}

/*
 * Removes what slurmstepds left that were killed. No cgroup with a process goes. The one
 * that another slurmstepd made and did not enter yet has none.
 */
static void sweep(const char *scope)
{
	_dir_ DIR *folder = opendir(scope);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (!strncmp(entry->d_name, OWN_PREFIX, strlen(OWN_PREFIX)))
			unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
}

/* Moves the caller to a cgroup of its own. */
static int move_out(const struct step *step)
{
	_fd_ int fd = -1;

	if (mkdir(step->own, 0755) && errno != EEXIST)
		return -errno;
	fd = open(step->own_procs, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : write_process(fd, "0");
}

/* Does both. Until the caller is in its cgroup, no other one may sweep. */
static int sweep_and_move_out(const struct step *step, const char *scope)
{
	int error = lock_byte(step->lock, SWEEP_LOCK, F_WRLCK), unlocked;

	if (error)
		return error;
	sweep(scope);
	error = move_out(step);
	unlocked = lock_byte(step->lock, SWEEP_LOCK, F_UNLCK);
	return error ? error : unlocked;
}

/* Finds the paths of the caller's step: Slurm's scope, and cgroup.procs of `system`. */
static int find_paths(
	struct step *step, uint32_t job, char scope[PATH_SIZE], char waiting[PATH_SIZE])
{
	char place[OWN_SIZE], name[32];
	char *folder, *end, *below;
	int error = read_own_cgroup(place);

	if (error)
		return error;
	snprintf(name, sizeof(name), "/job_%" PRIu32 "/step_", job);
	folder = strstr(place, name);
	end = strrchr(place, '/');
	if (!folder || strcmp(end, "/slurm") != 0 || end < folder + strlen(name))
		return -ENOENT;
	*folder = *end = '\0'; /* the scope, and what is below it */
	below = strchr(folder + 1, '/') + 1;
	error = path_format(scope, CGROUPS "%s", place);
	if (!error)
		error = path_format(waiting, "%s/system/cgroup.procs", scope);
	if (!error)
		error = path_format(step->cgroup, "%s/job_%" PRIu32, scope, job);
	if (!error)
		error = path_format(
			step->procs, "%s/%s/slurm/cgroup.procs", step->cgroup, below);
	if (!error)
		error = path_format(
			step->kill, "%s/%s/slurm/cgroup.kill", step->cgroup, below);
	if (!error)
		error = path_format(
			step->own, "%s/" OWN_PREFIX "%" PRIu32 "_%s", scope, job, below);
	if (!error)
		error = path_format(step->own_procs, "%s/cgroup.procs", step->own);
	return error;
}

int step_leave(struct step *step, uint32_t job)
{
	char scope[PATH_SIZE], waiting[PATH_SIZE];
	int error = find_paths(step, job, scope, waiting);

	if (error)
		return error;
	step->entrance = open(step->procs, O_WRONLY | O_CLOEXEC);
	step->waiting = open(waiting, O_WRONLY | O_CLOEXEC);
	if (step->entrance < 0 || step->waiting < 0)
		return -errno;
	return sweep_and_move_out(step, scope);
}

int step_stay_out(const struct step *step)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) ||
		mount(step->own_procs, step->procs, NULL, MS_BIND, NULL))
		return -errno;
	return 0;
}

void step_end(struct step *step)
{
	/* Slurm looked for them in the file that step_stay_out() covered. */
	if (step->kill[0] && !step_is_inside(step, -1))
		file_write(step->kill, "1");
	if (step->own[0] && step->waiting >= 0 && !write_process(step->waiting, "0"))
		rmdir(step->own);
}

int step_enter(const struct step *step, int netns)
{
	int error = write_process(step->entrance, "0");

	if (error)
		return error;
	return netns >= 0 && setns(netns, CLONE_NEWNET) ? -errno : 0;
}

bool step_is_inside(const struct step *step, int netns)
{
	const char *below = step->cgroup + strlen(CGROUPS);
	struct stat own, jobs;
	char path[OWN_SIZE];

	if (!step->cgroup[0] || read_own_cgroup(path) ||
		strncmp(path, below, strlen(below)) != 0 || path[strlen(below)] != '/')
		return false;
	if (netns < 0)
		return true;
	return !stat("/proc/self/ns/net", &own) && !fstat(netns, &jobs) &&
	       own.st_dev == jobs.st_dev && own.st_ino == jobs.st_ino;
}
