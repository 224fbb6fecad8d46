// SPDX-License-Identifier: BSD-2-Clause
/* See ca.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>
#include <openssl/pem.h>

#include "lib/cleanup.h"
#include "lib/locked.h"
#include "proxy/ca.h"
#include "proxy/ca_extensions.h"

#define SERIAL_BITS 128
#define VERSION_3   2 /* as X.509 counts */
#define OURS	    "jobfence"
#define CA_NAME	    "jobfence CA"
#define CURVE	    "P-256"

struct leaf {
	struct host host;
	uint64_t hash;
	uint64_t used; /* the number of the call that used it last */
	X509 *certificate;
};

struct ca {
	/* Its key, if it was made here. Otherwise what ca_export() wrote has it. */
	EVP_PKEY *key;
	const unsigned char *exported;
	size_t mapped; /* bytes of that to unmap */
	X509 *certificate;
	EVP_PKEY *leaf_key;
	int64_t renewal; /* when to renew it, in seconds since 1970 */
	uint64_t calls;
	size_t count;
	struct leaf leaves[CA_LEAVES_MAX];
};

static void free_ca(struct ca **ca)
{
	ca_free(*ca);
}

static void free_certificate(X509 **certificate)
{
	X509_free(*certificate);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static EVP_PKEY *new_key(void)
{
	return EVP_EC_gen(CURVE);
}

static bool write_key(const EVP_PKEY *key, unsigned char *bytes)
{
	OSSL_PARAM parts[] = { OSSL_PARAM_construct_BN(
				       OSSL_PKEY_PARAM_PRIV_KEY, bytes, CA_PRIVATE_BYTES),
		OSSL_PARAM_construct_octet_string(
			OSSL_PKEY_PARAM_PUB_KEY, bytes + CA_PRIVATE_BYTES, CA_POINT_BYTES),
		OSSL_PARAM_construct_end() };

	return EVP_PKEY_get_params(key, parts) &&
	       parts[0].return_size == CA_PRIVATE_BYTES &&
	       parts[1].return_size == CA_POINT_BYTES;
}

/*
 * Makes a key of what write_key() wrote, or NULL. A reader of DER would leave copies of the
 * private one in the heap.
 */
static EVP_PKEY *read_key(const unsigned char *bytes)
{
	unsigned char *from = (unsigned char *)(uintptr_t)bytes; /* it is only read */
	char curve[] = CURVE;
	OSSL_PARAM parts[] = { OSSL_PARAM_construct_utf8_string(
				       OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, from, CA_PRIVATE_BYTES),
		OSSL_PARAM_construct_octet_string(
			OSSL_PKEY_PARAM_PUB_KEY, from + CA_PRIVATE_BYTES, CA_POINT_BYTES),
		OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (context && EVP_PKEY_fromdata_init(context) > 0)
		(void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parts);
	EVP_PKEY_CTX_free(context);
	return key;
}

/* The caller frees it. NULL: there is no memory. */
static EVP_PKEY *lend_key(const struct ca *ca)
{
	if (ca->exported)
		return read_key(ca->exported);
	return ca->key && EVP_PKEY_up_ref(ca->key) ? ca->key : NULL;
}

static int set_serial(X509 *certificate)
{
	BIGNUM *number = BN_new();
	int error = -ENOMEM;

	if (number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
		BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)))
		error = 0;
	BN_free(number);
	return error;
}

static int add_to_name(X509_NAME *name, const char *field, const char *text)
{
	return X509_NAME_add_entry_by_txt(
		       name, field, MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0)
		       ? 0
		       : -ENOMEM;
}

/* Fills in what all certificates have. The name is that of the subject. */
static int begin_certificate(X509 *certificate, const char *name, EVP_PKEY *key)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	int error = X509_set_version(certificate, VERSION_3) ? 0 : -ENOMEM;

	if (!error)
		error = set_serial(certificate);
	if (!error)
		error = add_to_name(subject, "O", OURS);
	if (!error)
		error = add_to_name(subject, "CN", name);
	return !error && X509_set_pubkey(certificate, key) ? 0 : -ENOMEM;
}

static int sign(X509 *certificate, const struct ca *ca)
{
	_cleanup_(free_key) EVP_PKEY *key = lend_key(ca);

	return key && X509_sign(certificate, key, EVP_sha256()) > 0 ? 0 : -ENOMEM;
}

