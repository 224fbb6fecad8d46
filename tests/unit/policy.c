// SPDX-License-Identifier: BSD-2-Clause
/* The decisions of a policy about a job, without the programs that it may run. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/json.h"
#include "policy/admission.h"
#include "lib/cleanup.h"

#include <cmocka.h> /* last: its macro `fail` is the name of a function of ours */

#define OUT_SIZE 256

static void parse(struct policy *policy, const char *text)
{
	struct failure failure;

	policy_init(policy);
	policy->file = "F";
	if (policy_parse(policy, "F", text, strlen(text), &failure) ||
		policy_finish(policy, &failure))
		fail_msg("%s", failure.text);
}

/*
 * The settings that refuse a spec, with blanks between them. "usage": the spec itself is
 * wrong.
 */
static void judge(const char *policy_text, const char *spec_text, bool by_operator,
	char out[OUT_SIZE])
{
	_cleanup_(policy_free) struct policy policy = {};
	_cleanup_(spec_free) struct job_spec spec = {};
	const struct admission admission = {
		.policy = &policy, .spec = &spec, .by_operator = by_operator
	};
	_json_ json_t *violations = json_array();
	const json_t *violation;
	struct failure failure;
	size_t i, used = 0;

	parse(&policy, policy_text);
	snprintf(out, OUT_SIZE, "usage");
	if (spec_parse(&spec, spec_text, strlen(spec_text), "S", &failure) ||
		admission_settle(&admission, &failure))
		return;
	out[0] = '\0';
	assert_int_equal(admission_check(&admission, true, violations), 0);
	json_array_foreach (violations, i, violation) {
		const char *reason =
			json_string_value(json_object_get(violation, "reason"));

		/* The sentence says what to set, and where. */
		assert_non_null(strstr(
			reason, json_string_value(json_object_get(violation, "setting"))));
		assert_non_null(strstr(reason, " in F"));
		used += (size_t)snprintf(out + used, OUT_SIZE - used, "%s%s", i ? " " : "",
			json_string_value(json_object_get(violation, "setting")));
		assert_true(used < OUT_SIZE);
	}
}

struct row {
	const char *policy, *domains, *refused;
};

static void assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char spec[512], refused[OUT_SIZE];

		snprintf(spec, sizeof(spec), "{\"Domains\": [%s]}", rows[i].domains);
		judge(rows[i].policy, spec, false, refused);
		if (strcmp(refused, rows[i].refused))
			fail_msg("%s: %s: refused by '%s'", rows[i].policy, rows[i].domains,
				refused);
	}
}

#define HTTP "accept = http\n"

