// SPDX-License-Identifier: BSD-2-Clause
/* See ca.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "lib/cleanup.h"
#include "proxy/ca.h"
#include "proxy/ca_extensions.h"

#define SERIAL_BITS 128
#define VERSION_3   2 /* as X.509 counts */
#define OURS	    "jobfence"
#define CA_NAME	    "jobfence CA"

struct leaf {
	struct host host;
	uint64_t hash;
	uint64_t used; /* the number of the call that used it last */
	X509 *certificate;
};

struct ca {
	EVP_PKEY *key;
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

static EVP_PKEY *new_key(void)
{
	return EVP_EC_gen("P-256");
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

static int sign(X509 *certificate, EVP_PKEY *key)
{
	return X509_sign(certificate, key, EVP_sha256()) > 0 ? 0 : -ENOMEM;
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
	return error ? error : sign(certificate, ca->key);
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

/* Both are in DER, which tells its own length. */
int ca_export(const struct ca *ca, unsigned char *bytes, size_t size)
{
	int key = i2d_PrivateKey(ca->key, NULL);
	int certificate = i2d_X509(ca->certificate, NULL);
	unsigned char *end = bytes;

	if (key <= 0 || certificate <= 0 || (size_t)key + (size_t)certificate > size)
		return -ENOSPC;
	if (i2d_PrivateKey(ca->key, &end) != key ||
		i2d_X509(ca->certificate, &end) != certificate)
		return -ENOSPC;
	return key + certificate;
}

int ca_import(struct ca **ca, const unsigned char *bytes, size_t length)
{
	_cleanup_(free_ca) struct ca *new = calloc(1, sizeof(*new));
	const unsigned char *next = bytes;

	if (!new)
		return -ENOMEM;
	if (length > CA_EXPORT_MAX)
		return -EINVAL;
	new->key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &next, (long)length);
	if (new->key)
		new->certificate =
			d2i_X509(NULL, &next, (long)length - (long)(next - bytes));
	if (!new->certificate || next != bytes + length ||
		X509_check_private_key(new->certificate, new->key) != 1)
		return -EINVAL;
	new->leaf_key = new_key();
	if (!new->leaf_key)
		return -ENOMEM;
	plan_renewal(new);
	*ca = TAKE_POINTER(new);
	return 0;
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
	error = sign(new, ca->key);
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
		error = sign(new, ca->key);
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
	free(ca);
}