static int make_authority(struct ca *ca, const struct host *names, size_t count,
	time_t not_before, time_t not_after)
{
	X509 *certificate = X509_new();
	int error;

	ca->certificate = certificate;
	ca->key = new_key();
	if (!certificate || !ca->key)
		return -ENOMEM;
	error = begin_certificate(certificate, CA_NAME, ca->key);
	if (error ||
		!X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) ||
		!ASN1_TIME_set(X509_getm_notBefore(certificate), not_before) ||
		!ASN1_TIME_set(X509_getm_notAfter(certificate), not_after))
		return -ENOMEM;
	error = ca_extend_authority(certificate, names, count);
	return error ? error : sign(certificate, ca);
}

int64_t ca_not_after(const struct ca *ca)
{
	struct tm end;

	/* ca_create() wrote it, here or in the process that this was taken from. */
	if (!ASN1_TIME_to_tm(X509_get0_notAfter(ca->certificate), &end))
		return 0;
	return timegm(&end);
}

static int64_t not_before(const struct ca *ca)
{
	struct tm begin;

	if (!ASN1_TIME_to_tm(X509_get0_notBefore(ca->certificate), &begin))
		return 0;
	return timegm(&begin);
}

/* One that was made to end with its job does so. */
static void plan_renewal(struct ca *ca)
{
	int64_t end = ca_not_after(ca);

	ca->renewal =
		end - not_before(ca) < CA_LIFETIME ? INT64_MAX : end - CA_LIFETIME / 2;
}

int ca_create(struct ca **ca, const struct host *names, size_t count, int64_t not_after)
{
	const int64_t now = time(NULL), first = now - CA_BACKDATE;
	_cleanup_(free_ca) struct ca *new = NULL;
	int error;

	if (!not_after || not_after > first + CA_LIFETIME)
		not_after = first + CA_LIFETIME;
	if (!count || not_after <= now)
		return -EINVAL;
	if (count > CA_NAMES_MAX)
		return -E2BIG;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	error = make_authority(new, names, count, (time_t)first, (time_t)not_after);
	if (error)
		return error;
	new->leaf_key = new_key();
	if (!new->leaf_key)
		return -ENOMEM;
	plan_renewal(new);
	*ca = TAKE_POINTER(new);
	return 0;
}

int ca_export(const struct ca *ca, unsigned char *bytes, size_t size)
{
	_cleanup_(free_key) EVP_PKEY *key = lend_key(ca);
	int length = i2d_X509(ca->certificate, NULL);
	unsigned char *end = bytes + CA_KEY_BYTES;

	if (length <= 0 || CA_KEY_BYTES + (size_t)length > size)
		return -ENOSPC;
	if (!key || !write_key(key, bytes) || i2d_X509(ca->certificate, &end) != length)
		return -ENOMEM;
	return CA_KEY_BYTES + length;
}

/* Reads the certificate, and whether it is that of the key. */
static int read_exported(struct ca *ca, const unsigned char *bytes, size_t length)
{
	const unsigned char *next = bytes + CA_KEY_BYTES;
	_cleanup_(free_key) EVP_PKEY *key = NULL;

	if (length < CA_KEY_BYTES || length > CA_EXPORT_MAX)
		return -EINVAL;
	ca->exported = bytes;
	key = lend_key(ca);
	ca->certificate = d2i_X509(NULL, &next, (long)(length - CA_KEY_BYTES));
	return key && ca->certificate && next == bytes + length &&
			       X509_check_private_key(ca->certificate, key) == 1
		       ? 0
		       : -EINVAL;
}

int ca_import(struct ca **ca, const unsigned char *bytes, size_t length)
{
	_cleanup_(free_ca) struct ca *new = calloc(1, sizeof(*new));
	int error = new ? read_exported(new, bytes, length) : -ENOMEM;

	if (error)
		return error;
	new->leaf_key = new_key();
	if (!new->leaf_key)
		return -ENOMEM;
	plan_renewal(new);
	*ca = TAKE_POINTER(new);
	return 0;
}

int ca_open(struct ca **ca, int file)
{
	const unsigned char *bytes = NULL;
	struct stat status;
	int error;

	if (fstat(file, &status))
		return -errno;
	if (status.st_size <= 0 || status.st_size > CA_EXPORT_MAX)
		return -EINVAL;
	error = locked_map(file, (size_t)status.st_size, false, &bytes);
	if (error)
		return error;
	error = ca_import(ca, bytes, (size_t)status.st_size);
	if (error)
		locked_unmap(bytes, (size_t)status.st_size);
	else
		(*ca)->mapped = (size_t)status.st_size;
	return error;
}

