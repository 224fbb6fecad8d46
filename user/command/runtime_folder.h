/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A user's runtime folder in a job's view: /run/user/UID, and /run/containers/UID, where
 * Podman and its like keep logins of a user without $XDG_RUNTIME_DIR.
 *
 * The folder outside has the sockets of the user's services, which could reach the
 * network for a job. So the job has a folder of its own, with copies of the regular files
 * outside: logins to registries, X authority files, scripts of just(1).
 *
 * They are copies, since programs replace such a file by rename(2). At a mounted file
 * that fails with EBUSY. So what a job writes does not get outside, and what is written
 * outside later does not get into the job.
 */

#include <stdbool.h>
#include <sys/types.h>

#define RUNTIME_PLACES 2

struct runtime_folder {
	uid_t uid;
	gid_t gid;
	int outside[RUNTIME_PLACES]; /* the folders of the node; -1: none */
};

#define RUNTIME_FOLDER_NONE \
	{ \
		.outside = { -1, -1 } \
	}

/*
 * Opens the folders of a user in the caller's mount namespace. A missing folder is no
 * error, and neither is one that the user does not own: the job's folder is empty then.
 */
void runtime_folder_open(struct runtime_folder *folder, uid_t uid, gid_t gid);

/*
 * Opens the folder /run/user/UID that `path` is in. Returns whether `path` is in such a
 * folder, and its user owns it.
 */
bool runtime_folder_open_above(struct runtime_folder *folder, const char *path);

void runtime_folder_close(struct runtime_folder *folder);

/*
 * Makes the folders in the caller's view, unless they are there: a user's first command
 * copies the files. Links, sockets, devices and other file systems are left out. So is
 * what is beyond the limits, with a sentence where $JOBFENCE_DEBUG asks for it. Returns 0
 * or -errno.
 */
int runtime_folder_make(const struct runtime_folder *folder);
