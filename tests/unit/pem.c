// SPDX-License-Identifier: BSD-2-Clause
/* Which parts of a file of PEM are certificates, and nothing else of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "lib/pem.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"
#define ONE   BEGIN "\nMIIB+/0=\n" END "\n"
#define OTHER BEGIN "\nMIIC\nAAAA\n" END "\n"

/* The memory is as long as the text, so that tools see a byte beyond. */
static void assert_copied(const char *text, const char *wanted)
{
	size_t length = strlen(text);
	_free_ char *exact = malloc(length ? length : 1), *copy = malloc(length + 2);

	for (size_t i = 0; i < length; i++)
		exact[i] = text[i];
	assert_int_equal(pem_certificates(exact, length, copy), strlen(wanted));
	assert_string_equal(copy, wanted);
}

static void certificates_are_copied(void **state)
{
	(void)state;
	assert_copied(ONE, ONE);
	assert_copied(ONE OTHER, ONE OTHER);
	assert_copied("# a comment\n" ONE "\nanother\n\n" OTHER "rest", ONE OTHER);
	assert_copied(BEGIN "\nMIIB+/0=\n" END, ONE);
	assert_copied(BEGIN "\r\nMIIB\r\n" END "\r\n", BEGIN "\r\nMIIB\r\n" END "\r\n");
}

static void nothing_else_is_copied(void **state)
{
	(void)state;
	assert_copied("", "");
	assert_copied("\n", "");
	assert_copied("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "");
	assert_copied("-----BEGIN PRIVATE KEY-----\nMIIB\n" END "\n", "");
	assert_copied(BEGIN "\nMIIB\n", "");
	assert_copied(BEGIN "\nMIIB\n" BEGIN "\nMIIC\nAAAA\n" END "\n", OTHER);
	assert_copied(BEGIN "\nMIIB\nX: y\n" END "\n", "");
	assert_copied(BEGIN "\nMIIB\n-----BEGIN PRIVATE KEY-----\nMIIB\n" END "\n", "");
	assert_copied("x" ONE, "");
	assert_copied(BEGIN "x\nMIIB\n" END "\n", "");
	assert_copied(END "\n" ONE, ONE);
}

static void the_last_certificate_is_found(void **state)
{
	(void)state;
	assert_int_equal(pem_last("", 0), 0);
	assert_int_equal(pem_last(ONE, strlen(ONE)), 0);
	assert_int_equal(pem_last(ONE OTHER, strlen(ONE OTHER)), strlen(ONE));
}

static void a_certificate_becomes_a_policy(void **state)
{
	char policy[sizeof(OTHER) + PEM_POLICY_EXTRA];
	size_t length;

	(void)state;
	length = pem_chromium_policy(OTHER, policy);
	assert_int_equal(length, strlen(policy));
	assert_string_equal(policy, "{\"CACertificates\": [\"MIICAAAA\"]}\n");
	pem_chromium_policy("", policy);
	assert_string_equal(policy, "{\"CACertificates\": [\"\"]}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_copied),
		cmocka_unit_test(nothing_else_is_copied),
		cmocka_unit_test(the_last_certificate_is_found),
		cmocka_unit_test(a_certificate_becomes_a_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
