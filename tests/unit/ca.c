// SPDX-License-Identifier: BSD-2-Clause
/*
 * The authority of a job: what its certificates are good for, that it is held to its names,
 * and that it is the same in another process. libcrypto verifies, as clients of a job do,
 * and so does the program openssl.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "job/trust.h"
#include "lib/cleanup.h"
#include "proxy/ca.h"

#include <cmocka.h> /* last: its macro `fail` is the name of a function of ours */

#define HOUR 3600L

static struct host host_of(const char *text)
{
	struct host host;

	assert_int_equal(host_parse(text, strlen(text), HOST_NO_BRACKETS, &host), 0);
	return host;
}

/* An authority for names with blanks between them. */
static struct ca *create(const char *names)
{
	struct host hosts[CA_NAMES_MAX];
	_free_ char *copy = strdup(names);
	char *rest = copy, *name;
	struct ca *ca = NULL;
	size_t count = 0;

	while ((name = strsep(&rest, " ")))
		hosts[count++] = host_of(name);
	assert_int_equal(ca_create(&ca, hosts, count, 0), 0);
	return ca;
}

static X509 *certificate_of(const struct ca *ca)
{
	char pem[CA_PEM_MAX];
	int length = ca_certificate_pem(ca, pem, sizeof(pem));
	BIO *bio = BIO_new_mem_buf(pem, length);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert_int_equal(length, strlen(pem));
	assert_non_null(certificate);
	BIO_free(bio);
	return certificate;
}

/* What a strict client thinks of the certificate for `name`. X509_V_OK is 0. */
static int verify(const struct ca *ca, X509 *leaf, const char *name, time_t when)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509 *root = certificate_of(ca);
	const struct host host = host_of(name);
	X509_VERIFY_PARAM *wishes;
	int error;

	X509_STORE_add_cert(store, root);
	X509_STORE_CTX_init(context, store, leaf, NULL);
	wishes = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_purpose(wishes, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_flags(wishes, X509_V_FLAG_X509_STRICT);
	if (when)
		X509_VERIFY_PARAM_set_time(wishes, when);
	if (host.literal)
		X509_VERIFY_PARAM_set1_ip_asc(wishes, host.name);
	else
		X509_VERIFY_PARAM_set1_host(wishes, host.name, 0);
	X509_verify_cert(context);
	error = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	X509_free(root);
	return error;
}

/* The certificate that the authority issues for one name, seen by a client of another. */
static int issue_and_verify(struct ca *ca, const char *issued, const char *asked)
{
	const struct host host = host_of(issued);
	X509 *leaf;
	EVP_PKEY *key;

	assert_int_equal(ca_leaf(ca, &host, &leaf, &key), 0);
	assert_int_equal(X509_check_private_key(leaf, key), 1);
	return verify(ca, leaf, asked, 0);
}

static void assert_verifies(struct ca *ca, const char *name)
{
	int error = issue_and_verify(ca, name, name);

	if (error)
		fail_msg("%s: %s", name, X509_verify_cert_error_string(error));
}

static void leaves_verify(void **state)
{
	static const char *const names[] = { "crates.io", "static.crates.io",
		"a_b.crates.io", "192.0.2.1", "2001:db8::1" };
	struct ca *ca = create("crates.io 192.0.2.1 2001:db8::1");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_verifies(ca, names[i]);
	ca_free(ca);
}

static void a_leaf_is_for_its_name_alone(void **state)
{
	struct ca *ca = create("crates.io 192.0.2.1 192.0.2.2");

	(void)state;
	assert_int_equal(issue_and_verify(ca, "crates.io", "static.crates.io"),
		X509_V_ERR_HOSTNAME_MISMATCH);
	assert_int_equal(issue_and_verify(ca, "static.crates.io", "crates.io"),
		X509_V_ERR_HOSTNAME_MISMATCH);
	assert_int_equal(issue_and_verify(ca, "192.0.2.1", "192.0.2.2"),
		X509_V_ERR_IP_ADDRESS_MISMATCH);
	ca_free(ca);
}

/* Even if the worker, taken over, asks for it. */
static void leaves_for_other_names_do_not_verify(void **state)
{
	static const struct {
		const char *names, *other;
		int error;
	} rows[] = {
		{ "crates.io", "github.com", X509_V_ERR_PERMITTED_VIOLATION },
		{ "crates.io", "evil-crates.io", X509_V_ERR_PERMITTED_VIOLATION },
		{ "static.crates.io", "crates.io", X509_V_ERR_PERMITTED_VIOLATION },
		{ "crates.io", "192.0.2.1", X509_V_ERR_EXCLUDED_VIOLATION },
		{ "crates.io", "2001:db8::1", X509_V_ERR_EXCLUDED_VIOLATION },
		{ "192.0.2.1", "192.0.2.2", X509_V_ERR_PERMITTED_VIOLATION },
		{ "192.0.2.1", "2001:db8::1", X509_V_ERR_PERMITTED_VIOLATION },
		{ "2001:db8::1", "2001:db8::2", X509_V_ERR_PERMITTED_VIOLATION },
		{ "192.0.2.1", "crates.io", X509_V_ERR_PERMITTED_VIOLATION },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ca *ca = create(rows[i].names);

		assert_int_equal(
			issue_and_verify(ca, rows[i].other, rows[i].other), rows[i].error);
		ca_free(ca);
	}
}

