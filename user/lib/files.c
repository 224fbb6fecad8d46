// SPDX-License-Identifier: BSD-2-Clause
/* See files.h. */

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/files.h"

/* Cuts the path in place while it makes the folders above. */
static int make_folder(char *path)
{
	char *slash;
	int error;

	if (!mkdir(path, 0755) || errno == EEXIST)
		return 0;
	slash = errno == ENOENT ? strrchr(path, '/') : NULL;
	if (!slash || slash == path)
		return -errno;
	*slash = '\0';
	error = make_folder(path);
	*slash = '/';
	return error || !mkdir(path, 0755) || errno == EEXIST ? error : -errno;
}

int folder_make(const char *path)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, length + 1);
	return make_folder(part);
}

int file_write(const char *path, const char *text)
{
	size_t length = strlen(text);
	_fd_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	ssize_t written;

	if (fd < 0)
		return -errno;
	written = write(fd, text, length);
	if (written < 0)
		return -errno;
	return (size_t)written == length ? 0 : -EIO;
}

int file_read(int fd, size_t limit, char **text, size_t *length)
{
	_free_ char *all = malloc(limit + 2);
	size_t used = 0;
	ssize_t count;

	if (!all)
		return -ENOMEM;
	do {
		count = read(fd, all + used, limit + 1 - used);
		if (count > 0)
			used += (size_t)count;
	} while (used <= limit && (count > 0 || (count < 0 && errno == EINTR)));
	if (count < 0)
		return -errno;
	if (used > limit)
		return -EFBIG;
	all[used] = '\0';
	*text = TAKE_POINTER(all);
	*length = used;
	return 0;
}

char *file_text(const char *path, size_t limit)
{
	_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t length;

	return fd < 0 || file_read(fd, limit, &text, &length) ? NULL : text;
}

static void cleanup_fts(FTS **tree)
{
	if (*tree)
		fts_close(*tree);
}

int tree_remove(const char *path)
{
	char *const roots[] = { (char *)path, NULL };
	_cleanup_(cleanup_fts) FTS *tree =
		fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV | FTS_NOSTAT, NULL);
	const FTSENT *entry;
	int first = 0;

	if (!tree)
		return -errno;
	while ((entry = fts_read(tree))) {
		int error = 0;

		if (entry->fts_info == FTS_D)
			continue;
		if (entry->fts_info == FTS_DP)
			error = rmdir(entry->fts_path) ? errno : 0;
		else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
			 entry->fts_info == FTS_NS)
			error = entry->fts_errno;
		else
			error = unlink(entry->fts_path) ? errno : 0;
		if (error && error != ENOENT && !first)
			first = -error;
	}
	/* fts_read(3) sets it to 0 at the end. */
	return first ? first : -errno;
}

const struct dirent *folder_next(DIR *folder, int *error)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(folder);
	} while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
	if (!entry)
		*error = -errno;
	return entry;
}

bool file_exists(const char *path)
{
	return !access(path, F_OK);
}
