/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The user that a job's command runs as, and its rights. */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/failure.h"

#define USER_GROUPS_MAX 1024 /* supplementary groups */

struct user {
	bool change; /* false: keep the current user, which uid and gid name */
	uid_t uid;
	gid_t gid;
	int group_count;
	gid_t groups[USER_GROUPS_MAX];
	char name[LOGIN_NAME_MAX]; /* empty: the node does not know the user */
	char home[PATH_MAX], shell[PATH_MAX];
};

/*
 * Finds the user that `text` names: NAME or UID, optionally with :GROUP. NULL: the user
 * that called sudo, by $SUDO_UID and $SUDO_GID, otherwise the current one. Returns 0, or
 * -errno with STATUS_USAGE. A user that proxies run as is refused as well.
 */
int user_find(const char *text, struct user *user, struct failure *failure);

/*
 * Sets HOME, SHELL, USER, LOGNAME, MAIL and XDG_RUNTIME_DIR for a changed user, as su(1)
 * and sudo(8) do. Removes the previous user's XDG folders and session bus. Returns 0 or
 * -errno.
 */
int user_set_variables(const struct user *user);

/*
 * Becomes that user for good, with no_new_privs. Root keeps at most the capabilities that
 * Docker gives by default, without CAP_NET_RAW and CAP_MKNOD. CAP_MKNOD is left out
 * because no fence around devices exists here. Returns 0 or -errno. On an error the
 * caller has to end the process.
 */
int user_become(const struct user *user);
