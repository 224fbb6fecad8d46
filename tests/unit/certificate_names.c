// SPDX-License-Identifier: BSD-2-Clause
/* The subject of a certificate is found without reading the rest, wherever it is cut. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "lib/cleanup.h"
#include "proxy/ca.h"
#include "proxy/certificate_names.h"

#include <cmocka.h>

/* Makes a certificate. The caller frees `*bytes` with OPENSSL_free(). */
static X509 *make(unsigned char **bytes, int *length)
{
	struct host host = {};
	struct ca *ca = NULL;
	X509 *certificate;
	EVP_PKEY *key;

	assert_int_equal(host_parse("a.test", 6, HOST_NO_BRACKETS, &host), 0);
	assert_int_equal(ca_create(&ca, &host, 1, 0), 0);
	assert_int_equal(ca_leaf(ca, &host, &certificate, &key), 0);
	X509_up_ref(certificate);
	ca_free(ca);
	*bytes = NULL;
	*length = i2d_X509(certificate, bytes);
	assert_true(*length > 0);
	return certificate;
}

static void the_subject_is_that_of_libcrypto(void **state)
{
	struct certificate_names names;
	const unsigned char *subject;
	unsigned char *bytes;
	size_t expected;
	int length;
	X509 *certificate = make(&bytes, &length);

	(void)state;
	assert_int_equal(certificate_find_names(bytes, length, &names), 0);
	assert_true(X509_NAME_get0_der(
		X509_get_subject_name(certificate), &subject, &expected));
	assert_int_equal(names.subject_length, expected);
	assert_memory_equal(names.subject, subject, expected);
	X509_free(certificate);
	OPENSSL_free(bytes);
}

static void a_certificate_that_is_cut_or_too_long_has_none(void **state)
{
	struct certificate_names names;
	unsigned char *bytes;
	int length;
	X509 *certificate = make(&bytes, &length);

	(void)state;
	assert_int_equal(certificate_find_names(bytes, 0, &names), -EINVAL);
	for (int cut = 1; cut < length; cut++) {
		/* A copy, so that a read beyond it is found. */
		_free_ unsigned char *part = malloc((size_t)cut);

		assert_non_null(part);
		memcpy(part, bytes, (size_t)cut);
		assert_int_equal(certificate_find_names(part, cut, &names), -EINVAL);
	}
	bytes = OPENSSL_realloc(bytes, (size_t)length + 1);
	bytes[length] = 0;
	assert_int_equal(certificate_find_names(bytes, length + 1, &names), -EINVAL);
	X509_free(certificate);
	OPENSSL_free(bytes);
}

static void no_byte_that_is_changed_leads_outside(void **state)
{
	struct certificate_names names;
	unsigned char *bytes;
	int length;
	X509 *certificate = make(&bytes, &length);

	(void)state;
	for (int i = 0; i < length; i++)
		for (int value = 0; value < 256; value += 17) {
			unsigned char before = bytes[i];

			bytes[i] = (unsigned char)value;
			if (!certificate_find_names(bytes, length, &names))
				assert_true(names.subject > bytes &&
					    names.subject_length > 0 &&
					    names.subject + names.subject_length <=
						    bytes + length);
			bytes[i] = before;
		}
	X509_free(certificate);
	OPENSSL_free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_subject_is_that_of_libcrypto),
		cmocka_unit_test(a_certificate_that_is_cut_or_too_long_has_none),
		cmocka_unit_test(no_byte_that_is_changed_leads_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
