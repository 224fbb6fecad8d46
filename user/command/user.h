/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* As whom a job's command runs, and with which rights. */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/failure.h"

#define USER_GROUPS_MAX 1024 /* supplementary ones */

struct user {
	bool change; /* false: stay who we are, which uid and gid say */
	uid_t uid;
	gid_t gid;
	int group_count;
	gid_t groups[USER_GROUPS_MAX];
	char name[LOGIN_NAME_MAX]; /* empty: the node does not know that user */
	char home[PATH_MAX], shell[PATH_MAX];
};

/* Finds the user named by `text` (NAME, UID or either with :GROUP); NULL: the one who called sudo, from
 * $SUDO_UID and $SUDO_GID, if any. Returns 0, or -errno with STATUS_USAGE, also for the user of a proxy. */
int user_find(const char *text, struct user *user, struct failure *failure);

/*
 * Sets HOME, SHELL, USER, LOGNAME, MAIL and XDG_RUNTIME_DIR as su(1) and sudo(8) do for a user that is changed to, and removes the
 * XDG folders and the session bus of the one before. Returns 0 or -errno.
 */
int user_set_variables(const struct user *user);

/*
 * Becomes that user for good: with no_new_privs, and as root with at most the capabilities that Docker
 * gives by default, less CAP_NET_RAW and, as there is no fence around devices here, CAP_MKNOD. Returns 0 or
 * -errno; the caller ends the process then.
 */
int user_become(const struct user *user);
