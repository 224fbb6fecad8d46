// SPDX-License-Identifier: BSD-2-Clause
/* The names that hosts(5) gives addresses. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "names/address.h"
#include "names/hosts.h"

#define MAX 3

static void names_have_their_addresses(void **state)
{
	static const struct {
		const char *text, *addresses;
	} rows[] = {
		{ "192.0.2.1 a.test\n", "192.0.2.1 " },
		{ "192.0.2.1\tb.test  a.test", "192.0.2.1 " },
		{ "192.0.2.1 A.Test # a.test\r\n2001:db8::1 a.test\r\n",
			"192.0.2.1 2001:db8::1 " },
		{ "192.0.2.1 b.test\n192.0.2.2 a.test\n192.0.2.1 a.test\n",
			"192.0.2.2 192.0.2.1 " },
		{ "::1 a.test\n::2 a.test\n::3 a.test\n::4 a.test\n", "::1 ::2 ::3 " },
		{ "", "" },
		{ "\n \n192.0.2.1\na.test 192.0.2.1\n", "" },
		{ "#192.0.2.1 a.test\n192.0.2.1 # a.test\n192.0.2.1 b.test #a.test\n", "" },
		{ "192.0.2.256 a.test\n192.0.2 a.test\nfe80::1%eth0 a.test\n", "" },
		{ "192.0.2.1 aa.test a.test. sub.a.test a.tes\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *text = strdup(rows[i].text);
		_file_ FILE *file = fmemopen(text, strlen(text) + 1, "r");
		char seen[MAX * (ADDRESS_TEXT_MAX + 1)] = "";
		struct address addresses[MAX];
		size_t count;

		assert_non_null(file);
		count = hosts_search(file, "a.test", addresses, MAX);
		assert_true(count <= MAX);
		for (size_t k = 0; k < count; k++) {
			char address[ADDRESS_TEXT_MAX];

			address_format(&addresses[k], address);
			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s ",
				address);
		}
		assert_string_equal(seen, rows[i].addresses);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_their_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
