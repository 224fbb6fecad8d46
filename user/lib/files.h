/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Whole files and folders. */

#include <stdbool.h>
#include <stddef.h>

/* Makes a folder with permissions 0755 and its missing parents. Returns 0, also when it is
 * there already, or -errno. */
int folder_make(const char *path);

/* Writes a short file in one piece: makes or truncates it, with permissions 0644. Returns 0 or
 * -errno. */
int file_write(const char *path, const char *text);

/* Reads all of a descriptor into memory, with a NUL behind it that `*length` does not count; the caller
 * frees it. Returns 0, -EFBIG when it is more than `limit` bytes, or -errno. */
int file_read(int fd, size_t limit, char **text, size_t *length);

/* Removes a folder and what is below it, without following links. Returns 0, also when
 * there is none, or -errno of the first failure. */
int tree_remove(const char *path);

bool file_exists(const char *path);
