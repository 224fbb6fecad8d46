/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Whole files and folders. */

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Makes a folder and its missing parents, with permissions 0755. Returns 0, also if the
 * folder exists already, or -errno.
 */
int folder_make(const char *path);

/*
 * Writes a short file in one piece. The file is truncated, or made with permissions 0644.
 * Returns 0 or -errno.
 */
int file_write(const char *path, const char *text);

/*
 * Reads a descriptor to its end into memory, which the caller frees. A NUL follows the
 * text, and `*length` does not count it. Returns 0, -EFBIG for more than `limit` bytes,
 * or -errno.
 */
int file_read(int fd, size_t limit, char **text, size_t *length);

/* The text of a file, which the caller frees. NULL: it can't be read, or is too long. */
char *file_text(const char *path, size_t limit);

/*
 * Removes a folder and everything below it, without following links. Only the caller may
 * write there: fts(3) opens a folder by its path, which could have become a link. Returns
 * 0, also if there is no such folder, or -errno of the first failure.
 */
int tree_remove(const char *path);

/*
 * The next entry of a folder, except "." and "..". NULL: there are no more, or the folder
 * can't be read. `*error` becomes 0 or -errno then.
 */
const struct dirent *folder_next(DIR *folder, int *error);

bool file_exists(const char *path);
