// SPDX-License-Identifier: BSD-2-Clause
/* The resolvers that resolv.conf(5) names. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "names/address.h"
#include "names/resolvers.h"

#include <cmocka.h> /* last: its macro `fail` is the name of a function of ours */

static void lines_become_resolvers(void **state)
{
	static const struct {
		const char *text, *resolvers;
	} rows[] = {
		{ "nameserver 192.0.2.1\n", "192.0.2.1" },
		{ "nameserver 192.0.2.1", "192.0.2.1" },
		{ "nameserver\t2001:db8::1 \r\n", "2001:db8::1" },
		{ "# nameserver 192.0.2.1\n;nameserver 192.0.2.2\n\n  nameserver 192.0.2.3 # mine\n",
			"192.0.2.3" },
		{ "domain a.test\nnameserver 192.0.2.1\noptions ndots:2\nnameserver ::1\n",
			"192.0.2.1 ::1" },
		{ "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
		  "nameserver 192.0.2.4\nnameserver 192.0.2.5\n",
			"192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4" },
		{ "nameserver fe80::1%eth0\nnameserver 192.0.2.1\n", "192.0.2.1" },
		{ "", "127.0.0.1" },
		{ "nameservers 192.0.2.1\noptions rotate\n", "127.0.0.1" },
		{ "nameserver\nnameserver a.test\nnameserver 192.0.2.1\n", "192.0.2.1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct endpoint resolvers[RESOLVERS_MAX];
		char seen[RESOLVERS_MAX * (ADDRESS_TEXT_MAX + 1)] = "";
		_free_ char *text = strdup(rows[i].text);
		int count, seen_count = 0;

		assert_non_null(text);
		count = resolvers_parse(text, resolvers);
		for (size_t j = 0; j < RESOLVERS_MAX && resolvers[j].port; j++) {
			char address[ADDRESS_TEXT_MAX];

			seen_count++;
			assert_int_equal(ntohs(resolvers[j].port), 53);
			address_format(&resolvers[j].address, address);
			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s%s",
				j ? " " : "", address);
		}
		assert_string_equal(seen, rows[i].resolvers);
		/* The assumed resolver was not in the file. */
		assert_int_equal(count, strcmp(seen, "127.0.0.1") ? seen_count : 0);
	}
}

static void lines_that_name_no_address_are_refused(void **state)
{
	static const char *const rows[] = {
		"nameserver\n",
		"nameserver a.test\n",
		"nameserver 192.0.2.256\nnameserver fe80::1%eth0\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct endpoint resolvers[RESOLVERS_MAX];
		_free_ char *text = strdup(rows[i]);

		assert_non_null(text);
		assert_int_equal(resolvers_parse(text, resolvers), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_resolvers),
		cmocka_unit_test(lines_that_name_no_address_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
