// SPDX-License-Identifier: BSD-2-Clause
/* See trust.h. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job/trust.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/installed.h"
#include "lib/pem.h"
#include "node/proxy_user.h"

#define ROOTS_MAX     (8UL * 1024 * 1024) /* bytes of a file of certificates */
#define AUTHORITY_MAX 65536		  /* bytes that fit into a pipe */
#define TLS_PROGRAM   "jobfence-tls"
#define IN_VIEW(name) TRUST_VIEW "/" name

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

const struct variable *trust_variables(void)
{
	static const struct variable variables[] = {
		{ "SSL_CERT_FILE", IN_VIEW(TRUST_BUNDLE) },
		{ "CURL_CA_BUNDLE", IN_VIEW(TRUST_BUNDLE) },
		{ "REQUESTS_CA_BUNDLE", IN_VIEW(TRUST_BUNDLE) },
		{ "PIP_CERT", IN_VIEW(TRUST_BUNDLE) },
		{ "GIT_SSL_CAINFO", IN_VIEW(TRUST_BUNDLE) },
		{ "CARGO_HTTP_CAINFO", IN_VIEW(TRUST_BUNDLE) },
		{ "AWS_CA_BUNDLE", IN_VIEW(TRUST_BUNDLE) },
		{ "BUNDLE_SSL_CA_CERT", IN_VIEW(TRUST_BUNDLE) },
		{ "NIX_SSL_CERT_FILE", IN_VIEW(TRUST_BUNDLE) },
		{ "npm_config_cafile", IN_VIEW(TRUST_BUNDLE) },
		{ "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", IN_VIEW(TRUST_BUNDLE) },
		{ "CODEX_CA_CERTIFICATE", IN_VIEW(TRUST_BUNDLE) },
		/* These add to the roots that the program has. */
		{ "NODE_EXTRA_CA_CERTS", IN_VIEW(TRUST_CA) },
		{ "DENO_CERT", IN_VIEW(TRUST_CA) },
		{ "UV_NATIVE_TLS", "1" },
		{ "UV_SYSTEM_CERTS", "1" },
		{ "JAVA_TOOL_OPTIONS", "-Djavax.net.ssl.trustStore=" IN_VIEW(TRUST_STORE) },
		{ NULL, NULL },
	};
	return variables;
}

int trust_program_open(struct failure *failure)
{
	char path[PATH_MAX];
	int fd, error = installed_program(path, sizeof(path), TLS_PROGRAM, failure);

	if (error)
		return error;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? fail(failure, -errno, "cannot open %s", path) : fd;
}

int trust_folder(const struct job *job, char path[PATH_SIZE])
{
	return path_format(path, "%s/trust", job->paths.run);
}

static int file_path(const struct job *job, const char *name, char path[PATH_SIZE])
{
	return path_format(path, "%s/trust/%s", job->paths.run, name);
}

/*
 * Reads the certificates of a file, and nothing else of it. Returns 0 or -errno. -ENODATA:
 * it has none.
 */
static int read_certificates(const char *path, char **certificates, size_t *length)
{
	_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_free_ char *text = NULL, *copy = NULL;
	size_t size = 0;
	int error = fd < 0 ? -errno : file_read(fd, ROOTS_MAX, &text, &size);

	if (error)
		return error;
	copy = malloc(size + 1);
	if (!copy)
		return -ENOMEM;
	*length = pem_certificates(text, size, copy);
	if (!*length)
		return -ENODATA;
	*certificates = TAKE_POINTER(copy);
	return 0;
}

/* Finds those of the node. Returns 0 or -errno. -ENOENT: it has none. */
static int read_node_roots(char **certificates, size_t *length)
{
	int error = -ENOENT;

	for (const char *const *place = trust_bundle_places; *place && error; place++)
		error = read_certificates(*place, certificates, length);
	return error;
}

static int write_all(int fd, const char *text, size_t length)
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

