/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Covers a folder by a tmpfs with the same entries, in the mount namespace of the caller.
 * New entries are then seen there and nowhere else. Returns 0 or -errno.
 */
int folder_cover(const char *path);
