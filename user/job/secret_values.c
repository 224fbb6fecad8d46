// SPDX-License-Identifier: BSD-2-Clause
/* See secret_values.h. A value is read into the locked pages, and is nowhere else. */

#include "job/secret_values.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/capabilities.h"
#include "lib/cleanup.h"
#include "lib/locked.h"

#define GROUPS_MAX 256

void secret_values_free(struct secret_values *values)
{
	locked_unmap(values->file, sizeof(*values->file));
	cleanup_fd(&values->fd);
}

static int open_plainly(const char *path)
{
	/* A pipe without a writer, or a terminal, must not hold up the job. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

/* What this process opens files by. */
struct rights {
	uint64_t capabilities;
	gid_t groups[GROUPS_MAX];
	int count;
	gid_t gid;
};

/* Opens files as that user from now on, with no capability that reads those of others. */
static int become(uid_t uid, struct rights *before)
{
	const struct passwd *entry = getpwuid(uid);
	uint64_t ignored;
	int error;

	error = capabilities_use(~0ULL, &before->capabilities);
	if (!error && (!entry || initgroups(entry->pw_name, entry->pw_gid)))
		error = -EACCES;
	if (error)
		return error;
	setfsgid(entry->pw_gid);
	setfsuid(uid);
	/* The calls do not tell whether they succeeded. */
	if (setfsuid(uid) != (int)uid || setfsgid(entry->pw_gid) != (int)entry->pw_gid)
		return -EACCES;
	return capabilities_use(1ULL << CAP_SETUID | 1ULL << CAP_SETGID, &ignored);
}

static int return_to(const struct rights *before)
{
	uint64_t ignored;

	setfsuid(geteuid());
	setfsgid(before->gid);
	if (setgroups((size_t)before->count, before->groups))
		return -errno;
	return capabilities_use(before->capabilities, &ignored);
}

/*
 * Opens a file by the rights that this process has as root, or by those of another user.
 * Returns a descriptor or -errno.
 */
static int open_as(const char *path, uid_t uid)
{
	struct rights before = {};
	int fd, error;

	if (!uid)
		return open_plainly(path);
	before.gid = getegid();
	before.count = getgroups(GROUPS_MAX, before.groups);
	if (before.count < 0)
		return -errno;
	fd = become(uid, &before);
	if (!fd)
		fd = open_plainly(path);
	error = return_to(&before);
	if (error && fd >= 0)
		close(fd);
	return error ? error : fd;
}

/*
 * Takes a descriptor over. No command of the job may have it. One of ours, such as that of
 * the lock, is closed on exec, and none that the caller gave is.
 */
static int take_descriptor(const struct secret *secret, struct failure *failure)
{
	int flags = fcntl(secret->fd, F_GETFD), fd;

	if (flags >= 0 && flags & FD_CLOEXEC)
		return fail(failure, -EBADF, "secret %s: descriptor %d", secret->name,
			secret->fd);
	fd = fcntl(secret->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return fail(failure, -errno, "secret %s: descriptor %d", secret->name,
			secret->fd);
	close(secret->fd);
	return fd;
}

static int open_file(const struct secret *secret, struct failure *failure)
{
	struct stat status;
	_fd_ int fd = open_as(secret->file, secret->uid);

	if (fd < 0)
		return fail(failure, fd, "secret %s: user %u cannot open %s", secret->name,
			(unsigned)secret->uid, secret->file);
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return fail_as(failure, STATUS_FAILED, "secret %s: %s is no regular file",
			secret->name, secret->file);
	return TAKE_FD(fd);
}

static int open_source(const struct secret *secret, struct failure *failure)
{
	if (secret->fd)
		return take_descriptor(secret, failure);
	if (secret->file[0])
		return open_file(secret, failure);
	return fail_as(failure, STATUS_FAILED,
		"secret %s came from a descriptor and is gone; give it anew: jobfence update",
		secret->name);
}

/* Reads to the end, or one byte more than fits. Returns the length or -errno. */
static ssize_t read_value(int fd, char *bytes, size_t size, char *more)
{
	size_t length = 0;

	for (;;) {
		bool full = length == size;
		ssize_t count =
			read(fd, full ? more : bytes + length, full ? 1 : size - length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (!count)
			return (ssize_t)length;
		if (full)
			return -EFBIG;
		length += (size_t)count;
	}
}

static bool is_visible(char c)
{
	return c > ' ' && c <= '~';
}

static const char too_long[] = "it is longer than 2040 bytes";

/* Checks a value, and drops its line end. Returns the problem, or NULL. */
static const char *settle(struct secret_value *value, size_t length)
{
	if (length && value->bytes[length - 1] == '\n')
		value->bytes[--length] = '\0';
	if (length && value->bytes[length - 1] == '\r')
		value->bytes[--length] = '\0';
	if (length > SECRET_VALUE_MAX)
		return too_long;
	if (!length)
		return "it is empty";
	if (length < SECRET_VALUE_MIN)
		return "it is shorter than 8 bytes, and would be found in too many other texts";
	for (size_t i = 0; i < length; i++)
		if (!is_visible(value->bytes[i]) && value->bytes[i] != ' ')
			return "it has a byte that is no printable ASCII, such as a second line";
	if (!is_visible(value->bytes[0]) || !is_visible(value->bytes[length - 1]))
		return "it has a blank at its begin or end";
	value->length = (__u32)length;
	return NULL;
}

static int read_secret(
	const struct secret *secret, struct secret_value *value, struct failure *failure)
{
	_fd_ int fd = open_source(secret, failure);
	const char *problem;
	ssize_t length;
	char more;

	if (fd < 0)
		return fd;
	length = read_value(fd, value->bytes, sizeof(value->bytes), &more);
	explicit_bzero(&more, sizeof(more));
	if (length == -EFBIG)
		problem = too_long;
	else if (length < 0)
		return fail(failure, (int)length, "cannot read secret %s", secret->name);
	else
		problem = settle(value, (size_t)length);
	return problem ? fail_as(failure, STATUS_USAGE, "secret %s: %s", secret->name,
				 problem)
		       : 0;
}

static void fill_entry(const struct secret *secret, struct secret_entry *entry)
{
	memcpy(entry->name, secret->name, sizeof(secret->name));
	memcpy(entry->field, secret->field, sizeof(entry->field));
	memcpy(entry->before, secret->before, sizeof(entry->before));
	memcpy(entry->after, secret->after, sizeof(entry->after));
	/* Their size was checked as each was added. */
	request_rules_write(&secret->uses, entry->uses);
}

static int make_file(struct secret_values *values)
{
	const size_t size = sizeof(*values->file);

	values->fd = memfd_create("secrets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (values->fd < 0 || ftruncate(values->fd, (off_t)size) ||
		fcntl(values->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return -errno;
	return locked_map(values->fd, size, true, &values->file);
}

static int read_all(const struct secrets *secrets, bool lenient, struct secret_file *file,
	struct failure *failure)
{
	file->size = sizeof(*file);
	file->count = (__u32)secrets->count;
	for (size_t i = 0; i < secrets->count; i++) {
		struct secret_value *value = &file->values[i][0];
		int error = read_secret(&secrets->list[i], value, failure);

		if (error && !lenient)
			return error;
		if (error)
			explicit_bzero(value, sizeof(*value));
		fill_entry(&secrets->list[i], &file->entries[i]);
	}
	return 0;
}

int secret_values_read(const struct secrets *secrets, bool lenient,
	struct secret_values *values, struct failure *failure)
{
	int error = secrets->count ? make_file(values) : 0;

	if (error)
		return fail(failure, error, "cannot lock memory for secrets");
	return secrets->count ? read_all(secrets, lenient, values->file, failure) : 0;
}
