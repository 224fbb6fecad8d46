/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "lib/failure.h"

/*
 * Opens a file that root writes to, at an absolute path that somebody named. It is made
 * with permissions 0600 if it is missing, and then belongs to the owner of its folder.
 *
 * Nobody else may have turned the path elsewhere. So the folders and symbolic links on
 * the way, and the file, belong to root, to the caller, or to the user who called sudo.
 * Nobody else, and no group, may write to them, but to a folder such as /tmp (S_ISVTX).
 * The last part is no symbolic link, and the file has no other name.
 *
 * A regular file is opened to read and to append, anything else to write without waiting
 * (O_NONBLOCK). `*regular` tells which. Returns a descriptor, or -errno with the failure
 * noted.
 */
int appended_open(const char *path, bool *regular, struct failure *failure);