/* Go reads DER strictly (X.690 section 11.1). OpenSSL takes any value for true. */
static void the_flag_of_an_authority_is_in_der(void **state)
{
	static const unsigned char wanted[] = { 0x30, 6, 1, 1, 0xff, 2, 1, 0 };
	struct ca *ca = create("crates.io");
	X509 *certificate = certificate_of(ca);
	int at = X509_get_ext_by_NID(certificate, NID_basic_constraints, -1);
	const ASN1_OCTET_STRING *data =
		X509_EXTENSION_get_data(X509_get_ext(certificate, at));

	(void)state;
	assert_int_equal(ASN1_STRING_length(data), sizeof(wanted));
	assert_memory_equal(ASN1_STRING_get0_data(data), wanted, sizeof(wanted));
	X509_free(certificate);
	ca_free(ca);
}

/* OpenSSL looks for it in a folder by a hash of its name, so all have the same name. */
static void each_has_the_name_of_its_file(void **state)
{
	struct ca *ca = create("crates.io 192.0.2.1");
	X509 *certificate = certificate_of(ca);
	char name[16];

	(void)state;
	snprintf(name, sizeof(name), "%08lx.0", X509_subject_name_hash(certificate));
	assert_string_equal(name, TRUST_CA_LINK);
	X509_free(certificate);
	ca_free(ca);
}

static void other_authorities_do_not_count(void **state)
{
	struct ca *one = create("crates.io"), *other = create("crates.io");
	const struct host host = host_of("crates.io");
	X509 *leaf;
	EVP_PKEY *key;

	(void)state;
	assert_int_equal(ca_leaf(one, &host, &leaf, &key), 0);
	assert_int_equal(verify(other, leaf, "crates.io", 0),
		X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	ca_free(one);
	ca_free(other);
}

static void all_end_with_the_job_and_within_a_day(void **state)
{
	const struct host host = host_of("crates.io");
	const time_t now = time(NULL);
	struct ca *ca = NULL;
	X509 *leaf;
	EVP_PKEY *key;

	(void)state;
	assert_int_equal(ca_create(&ca, &host, 1, now + 2 * HOUR), 0);
	assert_int_equal(ca_not_after(ca), now + 2 * HOUR);
	assert_int_equal(ca_leaf(ca, &host, &leaf, &key), 0);
	assert_int_equal(verify(ca, leaf, "crates.io", now - HOUR / 2), X509_V_OK);
	assert_int_equal(verify(ca, leaf, "crates.io", now + 2 * HOUR - 1), X509_V_OK);
	assert_int_equal(verify(ca, leaf, "crates.io", now + 2 * HOUR + 1),
		X509_V_ERR_CERT_HAS_EXPIRED);
	ca_free(ca);
	ca = NULL;
	assert_int_equal(ca_create(&ca, &host, 1, now + 1000 * HOUR), 0);
	assert_in_range(ca_not_after(ca), now, now + CA_LIFETIME);
	assert_int_equal(ca_leaf(ca, &host, &leaf, &key), 0);
	assert_int_equal(
		X509_cmp_time(X509_get0_notAfter(leaf), &(time_t){ ca_not_after(ca) }), -1);
	ca_free(ca);
}

static void what_can_not_be_is_refused(void **state)
{
	struct host hosts[CA_NAMES_MAX + 1];
	struct ca *ca = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		hosts[i] = host_of("crates.io");
	assert_int_equal(ca_create(&ca, hosts, 0, 0), -EINVAL);
	assert_int_equal(ca_create(&ca, hosts, 1, 1), -EINVAL);
	assert_int_equal(ca_create(&ca, hosts, CA_NAMES_MAX + 1, 0), -E2BIG);
	assert_null(ca);
}

/* The key of what was exported. */
static EVP_PKEY *key_of(unsigned char *bytes)
{
	char curve[] = "P-256";
	OSSL_PARAM parts[] = { OSSL_PARAM_construct_utf8_string("group", curve, 0),
		OSSL_PARAM_construct_BN("priv", bytes, CA_PRIVATE_BYTES),
		OSSL_PARAM_construct_octet_string(
			"pub", bytes + CA_PRIVATE_BYTES, CA_POINT_BYTES),
		OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parts), 1);
	EVP_PKEY_CTX_free(context);
	return key;
}

