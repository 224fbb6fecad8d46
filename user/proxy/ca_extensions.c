// SPDX-License-Identifier: BSD-2-Clause
/* See ca_extensions.h. The sections are those of RFC 5280. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "jobfence/address.h"
#include "lib/cleanup.h"
#include "proxy/ca_extensions.h"

#define ADDRESS_BYTES 16UL
#define IPV4_BYTES    4UL
#define DER_TRUE      0xff /* libcrypto would write 1, which strict readers refuse */

/* Permits nothing: no site has a name below it (RFC 6761 section 6.4). */
#define NO_NAME "invalid"

static void free_string(ASN1_OCTET_STRING **string)
{
	ASN1_OCTET_STRING_free(*string);
}

static void free_bits(ASN1_BIT_STRING **bits)
{
	ASN1_BIT_STRING_free(*bits);
}

static void free_name(GENERAL_NAME **name)
{
	GENERAL_NAME_free(*name);
}

static void free_names(GENERAL_NAMES **names)
{
	GENERAL_NAMES_free(*names);
}

static void free_constraints(NAME_CONSTRAINTS **constraints)
{
	NAME_CONSTRAINTS_free(*constraints);
}

static int add(X509 *certificate, int kind, void *value, bool critical)
{
	return X509_add1_ext_i2d(certificate, kind, value, critical, X509V3_ADD_APPEND) == 1
		       ? 0
		       : -ENOMEM;
}

/* Section 4.2.1.9. An authority has a path length of 0: what it issues is the last. */
static int add_basic_constraints(X509 *certificate, bool authority)
{
	BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
	int error = -ENOMEM;

	if (constraints && authority) {
		constraints->ca = DER_TRUE;
		constraints->pathlen = ASN1_INTEGER_new();
	}
	/* A new number is 0. */
	if (constraints && (!authority || constraints->pathlen))
		error = add(certificate, NID_basic_constraints, constraints, true);
	BASIC_CONSTRAINTS_free(constraints);
	return error;
}

/* Section 4.2.1.3. Bit 0 is digitalSignature, 5 is keyCertSign. */
static int add_key_usage(X509 *certificate, int bit)
{
	_cleanup_(free_bits) ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();

	if (!bits || !ASN1_BIT_STRING_set_bit(bits, bit, 1))
		return -ENOMEM;
	return add(certificate, NID_key_usage, bits, true);
}

/* Section 4.2.1.12. */
static int add_server_usage(X509 *certificate)
{
	EXTENDED_KEY_USAGE *usages = EXTENDED_KEY_USAGE_new();
	int error = -ENOMEM;

	/* The object is a constant of the library, which nobody has to free. */
	if (usages && sk_ASN1_OBJECT_push(usages, OBJ_nid2obj(NID_server_auth)))
		error = add(certificate, NID_ext_key_usage, usages, false);
	EXTENDED_KEY_USAGE_free(usages);
	return error;
}

/* Section 4.2.1.2, method 1: SHA-1 of the public key names it and protects nothing. */
static int add_subject_key(X509 *certificate)
{
	_cleanup_(free_string) ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length;

	if (!id || !X509_pubkey_digest(certificate, EVP_sha1(), digest, &length) ||
		!ASN1_OCTET_STRING_set(id, digest, (int)length))
		return -ENOMEM;
	return add(certificate, NID_subject_key_identifier, id, false);
}

/* Section 4.2.1.1. */
static int add_authority_key(X509 *certificate, X509 *authority)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(authority);
	AUTHORITY_KEYID *key = AUTHORITY_KEYID_new();
	int error = -ENOMEM;

	if (key && id)
		key->keyid = ASN1_OCTET_STRING_dup(id);
	if (key && key->keyid)
		error = add(certificate, NID_authority_key_identifier, key, false);
	AUTHORITY_KEYID_free(key);
	return error;
}

static GENERAL_NAME *make_name(int type, const void *bytes, size_t length)
{
	_cleanup_(free_name) GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = ASN1_STRING_type_new(
		type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);

	if (!name || !value || !ASN1_STRING_set(value, bytes, (int)length)) {
		ASN1_STRING_free(value);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, type, value);
	return TAKE_POINTER(name);
}