static void a_domain_has_to_be_covered(void **state)
{
	static const struct row rows[] = {
		{ HTTP, "\"foo.com\"", "allow_domain" },
		{ HTTP "allow_domain = *", "\"foo.com\", \".bar.com\", \"::1\"", "" },
		{ HTTP "allow_domain = foo.com", "\"foo.com\"", "" },
		{ HTTP "allow_domain = foo.com", "\".foo.com\"", "allow_domain" },
		{ HTTP "allow_domain = foo.com", "\"*.foo.com\"", "allow_domain" },
		{ HTTP "allow_domain = foo.com", "\"api.foo.com\"", "allow_domain" },
		{ HTTP "allow_domain = .foo.com", "\"api.foo.com\"", "" },
		{ HTTP "allow_domain = .foo.com", "\".foo.com\"", "" },
		{ HTTP "allow_domain = .foo.com", "\"*.api.foo.com\", \"foo.com\"", "" },
		{ HTTP "allow_domain = .foo.com", "\"afoo.com\"", "allow_domain" },
		{ HTTP "allow_domain = *.foo.com", "\"foo.com\"", "allow_domain" },
		{ HTTP "allow_domain = *.foo.com", "\".foo.com\"", "allow_domain" },
		{ HTTP "allow_domain = *.foo.com", "\"*.foo.com\"", "" },
		{ HTTP "allow_domain = .com", "\"foo.com\"", "" },
		{ HTTP "default_domain = .foo.com", "\"a.foo.com\"", "" },
		{ HTTP "allow_domain = a.com", "\"a.com\", \"b.com\", \"c.com\"",
			"allow_domain allow_domain" },
		{ "allow_domain = a.com", "\"a.com\"", "accept" },
		{ "", "\"a.com\"", "accept allow_domain" },
		{ "", "", "" },
		{ "accept = none\ndeny_domain = .com", "", "" },
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

#define ANY HTTP "allow_domain = *\ndeny_domain = "

static void a_denied_name_wins(void **state)
{
	static const struct row rows[] = {
		{ ANY "b.foo.com", "\"foo.com\", \"a.foo.com\"", "" },
		{ ANY "b.foo.com", "\"b.foo.com\"", "deny_domain" },
		{ ANY "b.foo.com", "\"B.Foo.Com.\"", "deny_domain" },
		{ ANY "b.foo.com", "\".foo.com\"", "deny_domain" },
		{ ANY "b.foo.com", "\"*.foo.com\"", "deny_domain" },
		{ ANY "b.foo.com", "\".b.foo.com\"", "deny_domain" },
		{ ANY "b.foo.com", "\"*.b.foo.com\"", "" },
		{ ANY "b.foo.com", "\"a.b.foo.com\"", "" },
		{ ANY "*.foo.com", "\"foo.com\"", "" },
		{ ANY "*.foo.com", "\".foo.com\"", "deny_domain" },
		{ ANY "*.foo.com", "\"a.b.foo.com\"", "deny_domain" },
		{ ANY ".foo.com", "\"foo.com\"", "deny_domain" },
		{ ANY ".foo.com", "\"afoo.com\", \"foo.com.org\"", "" },
		{ ANY "11.0.0.1", "\"11.0.0.1\"", "deny_domain" },
		{ ANY "11.0.0.1", "\"11.0.0.2\"", "" },
		{ ANY "::ffff:11.0.0.1", "\"11.0.0.1\"", "deny_domain" },
		{ HTTP "allow_domain = a.com\ndeny_domain = a.com", "\"a.com\"",
			"deny_domain" },
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void other_rules(void **state)
{
	static const struct {
		const char *policy, *spec, *refused, *refused_to_operator;
	} rows[] = {
#define A   "\"Domains\": [\"a.com\"]"
#define NET "\"network\": {" A "}"
#define OK  HTTP "allow_domain = *\n"
		{ OK, "{" NET ", \"rate\": \"1mbit\"}", "", "" },
		{ OK, "{" NET ", \"rate\": \"2mbit\"}", "max_rate", "" },
		{ OK, "{" NET ", \"rate\": \"0\"}", "max_rate", "" },
		{ OK "max_rate = 0", "{" NET ", \"rate\": \"0\"}", "", "" },
		{ OK "rate = 0", "{" NET ", \"rate\": \"0\"}", "", "" },
		{ OK "rate = 3mbit", "{" NET ", \"rate\": \"3mbit\"}", "", "" },
		{ OK "max_rate = 2mbit", "{" NET ", \"rate\": \"2mbit\"}", "", "" },
		{ OK "max_rate = 2mbit", "{" NET ", \"rate\": \"0\"}", "max_rate",
			"max_rate" },
		{ OK "max_rate = 9kbit", "{" NET "}", "", "" },
		{ OK "max_domains = 1", "{\"Domains\": [\"a.com\", \"b.com\"]}",
			"max_domains", "max_domains" },
		{ OK "max_domains = 1", "{\"Domains\": [\"a.com\", \".a.com\"]}", "", "" },
		{ OK "header = X-Y", "{" NET "}", "", "" },
		{ OK "header = X-Y", "{" NET ", \"header\": \"x-y\"}", "", "" },
		{ OK "header = X-Y", "{" NET ", \"header\": \"X-Z\"}", "header", "" },
		{ OK, "{" NET ", \"header\": \"X-Z\"}", "header", "" },
		{ OK, "{" NET ", \"allow_addresses\": [\"10.0.0.1\"]}", "allow_address",
			"" },
		{ OK "allow_address = 10.0.0.0/8",
			"{" NET ", \"allow_addresses\": [\"10.0.0.0/8\"]}", "", "" },
		{ OK "allow_address = 10.0.0.0/8",
			"{" NET ", \"allow_addresses\": [\"10.0.0.0/7\"]}", "allow_address",
			"" },
		{ OK, "{" NET ", \"allow_ech\": [\"a.com\"]}", "allow_ech", "" },
		{ OK "allow_ech = .a.com", "{" NET ", \"allow_ech\": [\"a.com\"]}", "",
			"" },
		{ OK "allow_ech = .com", "{" NET ", \"allow_ech\": [\"b.com\"]}", "usage",
			"usage" },
		{ OK, "{" NET ", \"intercept\": [\"a.com\"]}", "allow_intercept", "" },
		{ OK "allow_intercept = .a.com", "{" NET ", \"intercept\": [\"a.com\"]}",
			"", "" },
		{ OK "allow_intercept = .com", "{" NET ", \"intercept\": [\"b.com\"]}",
			"usage", "usage" },
		{ OK "allow_intercept = .com", "{\"intercept\": [\"a.com\"]}", "usage",
			"usage" },
		{ OK, "{" NET ", \"rules\": [\"GET a.com/**\"]}", "", "" },
		{ OK, "{" NET ", \"rules\": [\"GET .a.com/**\"]}", "usage", "usage" },
		{ OK, "{" NET ", \"rules\": [\"GET a.com\"]}", "usage", "usage" },
		{ OK, "{\"rules\": [\"GET a.com/\"]}", "usage", "usage" },
		{ OK "default_domain = b.com", "{" NET ", \"rules\": [\"GET b.com/\"]}", "",
			"" },
		{ OK "rule = GET b.com/**", "{" NET "}", "", "" },
		{ OK "allow_address = 0.0.0.0/0",
			"{" NET ", \"allow_addresses\": [\"fd00::1\"]}", "allow_address",
			"" },
		{ OK "deny_domain = a.com", "{" NET "}", "deny_domain", "deny_domain" },
		{ OK, "{\"Domains\": [\".com\"]}", "usage", "usage" },
		{ OK "allow_public_suffix_wildcards = yes", "{\"Domains\": [\".com\"]}", "",
			"" },
		{ "", "{" NET "}", "accept allow_domain", "" },
		{ OK, "{\"Type\": \"Full\"}", "accept", "" },
		{ OK, "{\"network\": {\"Type\": \"Full\"}, \"rate\": \"1mbit\"}", "usage",
			"usage" },
		{ OK, "{\"network\": {\"Type\": \"Full\"}, \"rate\": \"0\"}", "accept",
			"" },
		{ "accept = full\nmax_rate = 1mbit",
			"{\"network\": {\"type\": \"FULL\"}, \"rate\": \"0\"}", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char refused[OUT_SIZE], refused_to_operator[OUT_SIZE];

		judge(rows[i].policy, rows[i].spec, false, refused);
		judge(rows[i].policy, rows[i].spec, true, refused_to_operator);
		if (strcmp(refused, rows[i].refused) ||
			strcmp(refused_to_operator, rows[i].refused_to_operator))
			fail_msg("%s: %s: refused by '%s', to the operator by '%s'",
				rows[i].policy, rows[i].spec, refused, refused_to_operator);
	}
}

/* The domains whose TLS is opened for an accepted job, with blanks between them. */
static void opened(const char *text, const char *spec_text, char out[OUT_SIZE])
{
	_cleanup_(policy_free) struct policy policy = {};
	_cleanup_(spec_free) struct job_spec spec = {};
	const struct admission admission = { .policy = &policy, .spec = &spec };
	struct failure failure = {};

	parse(&policy, text);
	assert_int_equal(spec_parse(&spec, spec_text, strlen(spec_text), "S", &failure), 0);
	assert_int_equal(admission_enforce(&admission, &failure), 0);
	out[0] = '\0';
	for (size_t i = 0; i < spec.intercept.count; i++) {
		size_t used = strlen(out);

		out[used] = ' ';
		declared_domain_format(&spec.intercept.list[i], out + used + (i > 0));
	}
}

#define GUARD OK "intercept_guarded = yes\nguard_domain = "

static void tls_to_guarded_domains_is_opened_where_the_policy_says(void **state)
{
	static const struct {
		const char *policy, *spec, *opened;
	} rows[] = {
		{ OK "guard_domain = a.com", "{" NET "}", "" },
		{ GUARD "a.com", "{" NET "}", "a.com" },
		{ GUARD "b.com", "{" NET "}", "" },
		{ GUARD ".a.com", "{" NET "}", "a.com" },
		{ GUARD "x.a.com y.a.com", "{\"Domains\": [\".a.com\"]}",
			"x.a.com y.a.com" },
		{ GUARD "*.a.com", "{\"Domains\": [\".a.com\"]}", "*.a.com" },
		{ GUARD "*.a.com", "{\"Domains\": [\"a.com\"]}", "" },
		{ GUARD ".com", "{\"Domains\": [\"a.com\", \"*.b.com\"]}",
			"a.com *.b.com" },
		{ GUARD ".a.com\nlearn = yes", "{\"learn\": true}", ".a.com" },
		{ GUARD "192.0.2.1", "{\"Domains\": [\"192.0.2.1\", \"192.0.2.2\"]}",
			"192.0.2.1" },
		{ GUARD "a.com", "{\"network\": {\"type\": \"none\"}}", "" },
		{ OK "intercept_guarded = yes",
			"{" NET ", \"guard_domains\": [\"a.com\", \"b.com\"]}", "a.com" },
		{ GUARD "b.com\ndefault_domain = .b.com\nallow_intercept = a.com",
			"{" NET ", \"intercept\": [\"a.com\"]}", "a.com b.com" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[OUT_SIZE];

		opened(rows[i].policy, rows[i].spec, out);
		if (strcmp(out, rows[i].opened) != 0)
			fail_msg("%s: %s: %s", rows[i].policy, rows[i].spec, out);
	}
}

static void every_key_is_read(void **state)
{
	static const char text[] =
		"\xef\xbb\xbf# a byte order mark, and lines that end in CR LF\r\n"
		"accept: full\r\n"
		"allow_domain = a.com b.com,c.com ; three\n"
		"\td.com\n"
		"deny_domain = .e.com\n"
		"default_domain = f.com\n"
		"guard_domain = g.com h.com\n"
		"allow_ech = e.com .f.com\n"
		"allow_intercept = i.com .j.com\n"
		"intercept_guarded = yes\n"
		"upstream_ca = /etc/ca.pem\n"
		"rule = GET,HEAD a.com/x;y/** ; one\n"
		"rule = * .b.com/\n"
		"\tGET c.com/\n"
		"; another comment\n"
		"rate = 2mbit\n"
		"max_rate = 3mbit\n"
		"max_domains = 7\n"
		"max_connections = 8\n"
		"header = X-Y\n"
		"allow_address = 10.0.0.0/8 fd00::1\n"
		"nat64_prefix = 64:ff9b:1::/96, 2600::/32\n"
		"nat64_prefix = 2601::/64\n"
		"allow_public_suffix_wildcards = yes\n"
		"learn = yes\n"
		"probe = /bin/probe\n"
		"probe_timeout = 9\n"
		"trusted_keys = /etc/keys\n"
		"allow_domain = i.com\n"
		"[signer alice]\n"
		"allow_domain = j.com\n"
		"[signer bob]\n"
		"allow_domain = k.com\n"
		"[signer alice]\n"
		"allow_domain = l.com";
	_cleanup_(policy_free) struct policy policy = {};

	(void)state;
	parse(&policy, text);
	assert_int_equal(policy.accept, NETWORK_FULL);
	assert_false(policy.allow_any_domain);
	assert_int_equal(policy.allowed_domains.count, 5);
	assert_int_equal(policy.denied_domains.count, 1);
	assert_int_equal(policy.default_domains.count, 1);
	assert_int_equal(policy.guard_domains.count, 2);
	assert_int_equal(policy.ech_domains.count, 2);
	assert_int_equal(policy.intercept_domains.count, 2);
	assert_true(policy.intercept_guarded);
	assert_string_equal(policy.upstream_ca, "/etc/ca.pem");
	assert_int_equal(policy.rules.count, 3);
	assert_string_equal(policy.rules.list[0].text, "GET,HEAD a.com/x;y/**");
	assert_int_equal(policy.rate, 2000000);
	assert_int_equal(policy.max_rate, 3000000);
	assert_true(policy.max_rate_given);
	assert_int_equal(policy.max_domains, 7);
	assert_int_equal(policy.max_connections, 8);
	assert_string_equal(policy.header, "X-Y");
	assert_int_equal(policy.allowed_address_count, 2);
	assert_string_equal(policy.nat64_prefixes, "64:ff9b:1::/96 2600::/32 2601::/64");
	assert_true(policy.allow_public_suffix_wildcards);
	assert_true(policy.learn);
	assert_string_equal(policy.probe, "/bin/probe");
	assert_int_equal(policy.probe_timeout, 9);
	assert_string_equal(policy.trusted_keys, "/etc/keys");
	assert_int_equal(policy.signer_count, 2);
	assert_string_equal(policy.signers[0].name, "alice");
	assert_int_equal(policy.signers[0].allowed.count, 2);
}

static void without_a_file_nothing_networked_is_taken(void **state)
{
	_cleanup_(policy_free) struct policy policy = {};

	(void)state;
	parse(&policy, "");
	assert_int_equal(policy.accept, NETWORK_NONE);
	assert_int_equal(policy.rate, RATE_DEFAULT);
	assert_int_equal(policy.max_rate, RATE_DEFAULT);
	assert_string_equal(policy.header, HEADER_DEFAULT);
	assert_int_equal(policy.intercept_domains.count, 0);
	assert_false(policy.allow_any_domain || policy.learn || policy.intercept_guarded ||
		     policy.allow_public_suffix_wildcards);
}

static void assert_wrong(const char *text, size_t length, int line)
{
	_cleanup_(policy_free) struct policy policy = {};
	struct failure failure = {};
	char place[16];

	policy_init(&policy);
	snprintf(place, sizeof(place), "F:%d: ", line);
	assert_true(policy_parse(&policy, "F", text, length, &failure) < 0);
	assert_int_equal(failure.status, STATUS_POLICY);
	if (strncmp(failure.text, place, strlen(place)))
		fail_msg("not in line %d: %s", line, failure.text);
}

static void mistakes_are_found_with_their_line(void **state)
{
#define BYTES(text) text, sizeof(text) - 1
#define X50	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	static const struct {
		const char *text;
		size_t length;
		int line;
	} rows[] = {
		{ BYTES("x = y"), 1 },
		{ BYTES("accept"), 1 },
		{ BYTES("= http"), 1 },
		{ BYTES("Accept = http"), 1 },
		{ BYTES("accept = http accept = full"), 1 },
		{ BYTES("accept = \"http\""), 1 },
		{ BYTES("\n\naccept = http\naccept = http\n"), 4 },
		{ BYTES("accept = http\n full\n"), 2 },
		{ BYTES("\naccept = http\0\n"), 2 },
		{ BYTES("\0"), 1 },
		{ BYTES("nonsense\nx = y\n"), 1 },
		{ BYTES("x = y\nnonsense\n"), 1 },
		{ BYTES("accept = none\n# " X50 X50 X50 X50 "accept = full\n"), 2 },
		{ BYTES("accept = none\n# " X50 X50 X50 X50 "\nx = y\n"), 2 },
		{ BYTES(X50 X50 X50 X50), 1 },
		{ BYTES("allow_domain = a.com\n\tb.com c.com http://d.com\n"), 2 },
		{ BYTES("allow_domain = a.com # comment\n"), 1 },
		{ BYTES("allow_domain = ,"), 1 },
		{ BYTES("deny_domain = *"), 1 },
		{ BYTES("rate = 1"), 1 },
		{ BYTES("max_rate = -1mbit"), 1 },
		{ BYTES("max_domains = 1025"), 1 },
		{ BYTES("max_domains = 4294967297"), 1 },
		{ BYTES("max_domains = +5"), 1 },
		{ BYTES("max_domains = 5 6"), 1 },
		{ BYTES("probe = /" X50 X50 X50 "\ntrusted_keys = keys"), 2 },
		{ BYTES("probe_timeout = 301"), 1 },
		{ BYTES("header = Content-Length"), 1 },
		{ BYTES("learn = 1"), 1 },
		{ BYTES("nat64_prefix = 2600::/33"), 1 },
		{ BYTES("nat64_prefix = 10.0.0.0/8"), 1 },
		{ BYTES("nat64_prefix = 1::/96 2::/96 3::/96 4::/96\nnat64_prefix = 5::/96"),
			2 },
		{ BYTES("[signer a]\naccept = full"), 2 },
		{ BYTES("[signer]\nallow_domain = a.com"), 2 },
		{ BYTES("[signer ]\nallow_domain = a.com"), 2 },
		{ BYTES("[signer a b]\nallow_domain = a.com"), 2 },
		{ BYTES("[signer " X50 "]\nallow_domain = a.com"), 2 },
		{ BYTES("[Signer a]\nallow_domain = a.com"), 2 },
		{ BYTES("[signer a]\nallow_domain = *"), 2 },
		{ BYTES("[signer a\nallow_domain = a.com"), 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_wrong(rows[i].text, rows[i].length, rows[i].line);
}

static void contradictions_are_found(void **state)
{
	static const char *const rows[] = {
		"rate = 2mbit\nmax_rate = 1mbit",
		"rate = 0\nmax_rate = 1mbit",
		"default_domain = a.com\ndeny_domain = .a.com",
		"default_domain = .a.com\ndeny_domain = b.a.com",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(policy_free) struct policy policy = {};
		struct failure failure = {};

		policy_init(&policy);
		assert_int_equal(
			policy_parse(&policy, "F", rows[i], strlen(rows[i]), &failure), 0);
		assert_true(policy_finish(&policy, &failure) < 0);
		assert_int_equal(failure.status, STATUS_POLICY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_has_to_be_covered),
		cmocka_unit_test(a_denied_name_wins),
		cmocka_unit_test(other_rules),
		cmocka_unit_test(tls_to_guarded_domains_is_opened_where_the_policy_says),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(without_a_file_nothing_networked_is_taken),
		cmocka_unit_test(mistakes_are_found_with_their_line),
		cmocka_unit_test(contradictions_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