/*
 * The same authority, as it would be if it had been made some seconds earlier. It is in
 * `bytes` as long as it is used.
 */
static struct ca *made_before(
	const struct ca *ca, long seconds, unsigned char bytes[CA_EXPORT_MAX])
{
	unsigned char *end = bytes + CA_KEY_BYTES;
	const unsigned char *at = end;
	int length = ca_export(ca, bytes, CA_EXPORT_MAX);
	EVP_PKEY *key = key_of(bytes);
	X509 *certificate = d2i_X509(NULL, &at, length - CA_KEY_BYTES);
	struct ca *made = NULL;

	X509_gmtime_adj(X509_getm_notBefore(certificate), -CA_BACKDATE - seconds);
	X509_gmtime_adj(
		X509_getm_notAfter(certificate), CA_LIFETIME - CA_BACKDATE - seconds);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	length = CA_KEY_BYTES + i2d_X509(certificate, &end);
	assert_int_equal(ca_import(&made, bytes, (size_t)length), 0);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return made;
}

static void the_authority_is_the_same_after_an_import(void **state)
{
	unsigned char bytes[CA_EXPORT_MAX];
	struct ca *ca = create("crates.io"), *next = NULL;
	const struct host host = host_of("crates.io");
	int length = ca_export(ca, bytes, sizeof(bytes));
	X509 *leaf;
	EVP_PKEY *key;

	(void)state;
	assert_in_range(length, 1, sizeof(bytes));
	assert_int_equal(ca_export(ca, bytes, (size_t)length - 1), -ENOSPC);
	assert_int_equal(ca_export(ca, bytes, (size_t)length), length);
	for (size_t cut = 0; cut < (size_t)length; cut++)
		assert_int_equal(ca_import(&next, bytes, cut), -EINVAL);
	assert_int_equal(ca_import(&next, bytes, (size_t)length + 1), -EINVAL);
	assert_null(next);
	assert_int_equal(ca_import(&next, bytes, (size_t)length), 0);
	assert_int_equal(ca_not_after(next), ca_not_after(ca));
	assert_int_equal(ca_leaf(next, &host, &leaf, &key), 0);
	assert_int_equal(verify(ca, leaf, "crates.io", 0), X509_V_OK);
	ca_free(ca);
	ca_free(next);
}

/* Both certificates of the authority are good for what either issued. */
static void a_renewed_authority_has_the_same_name_and_key(void **state)
{
	const struct host host = host_of("crates.io");
	struct ca *ca = create("crates.io"), *before = NULL;
	unsigned char bytes[CA_EXPORT_MAX];
	int length = ca_export(ca, bytes, sizeof(bytes));
	X509 *leaf, *old_leaf, *old = certificate_of(ca), *new;
	EVP_PKEY *key;

	(void)state;
	assert_int_equal(ca_import(&before, bytes, (size_t)length), 0);
	assert_int_equal(ca_leaf(ca, &host, &old_leaf, &key), 0);
	X509_up_ref(old_leaf);
	assert_int_equal(ca_renew(ca), 0);
	new = certificate_of(ca);
	assert_int_equal(
		X509_NAME_cmp(X509_get_subject_name(old), X509_get_subject_name(new)), 0);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(old), X509_get0_pubkey(new)), 1);
	assert_int_not_equal(X509_cmp(old, new), 0);
	assert_int_equal(ca_leaf(ca, &host, &leaf, &key), 0);
	assert_int_not_equal(X509_cmp(old_leaf, leaf), 0);
	assert_int_equal(verify(before, leaf, "crates.io", 0), X509_V_OK);
	assert_int_equal(verify(ca, old_leaf, "crates.io", 0), X509_V_OK);
	assert_int_equal(issue_and_verify(ca, "github.com", "github.com"),
		X509_V_ERR_PERMITTED_VIOLATION);
	X509_free(old_leaf);
	X509_free(old);
	X509_free(new);
	ca_free(before);
	ca_free(ca);
}

/* As a worker does that was started anew after most of a day. */
static void an_authority_is_renewed_after_half_of_its_life(void **state)
{
	const time_t now = time(NULL);
	struct ca *ca = create("crates.io"), *later = NULL;
	const struct host host = host_of("crates.io");
	unsigned char bytes[CA_EXPORT_MAX];
	X509 *leaf;
	EVP_PKEY *key;

	(void)state;
	later = made_before(ca, 13 * HOUR, bytes);
	assert_in_range(ca_not_after(later), now, now + CA_LIFETIME / 2);
	assert_int_equal(ca_leaf(later, &host, &leaf, &key), 0);
	assert_in_range(
		ca_not_after(later), now + CA_LIFETIME - 2 * HOUR, now + CA_LIFETIME);
	assert_int_equal(
		verify(later, leaf, "crates.io", now + CA_LIFETIME - 2 * HOUR), X509_V_OK);
	ca_free(later);
	ca_free(ca);
}

