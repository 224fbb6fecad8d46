/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* As whom a job's command runs, and with which rights. */

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/failure.h"

struct user {
	bool change; /* false: stay who we are */
	uid_t uid;
	gid_t gid;
	char name[LOGIN_NAME_MAX]; /* for the supplementary groups; empty: none */
};

/* Finds the user named by `text` (NAME, UID or either with :GROUP); NULL: the one who called sudo, from
 * $SUDO_UID and $SUDO_GID, if any. Returns 0, or -errno with STATUS_USAGE. */
int user_find(const char *text, struct user *user, struct failure *failure);

/*
 * Becomes that user for good: with no_new_privs, and as root with at most the capabilities that Docker
 * gives by default, less CAP_NET_RAW and, as there is no fence around devices here, CAP_MKNOD. Returns 0 or
 * -errno; the caller ends the process then.
 */
int user_become(const struct user *user);
