/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The paths of a job's parts. All four places are found by the job's name, and nothing is
 * recorded anywhere else:
 *
 *	/run/jobfence/jobs/JOB			spec.json, labels.json, resolv.conf,
 *						proxy.log, the marks `ending` and
 *						`empty`, the socket `asked-to-end`,
 *						the folder `trust`
 *	/sys/fs/bpf/jobfence/jobs/JOB		pinned links and maps
 *	/run/netns/jobfence-JOB			its network namespace
 *	<cgroup2>/jobfence/JOB			cgroups: `work` for the job; `proxy`, `init`
 *
 * In the file systems of bpf and cgroups, a dot of the name is written as a colon. The
 * first allows no dots. In the second, a job could take the name of a control file.
 */

#include <stdbool.h>

#include "lib/failure.h"

#define PATH_SIZE	256
#define JOB_NAME_MAX	63
#define RUN_FOLDER	"/run/jobfence"
#define RUN_JOBS_FOLDER RUN_FOLDER "/jobs"
#define BPF_MOUNT	"/sys/fs/bpf"
#define PINS_FOLDER	BPF_MOUNT "/jobfence"
#define PIN_JOBS_FOLDER PINS_FOLDER "/jobs"
#define NETNS_FOLDER	"/run/netns"
#define DIGEST_LENGTH	12 /* hexadecimal digits that name a version's programs */

struct job_paths {
	char run[PATH_SIZE];
	char pins[PATH_SIZE];
	char netns[PATH_SIZE];
	char cgroup[PATH_SIZE]; /* the parent of the next three */
	char work[PATH_SIZE];
	char proxy[PATH_SIZE];
	char init[PATH_SIZE];
};

/* Formats a path. Returns 0, or -ENAMETOOLONG with an empty path. */
int path_format(char path[PATH_SIZE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Formats a path as an absolute one. Symbolic links are not followed. The link to the
 * namespace of a process leads to no path. Returns 0 or -errno.
 */
int path_absolute(char absolute[PATH_SIZE], const char *path);

/*
 * Fills in the paths of a job, whose name was checked before. Returns 0, or -errno if
 * cgroup v2 is not mounted.
 */
int job_paths(const char *name, struct job_paths *paths, struct failure *failure);

/* Whether a job is complete. Its spec.json is written last and removed last. */
bool job_is_complete(const struct job_paths *paths);

/* Whether any of the four places has an entry with the job's name. */
bool job_is_anywhere(const struct job_paths *paths);

/*
 * Whether the folders that hold jobs belong to nobody else. If others may write there, as
 * in a bpffs of mode 1777, they may have made such a folder first. They would then own
 * the fences in it. A missing folder belongs to nobody. Returns 0, or -errno with the
 * failure noted.
 */
int paths_check(struct failure *failure);

/*
 * The mount point of cgroup v2, which may be /sys/fs/cgroup/unified. NULL: there is no
 * mount point.
 */
const char *cgroup_mount(void);
