// SPDX-License-Identifier: BSD-2-Clause
/* See trust_renewal.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>

#include "jobfence/proxy.h"
#include "lib/cleanup.h"
#include "lib/pem.h"
#include "proxy/trust_renewal.h"
#include "proxy/trust_store.h"

#define BUNDLE_MAX (2 * CERTIFICATES_SIZE_MAX) /* more than one, and the authority */

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

static int write_file(int fd, const void *text, size_t length)
{
	const char *from = text;

	for (size_t at = 0; at < length;) {
		ssize_t written = pwrite(fd, from + at, length - at, (off_t)at);

		if (written <= 0)
			return written ? -errno : -EIO;
		at += (size_t)written;
	}
	return ftruncate(fd, (off_t)length) ? -errno : 0;
}

/* Reads the bundle, with the certificate `pem` as its last. The caller frees it. */
static int read_bundle(const char *pem, char **bundle, size_t *length)
{
	_free_ char *text = NULL;
	struct stat status;
	size_t roots;

	if (fstat(FD_TRUST_BUNDLE, &status))
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size > BUNDLE_MAX)
		return -EFBIG;
	text = malloc((size_t)status.st_size + strlen(pem) + 1);
	if (!text)
		return -ENOMEM;
	if (pread(FD_TRUST_BUNDLE, text, (size_t)status.st_size, 0) != status.st_size)
		return -EIO;
	text[status.st_size] = '\0';
	roots = pem_last(text, (size_t)status.st_size);
	*length = roots + strlen(pem);
	memcpy(text + roots, pem, strlen(pem) + 1);
	*bundle = TAKE_POINTER(text);
	return 0;
}

static int write_store(const char *bundle, size_t length)
{
	_cleanup_(free_bio) BIO *in = BIO_new_mem_buf(bundle, (int)length);
	_cleanup_(free_bio) BIO *out = BIO_new(BIO_s_mem());
	const char *store;
	long size;
	int error = in && out ? trust_store_write(in, out) : -ENOMEM;

	if (error)
		return error;
	size = BIO_get_mem_data(out, &store);
	return write_file(FD_TRUST_STORE, store, (size_t)size);
}

int trust_renewal_write(const char *pem)
{
	_free_ char *bundle = NULL, *policy = malloc(strlen(pem) + PEM_POLICY_EXTRA);
	size_t length = 0;
	int error = policy ? read_bundle(pem, &bundle, &length) : -ENOMEM;

	if (!error)
		error = write_file(FD_TRUST_CA, pem, strlen(pem));
	if (!error)
		error = write_file(FD_TRUST_BUNDLE, bundle, length);
	if (!error)
		error = write_file(
			FD_TRUST_POLICY, policy, pem_chromium_policy(pem, policy));
	return error ? error : write_store(bundle, length);
}
