// SPDX-License-Identifier: BSD-2-Clause
/*
 * Filters of system calls of containers, in the shapes of Docker and Podman. They are
 * narrowed to the calls that a job may have.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/seccomp.h"
#include "oci/seccomp.h" /* before cmocka, which has a fail() of its own */
#include "policy/spec.h"
#include "lib/cleanup.h"

#include <cmocka.h>

#define FAMILY(n) \
	"{'index': 0, 'value': 4294967295, 'valueTwo': " #n ", 'op': 'SCMP_CMP_MASKED_EQ'}"
#define SOCKET(conditions) \
	"{'names': ['socket'], 'action': 'SCMP_ACT_ALLOW', 'args': [" conditions "]}"
#define PAIR \
	"{'names': ['socketpair'], 'action': 'SCMP_ACT_ALLOW', 'args': [" FAMILY(1) "]}"
#define REFUSED(name, number) \
	"{'names': ['" name "'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': " #number "}"
#define DETOURS \
	REFUSED("io_uring_setup", 1) \
	"," REFUSED("io_uring_enter", 1) "," REFUSED("io_uring_register", 1) "," REFUSED( \
		"request_key", 1)
#define FOUR \
	SOCKET(FAMILY(1)) \
	"," SOCKET(FAMILY(2)) "," SOCKET(FAMILY(10)) "," SOCKET(FAMILY(16))

/* Reads JSON in which ' stands for ". */
static json_t *parse(const char *text)
{
	_free_ char *copy = strdup(text);
	json_t *value;

	assert_non_null(copy);
	for (char *quote = copy; (quote = strchr(quote, '\'')); quote++)
		*quote = '"';
	value = json_loads(copy, 0, NULL);
	assert_non_null(value);
	return value;
}

/*
 * Fails unless narrowing the rules of a profile with this default gives the expected
 * rules. Narrowing those again must not change them.
 */
static void becomes(const char *head, const char *rules, const char *expected)
{
	_json_ json_t *config = json_pack("{s:o}", "seccomp", parse(head)),
		      *wanted = parse(expected);
	json_t *profile = json_object_get(config, "seccomp");
	struct failure failure;

	json_object_set_new(profile, "syscalls", parse(rules));
	for (int i = 0; i < 2; i++) {
		_free_ char *seen = NULL;
		_free_ char *hoped = json_dumps(wanted, JSON_SORT_KEYS | JSON_INDENT(1));

		assert_int_equal(oci_seccomp_narrow(config, &failure), 0);
		seen = json_dumps(json_object_get(profile, "syscalls"),
			JSON_SORT_KEYS | JSON_INDENT(1));
		assert_string_equal(seen, hoped);
	}
}

#define DENY	  "{'defaultAction': 'SCMP_ACT_ERRNO', 'architectures': ['SCMP_ARCH_X86_64']}"
#define DENY_38	  "{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 38}"
#define DENY_1	  "{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 1}"
#define KILL	  "{'defaultAction': 'SCMP_ACT_KILL_PROCESS'}"
#define READ	  "{'names': ['read'], 'action': 'SCMP_ACT_ALLOW'}"
#define NOT_AUDIT "{'index': 2, 'value': 9, 'op': 'SCMP_CMP_NE'}"
#define NO_AUDIT \
	"{'names': ['socket'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 22, 'args': [" \
	"{'index': 0, 'value': 16, 'op': 'SCMP_CMP_EQ'}," \
	"{'index': 2, 'value': 9, 'op': 'SCMP_CMP_EQ'}]}"
#define SOCKETCALL REFUSED("socketcall", 38)

static void the_profile_of_docker_20_10_keeps_all_but_other_sockets(void **state)
{
	(void)state;
	becomes(DENY,
		"[{'names': ['io_uring_enter', 'io_uring_register', 'io_uring_setup', 'read', 'request_key', 'socket', "
		"'socketcall', 'socketpair'], 'action': 'SCMP_ACT_ALLOW'}," READ "]",
		"[" DETOURS "," SOCKETCALL
		",{'names': ['read'], 'action': 'SCMP_ACT_ALLOW'}," FOUR "," PAIR "," READ
		"]");
}