/* Section 4.2.1.6. */
static GENERAL_NAME *subject_name(const struct host *host)
{
	const uint8_t *bytes = host->address.bytes;

	if (!host->literal)
		return make_name(GEN_DNS, host->name, host->length);
	if (address_is_ipv4(&host->address))
		return make_name(GEN_IPADD, bytes + ADDRESS_BYTES - IPV4_BYTES, IPV4_BYTES);
	return make_name(GEN_IPADD, bytes, ADDRESS_BYTES);
}

/* An address is permitted as a range: the address, and as many bytes of its mask. */
static GENERAL_NAME *permitted_name(const struct host *host)
{
	uint8_t range[2 * ADDRESS_BYTES];
	size_t length = address_is_ipv4(&host->address) ? IPV4_BYTES : ADDRESS_BYTES;

	if (!host->literal)
		return make_name(GEN_DNS, host->name, host->length);
	memcpy(range, host->address.bytes + ADDRESS_BYTES - length, length);
	memset(range + length, 0xff, length);
	return make_name(GEN_IPADD, range, 2 * length);
}

/* Takes `name`, which may be NULL. */
static int add_subtree(STACK_OF(GENERAL_SUBTREE) * *list, GENERAL_NAME *name)
{
	GENERAL_SUBTREE *subtree = name ? GENERAL_SUBTREE_new() : NULL;

	if (!*list)
		*list = sk_GENERAL_SUBTREE_new_null();
	if (!subtree || !*list) {
		GENERAL_NAME_free(name);
		GENERAL_SUBTREE_free(subtree);
		return -ENOMEM;
	}
	GENERAL_NAME_free(subtree->base);
	subtree->base = name;
	if (sk_GENERAL_SUBTREE_push(*list, subtree))
		return 0;
	GENERAL_SUBTREE_free(subtree);
	return -ENOMEM;
}

/* A kind of name without any constraint would be free, so each kind gets one. */
static int fill_constraints(
	NAME_CONSTRAINTS *constraints, const struct host *names, size_t count)
{
	static const uint8_t everything[2 * ADDRESS_BYTES];
	bool has_name = false, has_address = false;
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		has_name |= !names[i].literal;
		has_address |= names[i].literal;
		error = add_subtree(
			&constraints->permittedSubtrees, permitted_name(&names[i]));
	}
	if (!error && !has_name)
		error = add_subtree(&constraints->permittedSubtrees,
			make_name(GEN_DNS, NO_NAME, strlen(NO_NAME)));
	if (error || has_address)
		return error;
	error = add_subtree(&constraints->excludedSubtrees,
		make_name(GEN_IPADD, everything, 2 * IPV4_BYTES));
	if (error)
		return error;
	return add_subtree(&constraints->excludedSubtrees,
		make_name(GEN_IPADD, everything, 2 * ADDRESS_BYTES));
}

static int add_name_constraints(X509 *certificate, const struct host *names, size_t count)
{
	_cleanup_(free_constraints) NAME_CONSTRAINTS *constraints = NAME_CONSTRAINTS_new();
	int error = constraints ? fill_constraints(constraints, names, count) : -ENOMEM;

	return error ? error : add(certificate, NID_name_constraints, constraints, true);
}

static int add_subject_names(X509 *certificate, const struct host *host)
{
	_cleanup_(free_names) GENERAL_NAMES *names = GENERAL_NAMES_new();
	_cleanup_(free_name) GENERAL_NAME *name = subject_name(host);

	if (!names || !name || !sk_GENERAL_NAME_push(names, name))
		return -ENOMEM;
	name = NULL;
	return add(certificate, NID_subject_alt_name, names, false);
}

int ca_extend_authority(X509 *certificate, const struct host *names, size_t count)
{
	int error = add_basic_constraints(certificate, true);

	if (!error)
		error = add_key_usage(certificate, 5);
	if (!error)
		error = add_server_usage(certificate);
	if (!error)
		error = add_subject_key(certificate);
	return error ? error : add_name_constraints(certificate, names, count);
}

int ca_extend_leaf(X509 *certificate, X509 *authority, const struct host *host)
{
	int error = add_basic_constraints(certificate, false);

	if (!error)
		error = add_key_usage(certificate, 0);
	if (!error)
		error = add_server_usage(certificate);
	if (!error)
		error = add_subject_key(certificate);
	if (!error)
		error = add_authority_key(certificate, authority);
	return error ? error : add_subject_names(certificate, host);
}
