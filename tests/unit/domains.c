// SPDX-License-Identifier: BSD-2-Clause
/*
 * Declared domains. Their forms, the sentence for each mistake, the minimal set and its
 * order.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "names/domains.h"

#define BYTES(literal) (literal), sizeof(literal) - 1
#define SET_TEXT_MAX   4096

#define _domains_ _cleanup_(domains_free)

static int add(struct domains *domains, const char *text, const char **problem)
{
	return domains_add(domains, text, strlen(text), problem);
}

/* Adds the words of a line. */
static void add_words(struct domains *domains, const char *words)
{
	_free_ char *copy = strdup(words);
	const char *problem;
	char *rest;

	assert_non_null(copy);
	for (char *word = strtok_r(copy, " ", &rest); word;
		word = strtok_r(NULL, " ", &rest))
		if (add(domains, word, &problem))
			fail_msg("%s: %s", word, problem);
}

/* The set in one line. */
static void format(const struct domains *domains, char text[SET_TEXT_MAX])
{
	char name[NAME_LENGTH_MAX + 3];
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < domains->count; i++) {
		declared_domain_format(&domains->list[i], name);
		length += (size_t)snprintf(
			text + length, SET_TEXT_MAX - length, "%s%s", i ? " " : "", name);
		assert_true(length < SET_TEXT_MAX);
	}
}

static const struct {
	const char *declared, *minimal;
} sets[] = {
	{ "", "" },
	{ "crates.io", "crates.io" },
	{ "Crates.IO crates.io. CRATES.io", "crates.io" },
	{ "b.example a.example", "a.example b.example" },
	{ "y.foo.com .foo.com x.foo.com", ".foo.com" },
	{ "foo.com *.foo.com", ".foo.com" },
	{ "foo.com .foo.com *.foo.com", ".foo.com" },
	{ "x.foo.com *.foo.com", "*.foo.com" },
	{ "*.x.foo.com .x.foo.com *.foo.com", "*.foo.com" },
	{ "x.foo.com *.x.foo.com .y.foo.com", ".x.foo.com .y.foo.com" },
	{ "*.foo.com xfoo.com barfoo.com", "barfoo.com *.foo.com xfoo.com" },
	{ "foo.com foo.com.au .foo.co", ".foo.co foo.com foo.com.au" },
	{ "a.b.foo.com .b.foo.com b.foo.com.", ".b.foo.com" },
	{ "192.0.2.1 192.0.2.1 2001:DB8:0::1 ::ffff:192.0.2.1", "192.0.2.1 2001:db8::1" },
	{ "b\303\274cher.example B\303\234CHER.example xn--bcher-kva.example",
		"xn--bcher-kva.example" },
	{ "*.b\303\274cher.example a.b\303\274cher.example", "*.xn--bcher-kva.example" },
	{ "fa\303\237.example fass.example", "fass.example xn--fa-hia.example" },
	{ "r3---sn-x.googlevideo.com xn--a.example",
		"r3---sn-x.googlevideo.com xn--a.example" },
};

static void the_set_is_minimal(void **state)
{
	char text[SET_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		_domains_ struct domains domains = { 0 };

		add_words(&domains, sets[i].declared);
		format(&domains, text);
		assert_string_equal(text, sets[i].minimal);
	}
}

/*
 * Draws a declaration from a small family, so that most of them cover or equal one
 * another.
 */
static void draw(unsigned *seed, char *text, size_t size)
{
	static const char *const forms[] = { "", ".", "*." };
	static const char *const labels[] = { "", "a.", "b.", "a.a.", "a.b.", "b.a.",
		"c.b.a." };
	static const char *const ends[] = { "foo.com", "xfoo.com", "com.foo.com" };

	snprintf(text, size, "%s%s%s", forms[rand_r(seed) % ARRAY_SIZE(forms)],
		labels[rand_r(seed) % ARRAY_SIZE(labels)],
		ends[rand_r(seed) % ARRAY_SIZE(ends)]);
}

