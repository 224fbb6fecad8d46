// SPDX-License-Identifier: BSD-2-Clause
/* See tls_roots.h. OpenSSL asks by subject, and the index has hashes of these. */

#include "proxy/tls_roots.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "jobfence/proxy.h"
#include "lib/cleanup.h"
#include "proxy/certificate_names.h"

#define FILE_MAX (2 * (CERTIFICATES_SIZE_MAX + 1)) /* each may have got a newline */
#define PEM_MAX	 32768				   /* bytes of one certificate */
#define BEGIN	 "-----BEGIN CERTIFICATE-----"
#define END	 "-----END CERTIFICATE-----"

struct root {
	uint32_t subject; /* hash */
	uint32_t start, length;
	bool loaded;
};

struct roots {
	int file;
	size_t count;
	struct root list[];
};

/* Returns a certificate, or NULL. */
static X509 *parse(const char *pem, size_t length)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)length);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return certificate;
}

static bool find_subject(const X509_NAME *name, uint32_t *subject)
{
	int found = 0;

	*subject = (uint32_t)X509_NAME_hash_ex(name, NULL, NULL, &found);
	ERR_clear_error();
	return found;
}

/* Returns the next certificate of a text that ends with a NUL, and sets its length. */
static const char *next_certificate(const char *text, size_t *length)
{
	const char *begin = strstr(text, BEGIN), *end = begin ? strstr(begin, END) : NULL;

	if (!end)
		return NULL;
	*length = (size_t)(end - begin) + sizeof(END) - 1;
	return begin;
}

static size_t count_certificates(const char *text)
{
	size_t count = 0, length;

	while ((text = next_certificate(text, &length))) {
		count++;
		text += length;
	}
	return count;
}

/*
 * Finds the subject of a certificate without reading its key, which takes most of the time.
 * Returns whether there is one.
 */
static bool index_subject(const char *pem, size_t length, uint32_t *subject)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)length);
	struct certificate_names names;
	unsigned char *bytes = NULL;
	X509_NAME *name = NULL;
	long size = 0;
	bool found;

	if (bio &&
		PEM_bytes_read_bio(&bytes, &size, NULL, PEM_STRING_X509, bio, NULL, NULL) &&
		!certificate_find_names(bytes, size, &names))
		name = d2i_X509_NAME(NULL, &names.subject, names.subject_length);
	found = name && find_subject(name, subject);
	X509_NAME_free(name);
	OPENSSL_free(bytes);
	BIO_free(bio);
	ERR_clear_error();
	return found;
}

static void note_all(struct roots *roots, const char *text)
{
	const char *at = text;
	size_t length;

	for (; (at = next_certificate(at, &length)); at += length) {
		struct root *root = &roots->list[roots->count];

		*root = (struct root){ .start = (uint32_t)(at - text),
			.length = (uint32_t)length };
		if (length <= PEM_MAX && index_subject(at, length, &root->subject))
			roots->count++;
	}
}

/* Returns the file with a NUL behind it, or NULL with `*error` set. */
static char *read_file(int file, int *error)
{
	_free_ char *bytes = NULL;
	struct stat status;
	ssize_t length;

	*error = -EPROTO;
	if (fstat(file, &status) || !S_ISREG(status.st_mode) || status.st_size > FILE_MAX)
		return NULL;
	*error = -ENOMEM;
	bytes = malloc((size_t)status.st_size + 1);
	if (!bytes)
		return NULL;
	length = pread(file, bytes, (size_t)status.st_size, 0);
	*error = length < 0 ? -errno : 0;
	if (length < 0)
		return NULL;
	bytes[length] = '\0';
	return TAKE_POINTER(bytes);
}

static X509 *load(const struct roots *roots, const struct root *root)
{
	char pem[PEM_MAX];
	ssize_t length = pread(roots->file, pem, root->length, root->start);

	return length == (ssize_t)root->length ? parse(pem, root->length) : NULL;
}

/*
 * Adds each certificate of that subject to the store, which OpenSSL then searches. One of
 * them is the answer. The store keeps it, so the answer is lent.
 */
static int by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name,
	X509_OBJECT *answer)
{
	struct roots *roots = X509_LOOKUP_get_method_data(lookup);
	X509_STORE *store = X509_LOOKUP_get_store(lookup);
	int found = 0;
	uint32_t subject;

	if (type != X509_LU_X509 || !find_subject(name, &subject))
		return 0;
	for (size_t i = 0; i < roots->count; i++) {
		struct root *root = &roots->list[i];
		X509 *certificate;

		if (root->subject != subject || root->loaded)
			continue;
		certificate = load(roots, root);
		root->loaded = true;
		if (certificate &&
			!X509_NAME_cmp(X509_get_subject_name(certificate), name) &&
			X509_STORE_add_cert(store, certificate) && !found &&
			X509_OBJECT_set1_X509(answer, certificate)) {
			found = 1;
			X509_free(certificate);
		}
		X509_free(certificate);
	}
	ERR_clear_error();
	return found;
}

static void free_roots(X509_LOOKUP *lookup)
{
	free(X509_LOOKUP_get_method_data(lookup));
}

int tls_roots_open(int file, X509_STORE *store)
{
	static X509_LOOKUP_METHOD *method;
	struct roots *roots;
	int error;
	_free_ char *text = read_file(file, &error);

	if (!text)
		return error;
	if (!method)
		method = X509_LOOKUP_meth_new("file by subject");
	roots = calloc(1, sizeof(*roots) + count_certificates(text) * sizeof(struct root));
	if (!roots)
		return -ENOMEM;
	roots->file = file;
	note_all(roots, text);
	if (method && X509_LOOKUP_meth_set_get_by_subject(method, by_subject) &&
		X509_LOOKUP_meth_set_free(method, free_roots)) {
		X509_LOOKUP *lookup = X509_STORE_add_lookup(store, method);

		if (lookup && X509_LOOKUP_set_method_data(lookup, roots))
			return 0;
	}
	free(roots);
	return -ENOMEM;
}