/* The key of one authority with the certificate of another. Keys have one length. */
static void a_mixture_is_no_authority(void **state)
{
	unsigned char one[CA_EXPORT_MAX], other[CA_EXPORT_MAX];
	struct ca *a = create("crates.io"), *b = create("crates.io"), *mixed = NULL;
	int length = ca_export(a, one, sizeof(one));

	(void)state;
	assert_in_range(ca_export(b, other, sizeof(other)), 1, sizeof(other));
	memcpy(one, other, CA_KEY_BYTES);
	assert_int_equal(ca_import(&mixed, one, (size_t)length), -EINVAL);
	ca_free(a);
	ca_free(b);
}

static void leaves_are_kept_in_bounds(void **state)
{
	struct ca *ca = create("crates.io");
	char name[32];
	struct host host = host_of("crates.io");
	X509 *first, *leaf;
	EVP_PKEY *key;

	(void)state;
	assert_int_equal(ca_leaf(ca, &host, &first, &key), 0);
	X509_up_ref(first);
	for (int i = 0; i < 3 * CA_LEAVES_MAX; i++) {
		/* What is used stays. */
		assert_int_equal(ca_leaf(ca, &host, &leaf, &key), 0);
		assert_ptr_equal(leaf, first);
		snprintf(name, sizeof(name), "x%d.crates.io", i);
		assert_verifies(ca, name);
	}
	/* What was not used is gone, and is made anew with another serial number. */
	for (int i = 0; i < 2 * CA_LEAVES_MAX; i++) {
		snprintf(name, sizeof(name), "y%d.crates.io", i);
		assert_verifies(ca, name);
	}
	assert_int_equal(ca_leaf(ca, &host, &leaf, &key), 0);
	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(leaf),
				     X509_get0_serialNumber(first)),
		0);
	X509_free(first);
	ca_free(ca);
}

static void write_certificate(const char *path, X509 *certificate)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	fclose(file);
}

/* Whether the program openssl takes the certificate in `leaf` for one of `name`. */
static bool openssl_verifies(char *root, char *leaf, char *name)
{
	char *const arguments[] = { (char *)"openssl", (char *)"verify",
		(char *)"-x509_strict", (char *)"-purpose", (char *)"sslserver",
		(char *)"-verify_hostname", name, (char *)"-CAfile", root, leaf, NULL };
	posix_spawn_file_actions_t quiet;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	assert_int_equal(
		posix_spawnp(&pid, "openssl", &quiet, NULL, arguments, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	posix_spawn_file_actions_destroy(&quiet);
	return !status;
}

static void the_program_openssl_agrees(void **state)
{
	char folder[] = "/tmp/jobfence-ca-XXXXXX", root[64], leaf[64];
	struct ca *ca = create("crates.io");
	static const struct {
		const char *name;
		bool good;
	} rows[] = { { "crates.io", true }, { "github.com", false } };
	X509 *certificate = certificate_of(ca);
	EVP_PKEY *key;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(root, sizeof(root), "%s/root.pem", folder);
	snprintf(leaf, sizeof(leaf), "%s/leaf.pem", folder);
	write_certificate(root, certificate);
	X509_free(certificate);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct host host = host_of(rows[i].name);

		assert_int_equal(ca_leaf(ca, &host, &certificate, &key), 0);
		write_certificate(leaf, certificate);
		assert_int_equal(openssl_verifies(root, leaf, host.name), rows[i].good);
	}
	unlink(root);
	unlink(leaf);
	rmdir(folder);
	ca_free(ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_verify),
		cmocka_unit_test(a_leaf_is_for_its_name_alone),
		cmocka_unit_test(leaves_for_other_names_do_not_verify),
		cmocka_unit_test(the_flag_of_an_authority_is_in_der),
		cmocka_unit_test(each_has_the_name_of_its_file),
		cmocka_unit_test(other_authorities_do_not_count),
		cmocka_unit_test(all_end_with_the_job_and_within_a_day),
		cmocka_unit_test(what_can_not_be_is_refused),
		cmocka_unit_test(the_authority_is_the_same_after_an_import),
		cmocka_unit_test(a_renewed_authority_has_the_same_name_and_key),
		cmocka_unit_test(an_authority_is_renewed_after_half_of_its_life),
		cmocka_unit_test(a_mixture_is_no_authority),
		cmocka_unit_test(leaves_are_kept_in_bounds),
		cmocka_unit_test(the_program_openssl_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
