// SPDX-License-Identifier: BSD-2-Clause
/* See trust_store.h. */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "lib/cleanup.h"
#include "proxy/certificate_names.h"
#include "proxy/trust_store.h"

/* JDK 8 and later (JDK-6911951) call it trustedKeyUsage. */
#define ORACLE_TRUSTED_KEY_USAGE "2.16.840.1.113894.746875.1.1"
#define CERTIFICATES_MAX	 4096

struct store {
	STACK_OF(PKCS12_SAFEBAG) * bags;
	STACK_OF(PKCS7) * safes;
	PKCS12 *file;
	int trusted; /* libcrypto's number for the attribute */
	int count;
};

static void free_store(struct store *store)
{
	sk_PKCS12_SAFEBAG_pop_free(store->bags, PKCS12_SAFEBAG_free);
	sk_PKCS7_pop_free(store->safes, PKCS7_free);
	PKCS12_free(store->file);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

static bool mark_trusted(struct store *store, PKCS12_SAFEBAG *bag)
{
	X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create(
		store->trusted, V_ASN1_OBJECT, OBJ_nid2obj(NID_anyExtendedKeyUsage));
	/* libcrypto 3.0 has no function to add one. They are ours, as the bag is. */
	STACK_OF(X509_ATTRIBUTE) *all =
		(STACK_OF(X509_ATTRIBUTE) *)PKCS12_SAFEBAG_get0_attrs(bag);

	if (attribute && all && sk_X509_ATTRIBUTE_push(all, attribute))
		return true;
	X509_ATTRIBUTE_free(attribute);
	return false;
}

/* Takes over a bag. Java wants a name, and the name is its first attribute. */
static bool add_bag(struct store *store, PKCS12_SAFEBAG *bag)
{
	char name[32];

	snprintf(name, sizeof(name), "certificate-%d", ++store->count);
	if (!store->bags)
		store->bags = sk_PKCS12_SAFEBAG_new_null();
	if (bag && store->bags && PKCS12_add_friendlyname_asc(bag, name, -1) &&
		mark_trusted(store, bag) && sk_PKCS12_SAFEBAG_push(store->bags, bag))
		return true;
	PKCS12_SAFEBAG_free(bag);
	return false;
}

/*
 * Adds a certificate as it is. Reading its key would take longer than all the rest. What is
 * no certificate by its names is left out.
 */
static bool add(struct store *store, const unsigned char *bytes, long length)
{
	const unsigned char *at = bytes;
	struct certificate_names names;
	ASN1_STRING *sequence;
	PKCS12_SAFEBAG *bag;

	if (certificate_find_names(bytes, length, &names))
		return true;
	sequence = (ASN1_STRING *)ASN1_item_d2i(
		NULL, &at, length, ASN1_ITEM_rptr(ASN1_SEQUENCE));
	bag = sequence ? PKCS12_item_pack_safebag(sequence, ASN1_ITEM_rptr(ASN1_SEQUENCE),
				 NID_x509Certificate, NID_certBag)
		       : NULL;
	ASN1_STRING_free(sequence);
	return add_bag(store, bag);
}

/* Reads all of them. Whoever filled the input chose how many there are. */
static bool read_all(struct store *store, BIO *in)
{
	while (store->count < CERTIFICATES_MAX) {
		unsigned char *bytes = NULL;
		long length = 0;
		bool found = PEM_bytes_read_bio(
			&bytes, &length, NULL, PEM_STRING_X509, in, NULL, NULL);
		unsigned long error = ERR_peek_last_error();
		bool good = !found || add(store, bytes, length);

		OPENSSL_free(bytes);
		if (!good)
			return false;
		if (!found && ERR_GET_LIB(error) == ERR_LIB_PEM &&
			ERR_GET_REASON(error) == PEM_R_NO_START_LINE)
			return true;
		ERR_clear_error();
	}
	return true;
}

static bool write_all(struct store *store, BIO *out)
{
	/* -1: not encrypted. */
	if (!PKCS12_add_safe(&store->safes, store->bags, -1, 0, NULL))
		return false;
	store->file = PKCS12_add_safes(store->safes, 0);
	return store->file && i2d_PKCS12_bio(out, store->file) == 1;
}

/* Returns the number, or 0. libcrypto 3.2 and later know the attribute themselves. */
static int trusted_key_usage(void)
{
	int known = OBJ_txt2nid(ORACLE_TRUSTED_KEY_USAGE);

	return known != NID_undef
		       ? known
		       : OBJ_create(ORACLE_TRUSTED_KEY_USAGE, "trustedKeyUsage", NULL);
}

int trust_store_write(BIO *in, BIO *out)
{
	_cleanup_(free_store) struct store store = { .trusted = trusted_key_usage() };

	return store.trusted && read_all(&store, in) && store.bags && write_all(&store, out)
		       ? 0
		       : -ENOMEM;
}

int trust_store_run(void)
{
	_cleanup_(free_bio) BIO *in = BIO_new_fp(stdin, BIO_NOCLOSE);
	_cleanup_(free_bio) BIO *out = BIO_new_fp(stdout, BIO_NOCLOSE);

	if (in && out && !trust_store_write(in, out) && !fflush(stdout))
		return 0;
	fprintf(stderr, "jobfence-tls: cannot make a store of trusted certificates\n");
	return 1;
}
