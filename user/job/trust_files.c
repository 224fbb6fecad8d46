// SPDX-License-Identifier: BSD-2-Clause
/* See trust_files.h. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job/trust_files.h"
#include "jobfence/proxy.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/installed.h"
#include "lib/pem.h"
#include "node/paths.h"

#define TLS_PROGRAM "jobfence-tls"

const char *const trust_bundle_places[] = {
	"/etc/ssl/certs/ca-certificates.crt",		     /* Debian, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",		     /* Fedora */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* the same */
	"/etc/ssl/ca-bundle.pem",			     /* SUSE */
	"/etc/ssl/cert.pem",				     /* Alpine, OpenSSL */
	NULL,
};

const char *const trust_store_places[] = {
	"/etc/ssl/certs/java/cacerts",		    /* Debian */
	"/etc/pki/java/cacerts",		    /* Fedora */
	"/etc/pki/ca-trust/extracted/java/cacerts", /* the same */
	NULL,
};

int trust_program_open(struct failure *failure)
{
	char path[PATH_MAX];
	int fd, error = installed_program(path, sizeof(path), TLS_PROGRAM, failure);

	if (error)
		return error;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? fail(failure, -errno, "cannot open %s", path) : fd;
}

int trust_read(int fd, char **certificates, size_t *length)
{
	_free_ char *text = NULL, *copy = NULL;
	size_t size = 0;
	int error = file_read(fd, CERTIFICATES_SIZE_MAX, &text, &size);

	if (error)
		return error;
	copy = malloc(size + 2);
	if (!copy)
		return -ENOMEM;
	*length = pem_certificates(text, size, copy);
	if (!*length)
		return -ENODATA;
	*certificates = TAKE_POINTER(copy);
	return 0;
}

int trust_read_file(const char *path, char **certificates, size_t *length)
{
	_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : trust_read(fd, certificates, length);
}

int trust_read_node(char **certificates, size_t *length)
{
	const char *const *place = trust_bundle_places;
	int error;

	do
		error = trust_read_file(*place++, certificates, length);
	while (*place && (error == -ENOENT || error == -ENODATA));
	return error;
}

int trust_write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(fd, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written ? -errno : -EIO;
		text += written;
		length -= (size_t)written;
	}
	return 0;
}

/* Opens a file to write it anew, in place. end_file() is due. */
static int open_file(const char *folder, const char *name)
{
	char path[PATH_SIZE];
	int fd = path_format(path, "%s/%s", folder, name)
			 ? -1
			 : open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : fd;
}

/*
 * Cuts off what the file had behind its new contents. Whoever reads it meanwhile finds the
 * old contents or the new, which begin alike.
 */
static int end_file(int fd)
{
	off_t length = lseek(fd, 0, SEEK_CUR);

	return length < 0 || ftruncate(fd, length) ? -errno : 0;
}

static int write_file(const char *folder, const char *name, const char *text, size_t length)
{
	_fd_ int fd = open_file(folder, name);
	int error = fd < 0 ? fd : trust_write_all(fd, text, length);

	return error ? error : end_file(fd);
}

int trust_prepare(const char *folder, const char *roots, size_t length)
{
	static const char *const names[] = { TRUST_CA, TRUST_STORE, TRUST_POLICY };
	int error = write_file(folder, TRUST_BUNDLE, roots, length);

	for (size_t i = 0; i < ARRAY_SIZE(names) && !error; i++)
		error = write_file(folder, names[i], "", 0);
	return error;
}

static int write_policy(const char *folder, const char *authority)
{
	_free_ char *text = malloc(strlen(authority) + PEM_POLICY_EXTRA);

	return text ? write_file(folder, TRUST_POLICY, text,
			      pem_chromium_policy(authority, text))
		    : -ENOMEM;
}

/* The program reads certificates, so it gets no privileges. */
static __attribute__((noreturn)) void become_maker(
	uid_t uid, int program, int bundle, int store)
{
	char *const arguments[] = { (char *)TLS_PROGRAM, (char *)"trust-store", NULL };
	char *const environment[] = { NULL };

	/* A change of user clears the signal of the parent's death. So it is set last. */
	if (dup2(bundle, STDIN_FILENO) >= 0 && dup2(store, STDOUT_FILENO) >= 0 &&
		!close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) &&
		!setgroups(0, NULL) && !setresgid(uid, uid, uid) &&
		!setresuid(uid, uid, uid) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
		!prctl(PR_SET_PDEATHSIG, SIGKILL))
		fexecve(program, arguments, environment);
	_exit(127);
}

static int wait_for_maker(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

/* Makes the store from the bundle. */
static int write_store(const char *folder, int bundle, uid_t uid, struct failure *failure)
{
	_fd_ int program = trust_program_open(failure), store = -1;
	int error;
	pid_t pid;

	if (program < 0)
		return program;
	store = open_file(folder, TRUST_STORE);
	error = store < 0 ? store : lseek(bundle, 0, SEEK_SET) ? -errno : 0;
	pid = error ? -1 : fork();
	if (!pid)
		become_maker(uid, program, bundle, store);
	if (!error)
		error = pid < 0 ? -errno : wait_for_maker(pid);
	if (!error)
		error = end_file(store);
	return error ? fail(failure, error, "cannot make %s/" TRUST_STORE, folder) : 0;
}

int trust_fill(const char *folder, const char *roots, size_t length, const char *authority,
	uid_t uid, struct failure *failure)
{
	_fd_ int bundle = open_file(folder, TRUST_BUNDLE);
	int error = bundle < 0 ? bundle : trust_write_all(bundle, roots, length);

	if (!error)
		error = trust_write_all(bundle, authority, strlen(authority));
	if (!error)
		error = end_file(bundle);
	if (!error)
		error = write_file(folder, TRUST_CA, authority, strlen(authority));
	if (!error)
		error = write_policy(folder, authority);
	return error ? fail(failure, error, "cannot write to %s", folder)
		     : write_store(folder, bundle, uid, failure);
}