static void swap_some(unsigned *seed, char (*words)[32], size_t count)
{
	char kept[32];

	for (size_t i = count; i-- > 1;) {
		size_t j = (size_t)rand_r(seed) % (i + 1);

		memcpy(kept, words[i], sizeof(kept));
		memcpy(words[i], words[j], sizeof(kept));
		memcpy(words[j], kept, sizeof(kept));
	}
}

static void assert_same_rules(
	const struct domains *domains, char (*words)[32], size_t count, const char *name)
{
	struct host host;
	bool allowed = false;

	assert_int_equal(host_parse(name, strlen(name), HOST_NO_BRACKETS, &host), 0);
	for (size_t i = 0; i < count; i++) {
		_domains_ struct domains one = { 0 };

		assert_int_equal(add(&one, words[i], NULL), 0);
		allowed |= domains_allow(&one, &host);
	}
	assert_int_equal(domains_allow(domains, &host), allowed);
}

static void the_order_never_shows(void **state)
{
	static const char *const probes[] = { "foo.com", "a.foo.com", "b.foo.com",
		"a.a.foo.com", "b.a.foo.com", "z.b.a.foo.com", "xfoo.com", "b.xfoo.com",
		"com.foo.com", "com" };
	char words[12][32], first[SET_TEXT_MAX], text[SET_TEXT_MAX];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 500; round++) {
		size_t count = (size_t)rand_r(&seed) % ARRAY_SIZE(words) + 1;

		for (size_t i = 0; i < count; i++)
			draw(&seed, words[i], sizeof(words[i]));
		for (int shuffle = 0; shuffle < 6; shuffle++) {
			_domains_ struct domains domains = { 0 };

			for (size_t i = 0; i < count; i++)
				assert_int_equal(add(&domains, words[i], NULL), 0);
			format(&domains, shuffle ? text : first);
			if (shuffle)
				assert_string_equal(text, first);
			else
				for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
					assert_same_rules(
						&domains, words, count, probes[i]);
			swap_some(&seed, words, count);
		}
	}
}

static void each_mistake_has_its_sentence(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		const char *word; /* a word of the sentence */
	} rows[] = {
		{ BYTES(""), "missing" },
		{ BYTES(" \t "), "missing" },
		{ BYTES("."), "missing" },
		{ BYTES("*."), "missing" },
		{ BYTES("*"), "wildcard is written" },
		{ BYTES("foo.*.com"), "wildcard is written" },
		{ BYTES("*foo.com"), "wildcard is written" },
		{ BYTES("*.*.foo.com"), "wildcard is written" },
		{ BYTES("https://foo.com/"), "URL" },
		{ BYTES("http://foo.com"), "URL" },
		{ BYTES("user@foo.com"), "@" },
		{ BYTES("10.0.0.0/8"), "CIDR" },
		{ BYTES("2001:db8::/32"), "CIDR" },
		{ BYTES("foo.com/index.html"), "path" },
		{ BYTES("foo.com:443"), "port" },
		{ BYTES(".foo.com:80"), "port" },
		{ BYTES("192.0.2.1:443"), "port" },
		{ BYTES("[2001:db8::1]:443"), "port" },
		{ BYTES("[2001:db8::1]"), "brackets" },
		{ BYTES("[foo.com]"), "brackets" },
		{ BYTES("fe80::1%lo"), "percent" },
		{ BYTES("foo%2ecom"), "percent" },
		{ BYTES("foo.com:"), "neither a domain nor an IPv6 address" },
		{ BYTES("1:2:3"), "neither a domain nor an IPv6 address" },
		{ BYTES("foo..com"), "neither a domain name" },
		{ BYTES("..foo.com"), "neither a domain name" },
		{ BYTES("foo.com.."), "neither a domain name" },
		{ BYTES("-foo.com"), "neither a domain name" },
		{ BYTES("127.1"), "neither a domain name" },
		{ BYTES("foo.com;bar"), "neither a domain name" },
		{ BYTES("foo.com\n"), "control" },
		{ BYTES("foo.com bar.com"), "blanks" },
		{ BYTES("foo.com\0.crates.io"), "control" },
		{ BYTES("b\303\274cher.com\0.crates.io"), "control" },
		{ BYTES("\303\50.example"), "IDNA" },
		{ BYTES("\377\376.example"), "IDNA" },
		{ BYTES("a\342\204\200b.example"), "IDNA" },
		{ BYTES("\342\221\240.\342\221\241.\342\221\242.\342\221\243"), "IDNA" },
		{ BYTES(".192.0.2.1"), "names below" },
		{ BYTES("*.192.0.2.1"), "names below" },
		{ BYTES("*.2001:db8::1"), "names below" },
	};
	_domains_ struct domains domains = { 0 };

	(void)state;
	add_words(&domains, "foo.com");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *problem = NULL;

		if (domains_add(&domains, rows[i].text, rows[i].length, &problem) !=
			-EINVAL)
			fail_msg("accepted: %s", rows[i].text);
		if (!strstr(problem, rows[i].word))
			fail_msg("%s: %s", rows[i].text, problem);
		assert_int_equal(domains.count, 1);
		assert_int_equal(
			domains_add(&domains, rows[i].text, rows[i].length, NULL), -EINVAL);
	}
}