static void conditions_on_the_family_are_decided_and_others_kept(void **state)
{
	(void)state;
	/* Docker from 23.0 on: not AF_VSOCK. */
	becomes(DENY_1, "[" SOCKET("{'index': 0, 'value': 40, 'op': 'SCMP_CMP_NE'}") "]",
		"[" DETOURS "," SOCKETCALL "," FOUR "]");
	/* Podman: no NETLINK_AUDIT, in three rules. */
	becomes(DENY_38,
		"[" NO_AUDIT "," SOCKET(NOT_AUDIT) "," SOCKET(
			"{'index': 0, 'value': 16, 'op': 'SCMP_CMP_NE'}") "]",
		"[" DETOURS "," REFUSED("socketcall",
			1) "," NO_AUDIT
			   "," SOCKET(FAMILY(1) "," NOT_AUDIT) "," SOCKET(FAMILY(2) "," NOT_AUDIT) "," SOCKET(FAMILY(10) "," NOT_AUDIT) "," SOCKET(
				   FAMILY(16) "," NOT_AUDIT) "," SOCKET(FAMILY(1)) "," SOCKET(FAMILY(2)) "," SOCKET(FAMILY(10)) "]");
}

static void pairs_are_of_unix_sockets_only(void **state)
{
	(void)state;
	becomes(KILL, "[{'names': ['socketpair'], 'action': 'SCMP_ACT_ALLOW'}]",
		"[" DETOURS "," REFUSED("socketcall", 1) "," PAIR "]");
	/* A profile that refuses Unix sockets leaves no pair at all. */
	becomes(KILL,
		"[{'names': ['socketpair'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 1, "
		"'op': 'SCMP_CMP_NE'}]}]",
		"[" DETOURS "," REFUSED("socketcall", 1) "]");
}

static void two_conditions_on_one_argument_are_alternatives(void **state)
{
	(void)state;
	becomes(DENY,
		"[" SOCKET(
			"{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}, {'index': 0, 'value': 10, 'op': 'SCMP_CMP_GE'}") "]",
		"[" DETOURS "," SOCKETCALL
		"," SOCKET(FAMILY(1)) "," SOCKET(FAMILY(10)) "," SOCKET(FAMILY(16)) "]");
}

static void every_action_that_may_end_in_a_socket_counts(void **state)
{
	static const char *const actions[] = { "SCMP_ACT_ALLOW", "SCMP_ACT_LOG",
		"SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY" };
	struct failure failure;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		_json_ json_t *config = json_pack("{s:{s:s, s:[{s:[s, s], s:s}]}}",
			"seccomp", "defaultAction", "SCMP_ACT_KILL", "syscalls", "names",
			"socket", "socketcall", "action", actions[i]);
		const json_t *rules;

		assert_int_equal(oci_seccomp_narrow(config, &failure), 0);
		rules = json_object_get(json_object_get(config, "seccomp"), "syscalls");
		assert_int_equal(json_array_size(rules), 9);
		for (size_t j = 5; j < 9; j++)
			assert_non_null(json_object_get(json_array_get(rules, j), "args"));
	}
}

static void a_profile_without_sockets_gets_none(void **state)
{
	(void)state;
	becomes(KILL, "[" READ "]", "[" DETOURS "," REFUSED("socketcall", 1) "," READ "]");
}

static void what_allows_by_default_refuses_other_families(void **state)
{
	_json_ json_t *config = json_object();
	const json_t *profile, *rules;
	struct failure failure;

	(void)state;
	assert_int_equal(oci_seccomp_narrow(config, &failure), 0);
	profile = json_object_get(config, "seccomp");
	assert_string_equal(json_string_value(json_object_get(profile, "defaultAction")),
		"SCMP_ACT_ALLOW");
	rules = json_object_get(profile, "syscalls");
	/*
	 * Three rules for io_uring, and one each for request_key and socketcall. Then one
	 * for pairs, thirteen for families 0 to 16, one for the families above.
	 */
	assert_int_equal(json_array_size(rules), 20);
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(
				json_object_get(json_array_get(rules, 19), "args"), 0),
			"op")),
		"SCMP_CMP_GT");
	assert_int_equal(oci_seccomp_narrow(config, &failure), 0);
	assert_int_equal(json_array_size(json_object_get(profile, "syscalls")), 20);
}

static void a_number_of_64_bits_is_no_condition_that_holds(void **state)
{
	(void)state;
	becomes(KILL,
		"[" SOCKET(
			"{'index': 0, 'value': 'm18446744073709551615', 'op': 'SCMP_CMP_GT'}") "]",
		"[" DETOURS "," REFUSED("socketcall", 1) "]");
}