int ca_certificate_pem(const struct ca *ca, char *pem, size_t size)
{
	_cleanup_(free_bio) BIO *bio = BIO_new(BIO_s_mem());
	const char *text;
	long length;

	if (!bio || PEM_write_bio_X509(bio, ca->certificate) != 1)
		return -ENOSPC;
	length = BIO_get_mem_data(bio, &text);
	if (length <= 0 || (size_t)length >= size)
		return -ENOSPC;
	memcpy(pem, text, (size_t)length);
	pem[length] = '\0';
	return (int)length;
}

static void forget_leaves(struct ca *ca)
{
	for (size_t i = 0; i < ca->count; i++) {
		X509_free(ca->leaves[i].certificate);
		ca->leaves[i].certificate = NULL;
	}
	ca->count = 0;
}

int ca_renew(struct ca *ca)
{
	const int64_t first = time(NULL) - CA_BACKDATE;
	_cleanup_(free_certificate) X509 *new = X509_dup(ca->certificate);
	int error = new ? set_serial(new) : -ENOMEM;

	if (error || !ASN1_TIME_set(X509_getm_notBefore(new), (time_t)first) ||
		!ASN1_TIME_set(X509_getm_notAfter(new), (time_t)(first + CA_LIFETIME)))
		return -ENOMEM;
	error = sign(new, ca);
	if (error)
		return error;
	X509_free(ca->certificate);
	ca->certificate = TAKE_POINTER(new);
	forget_leaves(ca);
	plan_renewal(ca);
	return 0;
}

static struct leaf *find(struct ca *ca, const struct host *host, uint64_t hash)
{
	for (size_t i = 0; i < ca->count; i++)
		if (ca->leaves[i].hash == hash && host_equal(&ca->leaves[i].host, host))
			return &ca->leaves[i];
	return NULL;
}

/* A place that is empty, or has what was not used for the longest time. */
static struct leaf *find_place(struct ca *ca)
{
	struct leaf *oldest = &ca->leaves[0];

	if (ca->count < CA_LEAVES_MAX)
		return &ca->leaves[ca->count++];
	for (size_t i = 1; i < ca->count; i++)
		if (ca->leaves[i].used < oldest->used)
			oldest = &ca->leaves[i];
	return oldest;
}

static int make_leaf(const struct ca *ca, const struct host *host, X509 **certificate)
{
	_cleanup_(free_certificate) X509 *new = X509_new();
	X509 *authority = ca->certificate;
	int error = new ? begin_certificate(new, OURS, ca->leaf_key) : -ENOMEM;

	if (error || !X509_set_issuer_name(new, X509_get_subject_name(authority)) ||
		!X509_set1_notBefore(new, X509_get0_notBefore(authority)) ||
		!X509_set1_notAfter(new, X509_get0_notAfter(authority)))
		return -ENOMEM;
	error = ca_extend_leaf(new, authority, host);
	if (!error)
		error = sign(new, ca);
	if (error)
		return error;
	*certificate = TAKE_POINTER(new);
	return 0;
}

int ca_leaf(struct ca *ca, const struct host *host, X509 **certificate, EVP_PKEY **key)
{
	const uint64_t hash = host_hash(host);
	int error = time(NULL) < ca->renewal ? 0 : ca_renew(ca);
	struct leaf *leaf = error ? NULL : find(ca, host, hash);

	if (error)
		return error;
	if (!leaf) {
		X509 *new = NULL;

		error = make_leaf(ca, host, &new);
		if (error)
			return error;
		leaf = find_place(ca);
		X509_free(leaf->certificate);
		leaf->host = *host;
		leaf->hash = hash;
		leaf->certificate = new;
	}
	leaf->used = ++ca->calls;
	*certificate = leaf->certificate;
	*key = ca->leaf_key;
	return 0;
}

/* libcrypto clears a private key as it releases it. */
void ca_free(struct ca *ca)
{
	if (!ca)
		return;
	forget_leaves(ca);
	EVP_PKEY_free(ca->leaf_key);
	X509_free(ca->certificate);
	EVP_PKEY_free(ca->key);
	if (ca->mapped)
		locked_unmap(ca->exported, ca->mapped);
	free(ca);
}
