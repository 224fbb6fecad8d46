/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Visible ownership. A variable that is declared with one of these attributes is released
 * at the end of its scope. TAKE_* hands its value to another owner.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}

static inline void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _free_		    _cleanup_(cleanup_free)
#define _fd_		    _cleanup_(cleanup_fd)
#define _file_		    _cleanup_(cleanup_file)
#define _dir_		    _cleanup_(cleanup_dir)

#define TAKE(variable, empty) \
	({ \
		__typeof__(variable) taken_ = (variable); \
		(variable) = (empty); \
		taken_; \
	})
#define TAKE_POINTER(pointer) TAKE(pointer, NULL)
#define TAKE_FD(fd)	      TAKE(fd, -1)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - __builtin_offsetof(type, member)))
