// SPDX-License-Identifier: BSD-2-Clause
/* See trust.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "job/trust.h"
#include "job/trust_files.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/pem.h"
#include "node/proxy_user.h"

#define AUTHORITY_MAX 65536 /* bytes that fit into a pipe */
#define IN_VIEW(name) TRUST_VIEW "/" name

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

int trust_folder(const struct job *job, char path[PATH_SIZE])
{
	return path_format(path, "%s/trust", job->paths.run);
}

int trust_roots_make(const struct job *job, struct failure *failure)
{
	_free_ char *more = NULL, *roots = NULL;
	size_t more_length = 0, length = 0;
	_fd_ int fd = memfd_create("roots", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error = job->upstream_ca[0]
			    ? trust_read_file(job->upstream_ca, &more, &more_length)
			    : 0;

	if (error == -ENODATA)
		return fail_as(failure, STATUS_FAILED,
			"upstream_ca %s has no certificate; put some there, as PEM",
			job->upstream_ca);
	if (error)
		return fail(failure, error, "cannot read upstream_ca %s", job->upstream_ca);
	error = trust_read_node(&roots, &length);
	if (error && error != -ENOENT && error != -ENODATA)
		return fail(failure, error, "cannot read the node's certificates");
	if (error && !more_length)
		return fail_as(failure, STATUS_FAILED,
			"the node has no certificates by which sites could be verified; install them: apt-get install ca-certificates");
	error = fd < 0 ? -errno : trust_write_all(fd, more, more_length);
	if (!error)
		error = trust_write_all(fd, roots, length);
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
static int read_authority(int pipe, char pem[AUTHORITY_MAX + 2])
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

int trust_files_open(const struct job *job, int fds[TRUST_FILES], struct failure *failure)
{
	static const char *const names[TRUST_FILES] = { TRUST_CA, TRUST_BUNDLE, TRUST_STORE,
		TRUST_POLICY };
	char folder[PATH_SIZE], path[PATH_SIZE];
	int error = trust_folder(job, folder);

	if (!error)
		error = folder_make(folder);
	for (size_t i = 0; i < TRUST_FILES && !error; i++) {
		error = path_format(path, "%s/%s", folder, names[i]);
		if (error)
			break;
		fds[i] = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
		error = fds[i] < 0 ? -errno : 0;
	}
	return error ? fail(failure, error, "cannot make the files in %s/trust",
			       job->paths.run)
		     : 0;
}

int trust_write(const struct job *job, int pipe, struct failure *failure)
{
	_free_ char *authority = malloc(AUTHORITY_MAX + 2), *roots = NULL;
	char folder[PATH_SIZE];
	size_t length = 0;
	int error = authority ? read_authority(pipe, authority) : -ENOMEM;

	if (error)
		return fail(failure, error, "the proxy gave no certificate of its own");
	error = trust_folder(job, folder);
	if (error)
		return fail(failure, error, "cannot write to %s/trust", job->paths.run);
	/* A node without roots trusts upstream_ca alone, and the job its authority. */
	error = trust_read_node(&roots, &length);
	if (error && error != -ENOENT && error != -ENODATA)
		return fail(failure, error, "cannot read the node's certificates");
	return trust_fill(
		folder, roots, length, authority, proxy_user_of(job->proxy_id), failure);
}

int trust_read_authority(const struct job *job, char **authority)
{
	char path[PATH_SIZE];
	size_t length;
	int error = path_format(path, "%s/trust/" TRUST_CA, job->paths.run);

	return error ? error : trust_read_file(path, authority, &length);
}

json_t *trust_to_json(const struct job *job)
{
	_free_ char *authority = NULL;
	char folder[PATH_SIZE];

	if (!job->spec.intercept.count || trust_folder(job, folder))
		return json_null();
	/* The files of a job that is incomplete may be missing. */
	if (trust_read_authority(job, &authority))
		authority = NULL;
	return json_pack("{s:s?, s:s, s:s, s:s+, s:s+, s:o}", "ca", authority, "folder",
		folder, "mount_at", TRUST_VIEW, "bundle", folder, "/" TRUST_BUNDLE,
		"pkcs12", folder, "/" TRUST_STORE, "env",
		variables_to_json(trust_variables()));
}