int trust_roots_make(const struct job *job, struct failure *failure)
{
	_free_ char *more = NULL, *roots = NULL;
	size_t more_length = 0, length = 0;
	_fd_ int fd = memfd_create("roots", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error = job->upstream_ca[0]
			    ? read_certificates(job->upstream_ca, &more, &more_length)
			    : 0;

	if (error == -ENODATA)
		return fail_as(failure, STATUS_FAILED,
			"upstream_ca %s has no certificate; put some there, as PEM",
			job->upstream_ca);
	if (error)
		return fail(failure, error, "cannot read upstream_ca %s", job->upstream_ca);
	error = read_node_roots(&roots, &length);
	if (error && !more_length)
		return fail_as(failure, STATUS_FAILED,
			"the node has no certificates by which sites could be verified; install them: apt-get install ca-certificates");
	error = fd < 0 ? -errno : write_all(fd, more, more_length);
	if (!error)
		error = write_all(fd, roots, length);
	if (!error && fcntl(fd, F_ADD_SEALS,
			      F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		error = -errno;
	return error ? fail(failure, error, "cannot copy the node's certificates")
		     : TAKE_FD(fd);
}

/*
 * Reads what the proxy wrote, which is in the pipe by now. It is a certificate, or nothing
 * of it is taken.
 */
static int read_authority(int pipe, char pem[AUTHORITY_MAX + 1])
{
	_free_ char *text = malloc(AUTHORITY_MAX);
	size_t length = 0;
	ssize_t got = 1;

	if (!text)
		return -ENOMEM;
	if (fcntl(pipe, F_SETFL, O_NONBLOCK))
		return -errno;
	while (got > 0 && length < AUTHORITY_MAX) {
		got = read(pipe, text + length, AUTHORITY_MAX - length);
		length += got > 0 ? (size_t)got : 0;
	}
	return pem_certificates(text, length, pem) ? 0 : -EPROTO;
}

/* Opens a file to write it anew, in place. */
static int open_file(const struct job *job, const char *name)
{
	char path[PATH_SIZE];
	int fd = file_path(job, name, path)
			 ? -1
			 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
				   0644);

	return fd < 0 ? -errno : fd;
}

static int write_bundle(const struct job *job, const char *authority)
{
	_free_ char *roots = NULL;
	size_t length = 0;
	_fd_ int fd = open_file(job, TRUST_BUNDLE);
	int error = fd < 0 ? fd : read_node_roots(&roots, &length);

	/* A node without roots trusts upstream_ca alone, and the job its authority. */
	if (error == -ENOENT || error == -ENODATA)
		error = 0;
	if (!error)
		error = write_all(fd, roots, length);
	return error ? error : write_all(fd, authority, strlen(authority));
}

/*
 * Writes the policy CACertificates, a list of certificates in base64. Those in PEM are that,
 * with lines.
 */
static int write_policy(const struct job *job, const char *authority)
{
	static const char begin[] = "{\"CACertificates\": [\"", end[] = "\"]}\n";
	_free_ char *text = malloc(sizeof(begin) + strlen(authority) + sizeof(end));
	_fd_ int fd = open_file(job, TRUST_POLICY);
	const char *line = strchr(authority, '\n');
	char *at;

	if (!text || !line)
		return -ENOMEM;
	at = stpcpy(text, begin);
	for (line++; *line && *line != '-'; line++)
		if (*line != '\n')
			*at++ = *line;
	at = stpcpy(at, end);
	return fd < 0 ? fd : write_all(fd, text, (size_t)(at - text));
}

/* The program reads certificates, so it gets no privileges. */
static __attribute__((noreturn)) void become_maker(
	uid_t uid, int program, int bundle, int store)
{
	char *const arguments[] = { (char *)TLS_PROGRAM, (char *)"trust-store", NULL };
	char *const environment[] = { NULL };

	if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && dup2(bundle, STDIN_FILENO) >= 0 &&
		dup2(store, STDOUT_FILENO) >= 0 &&
		!close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) &&
		!setgroups(0, NULL) && !setresgid(uid, uid, uid) &&
		!setresuid(uid, uid, uid) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
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
static int write_store(const struct job *job, struct failure *failure)
{
	char path[PATH_SIZE];
	_fd_ int program = trust_program_open(failure), store = -1, bundle = -1;
	int error = program < 0 ? program : file_path(job, TRUST_BUNDLE, path);
	pid_t pid;

	if (error)
		return error;
	bundle = open(path, O_RDONLY | O_CLOEXEC);
	store = open_file(job, TRUST_STORE);
	pid = bundle < 0 || store < 0 ? -1 : fork();
	if (!pid)
		become_maker(proxy_user_of(job->proxy_id), program, bundle, store);
	error = pid < 0 ? -errno : wait_for_maker(pid);
	return error ? fail(failure, error, "cannot make %s/trust/" TRUST_STORE,
			       job->paths.run)
		     : 0;
}

int trust_write(const struct job *job, int pipe, struct failure *failure)
{
	_free_ char *authority = malloc(AUTHORITY_MAX + 1);
	char folder[PATH_SIZE];
	_fd_ int file = -1;
	int error = authority ? read_authority(pipe, authority) : -ENOMEM;

	if (error)
		return fail(failure, error, "the proxy gave no certificate of its own");
	error = trust_folder(job, folder);
	if (!error)
		error = folder_make(folder);
	if (error)
		return fail(failure, error, "cannot make %s/trust", job->paths.run);
	file = open_file(job, TRUST_CA);
	error = file < 0 ? file : write_all(file, authority, strlen(authority));
	if (!error)
		error = write_bundle(job, authority);
	if (!error)
		error = write_policy(job, authority);
	return error ? fail(failure, error, "cannot write to %s", folder)
		     : write_store(job, failure);
}

static json_t *variables_to_json(void)
{
	json_t *object = json_object();

	for (const struct variable *v = trust_variables(); v->name; v++)
		json_object_set_new(object, v->name, json_string(v->value));
	return object;
}

json_t *trust_to_json(const struct job *job)
{
	char folder[PATH_SIZE], path[PATH_SIZE];
	_free_ char *authority = NULL;
	size_t length;

	if (!job->spec.intercept.count || trust_folder(job, folder) ||
		file_path(job, TRUST_CA, path))
		return json_null();
	/* The files of a job that is incomplete may be missing. */
	if (read_certificates(path, &authority, &length))
		authority = NULL;
	return json_pack("{s:s?, s:s, s:s, s:s+, s:s+, s:o}", "ca", authority, "folder",
		folder, "mount_at", TRUST_VIEW, "bundle", folder, "/" TRUST_BUNDLE,
		"pkcs12", folder, "/" TRUST_STORE, "env", variables_to_json());
}