static enum scmp_compare comparison(const char *name)
{
	return !strcmp(name, "SCMP_CMP_NE")   ? SCMP_CMP_NE
	       : !strcmp(name, "SCMP_CMP_EQ") ? SCMP_CMP_EQ
	       : !strcmp(name, "SCMP_CMP_GT") ? SCMP_CMP_GT
					      : SCMP_CMP_MASKED_EQ;
}

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* Gives libseccomp a rule as a runtime does. Fails unless it is taken. */
static void give(scmp_filter_ctx filter, const json_t *rule)
{
	const json_t *conditions = json_object_get(rule, "args"), *condition, *name;
	bool allows = !strcmp(
		json_string_value(json_object_get(rule, "action")), "SCMP_ACT_ALLOW");
	uint32_t action =
		allows ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(number(rule, "errnoRet"));
	struct scmp_arg_cmp arguments[6];
	unsigned int count = 0;
	size_t i;

	json_array_foreach (conditions, i, condition)
		arguments[count++] = (struct scmp_arg_cmp){ (unsigned int)number(
								    condition, "index"),
			comparison(json_string_value(json_object_get(condition, "op"))),
			number(condition, "value"), number(condition, "valueTwo") };
	json_array_foreach (json_object_get(rule, "names"), i, name)
		assert_int_equal(
			seccomp_rule_add_array(filter, action,
				seccomp_syscall_resolve_name(json_string_value(name)),
				count, arguments),
			0);
}

/*
 * Fails unless libseccomp takes the narrowed rules for both ways of calling on x86, and
 * socketcall of 32 bits makes no socket.
 */
static void is_taken(const char *head, uint32_t otherwise, const char *rules)
{
	_json_ json_t *config = json_pack("{s:o}", "seccomp", parse(head));
	json_t *profile = json_object_get(config, "seccomp");
	_filter_ scmp_filter_ctx filter = seccomp_init(otherwise);
	_file_ FILE *file = tmpfile();
	char text[65536] = "";
	struct failure failure;
	const json_t *rule;
	const char *x86;
	size_t i;

	json_object_set_new(profile, "syscalls", parse(rules));
	assert_int_equal(oci_seccomp_narrow(config, &failure), 0);
	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		skip();
	assert_int_equal(seccomp_arch_add(filter, SCMP_ARCH_X86), 0);
	json_array_foreach (json_object_get(profile, "syscalls"), i, rule)
		give(filter, rule);
	assert_int_equal(seccomp_export_pfc(filter, fileno(file)), 0);
	rewind(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	x86 = strstr(text, "# filter for arch x86 ");
	assert_non_null(x86);
	x86 = strstr(x86, "if ($syscall == 102)");
	assert_non_null(x86);
	assert_ptr_equal(strstr(x86, "if ($syscall == 102)\n    action ERRNO("), x86);
}

static void rules_that_meet_at_socketcall_are_taken(void **state)
{
	(void)state;
	/* Podman's, for a container without CAP_AUDIT_WRITE. */
	is_taken(DENY_38, SCMP_ACT_ERRNO(38),
		"[{'names': ['read', 'socketcall', 'socketpair'], 'action': 'SCMP_ACT_ALLOW'}," NO_AUDIT
		"," SOCKET(NOT_AUDIT) "," SOCKET(
			"{'index': 0, 'value': 16, 'op': 'SCMP_CMP_NE'}") "," SOCKET(NOT_AUDIT) "]");
	is_taken(DENY_38, SCMP_ACT_ERRNO(38),
		"[" SOCKET("") "," NO_AUDIT
			       ",{'names': ['socketcall'], 'action': 'SCMP_ACT_ALLOW'}]");
	is_taken("{'defaultAction': 'SCMP_ACT_ALLOW'}", SCMP_ACT_ALLOW, "[" NO_AUDIT "]");
}

static void what_is_no_profile_is_an_error(void **state)
{
	_json_ json_t *config = json_pack("{s:{}}", "seccomp");
	struct failure failure;

	(void)state;
	assert_int_equal(oci_seccomp_narrow(config, &failure), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_profile_of_docker_20_10_keeps_all_but_other_sockets),
		cmocka_unit_test(conditions_on_the_family_are_decided_and_others_kept),
		cmocka_unit_test(pairs_are_of_unix_sockets_only),
		cmocka_unit_test(two_conditions_on_one_argument_are_alternatives),
		cmocka_unit_test(every_action_that_may_end_in_a_socket_counts),
		cmocka_unit_test(a_profile_without_sockets_gets_none),
		cmocka_unit_test(what_allows_by_default_refuses_other_families),
		cmocka_unit_test(a_number_of_64_bits_is_no_condition_that_holds),
		cmocka_unit_test(rules_that_meet_at_socketcall_are_taken),
		cmocka_unit_test(what_is_no_profile_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