static void blanks_around_are_trimmed(void **state)
{
	_domains_ struct domains domains = { 0 };
	char text[SET_TEXT_MAX];

	(void)state;
	assert_int_equal(add(&domains, " \tcrates.io \t", NULL), 0);
	format(&domains, text);
	assert_string_equal(text, "crates.io");
}

static void a_wildcard_on_a_public_suffix_covers_strangers(void **state)
{
	static const struct {
		const char *text;
		bool strangers;
	} rows[] = {
		{ ".com", true },
		{ "*.com", true },
		{ ".CO.UK.", true },
		{ "*.github.io", true },
		{ ".ck", true },
		{ ".anything.ck", true },
		{ "*.kawasaki.jp", true },
		{ ".\345\205\254\345\217\270.cn", true },
		{ ".xn--55qx5d.cn", true },
		{ ".localhost", true },
		{ "*.internal", true },
		{ "com", false },
		{ "github.io", false },
		{ "localhost", false },
		{ ".foo.com", false },
		{ "*.foo.github.io", false },
		{ "192.0.2.1", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct declared_domain domain;
		const char *problem;

		assert_int_equal(declaration_parse(rows[i].text, strlen(rows[i].text),
					 &domain, &problem),
			0);
		if (declaration_covers_strangers(&domain) != rows[i].strangers)
			fail_msg("%s", rows[i].text);
	}
}

static void a_name_is_allowed_by_its_form(void **state)
{
	static const struct {
		const char *declared, *name;
		bool allowed;
	} rows[] = {
		{ "foo.com", "foo.com", true },
		{ "foo.com", "FOO.com.", true },
		{ "foo.com", "x.foo.com", false },
		{ "foo.com", "xfoo.com", false },
		{ "foo.com", "foo.com.evil.example", false },
		{ ".foo.com", "foo.com", true },
		{ ".foo.com", "x.foo.com", true },
		{ ".foo.com", "y.x.foo.com", true },
		{ ".foo.com", "xfoo.com", false },
		{ ".foo.com", "com", false },
		{ "*.foo.com", "foo.com", false },
		{ "*.foo.com", "x.foo.com", true },
		{ "*.foo.com", "y.x.foo.com", true },
		{ "*.foo.com", "xfoo.com", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.10", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "2001:db8::1", "2001:db8:0::1", true },
		{ "", "foo.com", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_domains_ struct domains domains = { 0 };
		struct host host;

		add_words(&domains, rows[i].declared);
		assert_int_equal(host_parse(rows[i].name, strlen(rows[i].name),
					 HOST_NO_BRACKETS, &host),
			0);
		if (domains_allow(&domains, &host) != rows[i].allowed)
			fail_msg("%s, %s", rows[i].declared, rows[i].name);
	}
}

/* Whether the kernel's trie would find `name` by the key. */
static bool key_matches(const struct domain_key *key, const char *name)
{
	struct domain_key asked;
	struct host host;

	assert_int_equal(host_parse(name, strlen(name), HOST_NO_BRACKETS, &host), 0);
	host_key(&host, &asked);
	assert_int_equal(key->bits % 8, 0);
	return key->bits <= asked.bits && !memcmp(key->name, asked.name, key->bits / 8);
}

static void keys_match_what_the_set_allows(void **state)
{
	static const struct {
		const char *text;
		size_t keys;
	} declared[] = { { "foo.com", 1 }, { ".foo.com", 2 }, { "*.foo.com", 1 } };
	static const char *const names[] = { "foo.com", "x.foo.com", "y.x.foo.com",
		"xfoo.com", "foo.com.au", "com", "oo.com", "192.0.2.1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(declared); i++) {
		_domains_ struct domains domains = { 0 };
		struct domain_key keys[2];
		struct host host;
		size_t count;

		add_words(&domains, declared[i].text);
		memset(keys, 0x5a, sizeof(keys));
		assert_int_equal(domains.count, 1);
		count = declared_domain_keys(domains.list, keys);
		assert_int_equal(count, declared[i].keys);
		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			bool matches = false;

			for (size_t k = 0; k < count; k++)
				matches |= key_matches(&keys[k], names[j]);
			assert_int_equal(host_parse(names[j], strlen(names[j]),
						 HOST_NO_BRACKETS, &host),
				0);
			assert_int_equal(matches, domains_allow(&domains, &host));
		}
	}
}

static void add_numbered(struct domains *domains, size_t count, const char *form)
{
	char name[64];

	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%sn%zu.example", form, i);
		assert_int_equal(add(domains, name, NULL), 0);
	}
}

static void a_full_set_takes_no_more(void **state)
{
	_domains_ struct domains domains = { 0 };
	const char *problem;

	(void)state;
	add_numbered(&domains, DOMAINS_MAX, "");
	assert_int_equal(add(&domains, "one.more.example", &problem), -E2BIG);
	assert_non_null(strstr(problem, "more domains"));
	assert_int_equal(domains.count, DOMAINS_MAX);
	assert_int_equal(add(&domains, "n7.example", NULL), 0);
	assert_int_equal(add(&domains, "*.n7.example", NULL), -E2BIG);
	assert_int_equal(domains.count, DOMAINS_MAX);
	assert_int_equal(domains_add(&domains, BYTES(".example"), NULL), 0);
	assert_int_equal(domains.count, 1);
}

static void a_tree_takes_two_keys(void **state)
{
	_domains_ struct domains domains = { 0 };

	(void)state;
	add_numbered(&domains, DOMAINS_MAX / 2, ".");
	assert_int_equal(add(&domains, "one.more.example", NULL), -E2BIG);
	assert_int_equal(domains.count, DOMAINS_MAX / 2);
}

static void write_file(char path[], const void *bytes, size_t length)
{
	_fd_ int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
}

static int add_file_with_rules(struct domains *domains, struct request_rules *rules,
	const void *bytes, size_t length, size_t *line, const char **problem)
{
	char path[] = "/tmp/jobfence-domains-XXXXXX";
	int result;

	write_file(path, bytes, length);
	result = domains_add_file(domains, rules, path, line, problem);
	unlink(path);
	return result;
}

static int add_file(struct domains *domains, const void *bytes, size_t length, size_t *line,
	const char **problem)
{
	_cleanup_(request_rules_free) struct request_rules rules = {};
	int result = add_file_with_rules(domains, &rules, bytes, length, line, problem);

	assert_int_equal(rules.count, 0);
	return result;
}

static void a_file_may_have_rules(void **state)
{
	static const char content[] = "foo.com # a domain\n"
				      "\tGET,HEAD\tfoo.com/a/** # a rule\n"
				      "* .bar.com/\r\n"
				      "bar.com";
	_cleanup_(request_rules_free) struct request_rules rules = {};
	_cleanup_(domains_free) struct domains domains = {};
	const char *problem;
	size_t line;

	(void)state;
	assert_int_equal(add_file_with_rules(&domains, &rules, content, sizeof(content) - 1,
				 &line, &problem),
		0);
	assert_int_equal(domains.count, 2);
	assert_int_equal(rules.count, 2);
	assert_string_equal(rules.list[0].text, "GET,HEAD foo.com/a/**");
	assert_string_equal(rules.list[1].text, "* .bar.com/");
	assert_int_equal(
		add_file_with_rules(&domains, &rules, "\nfoo.com a/b", 12, &line, &problem),
		-EINVAL);
	assert_int_equal(line, 2);
	assert_non_null(strstr(problem, "capital letters"));
}

static void a_file_holds_one_a_line(void **state)
{
	static const char content[] =
		"# what cargo needs\r\n\r\ncrates.io\r\n"
		"  static.crates.io # the archive\n\t\n#\n.github.com";
	_domains_ struct domains domains = { 0 };
	char text[SET_TEXT_MAX];
	size_t line;

	(void)state;
	assert_int_equal(add_file(&domains, BYTES(content), &line, NULL), 0);
	format(&domains, text);
	assert_string_equal(text, "crates.io .github.com static.crates.io");
}

static void a_bad_line_is_named(void **state)
{
	static const char begin[] = { 'a', '.', 'b', '\n', '#' };
	static const struct {
		const char *text;
		size_t length, line;
		const char *word;
	} rows[] = {
		{ BYTES("a.example\nb.example:80\n"), 2, "port" },
		{ BYTES("a.example\n\n# c\nb.example\0\n"), 4, "NUL" },
		{ BYTES("a.example\n# c\0\n"), 2, "NUL" },
		{ BYTES("a.example\r\r\n"), 1, "control" },
		{ BYTES("a.example b.example"), 1, "blanks" },
	};
	_domains_ struct domains domains = { 0 };
	char filled[2000];
	const char *problem;
	size_t line;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(
			add_file(&domains, rows[i].text, rows[i].length, &line, &problem),
			-EINVAL);
		assert_int_equal(line, rows[i].line);
		assert_non_null(strstr(problem, rows[i].word));
	}
	memset(filled, 'x', sizeof(filled));
	memcpy(filled, begin, sizeof(begin));
	assert_int_equal(
		add_file(&domains, filled, sizeof(filled), &line, &problem), -EINVAL);
	assert_int_equal(line, 2);
	assert_non_null(strstr(problem, "too long"));
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
	_domains_ struct domains domains = { 0 };
	const char *problem;
	size_t line = 7;

	(void)state;
	assert_int_equal(
		domains_add_file(&domains, NULL, "/nonexistent/domains", &line, &problem),
		-ENOENT);
	assert_int_equal(line, 0);
	assert_non_null(strstr(problem, "opened"));
	assert_int_equal(domains_add_file(&domains, NULL, "/", &line, &problem), -EISDIR);
	assert_non_null(strstr(problem, "read"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_set_is_minimal),
		cmocka_unit_test(the_order_never_shows),
		cmocka_unit_test(each_mistake_has_its_sentence),
		cmocka_unit_test(blanks_around_are_trimmed),
		cmocka_unit_test(a_wildcard_on_a_public_suffix_covers_strangers),
		cmocka_unit_test(a_name_is_allowed_by_its_form),
		cmocka_unit_test(keys_match_what_the_set_allows),
		cmocka_unit_test(a_full_set_takes_no_more),
		cmocka_unit_test(a_tree_takes_two_keys),
		cmocka_unit_test(a_file_may_have_rules),
		cmocka_unit_test(a_file_holds_one_a_line),
		cmocka_unit_test(a_bad_line_is_named),
		cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
