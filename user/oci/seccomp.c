// SPDX-License-Identifier: BSD-2-Clause
/*
 * Narrows the sockets that a container's filter of system calls allows.
 *
 * libseccomp honours the most permissive rule. So a rule that allows socket(2) or
 * socketpair(2) is replaced by one rule for each family.
 *
 * On x86 a rule for socket(2) also allows socketcall(2) with SYS_SOCKET, whose family
 * lies in memory. Only an unconditional rule for socketcall undoes that. It comes first. If
 * it came last, rules for socket(2) with several actions, as in Podman's profile, would
 * meet at that call. libseccomp refuses that with EEXIST, and runtimes give up. Runtimes
 * skip a rule whose action is the profile's default.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/detours.h"
#include "lib/json.h"
#include "oci/seccomp.h"

#define WHOLE_INT \
	0xffffffffLL /* the kernel takes an int and ignores the register's upper half */

static const char *const call_names[] = {
	[CALL_SOCKET] = "socket",
	[CALL_SOCKETPAIR] = "socketpair",
};

/* SCMP_ACT_ALLOW, LOG, TRACE and NOTIFY may all let the call make a socket. */
static bool refuses(const char *action)
{
	return !strncmp(action, "SCMP_ACT_KILL", 13) || !strcmp(action, "SCMP_ACT_ERRNO") ||
	       !strcmp(action, "SCMP_ACT_TRAP");
}

static json_int_t integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/*
 * Whether each number of a condition fits 63 bits. A larger one is a string here. See
 * lib/json_numbers.h.
 */
static bool is_plain(const json_t *condition)
{
	static const char *const keys[] = { "index", "value", "valueTwo" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const json_t *number = json_object_get(condition, keys[i]);

		if (number && !json_is_integer(number))
			return false;
	}
	return true;
}

/*
 * Whether a condition on the first argument holds for a family. An unknown condition does
 * not.
 */
static bool holds(const json_t *condition, json_int_t family)
{
	const char *comparison = json_string_value(json_object_get(condition, "op"));
	json_int_t value = integer(condition, "value");

	if (!is_plain(condition) || !comparison || strncmp(comparison, "SCMP_CMP_", 9))
		return false;
	comparison += 9;
	return (!strcmp(comparison, "EQ") && family == value) ||
	       (!strcmp(comparison, "NE") && family != value) ||
	       (!strcmp(comparison, "LT") && family < value) ||
	       (!strcmp(comparison, "LE") && family <= value) ||
	       (!strcmp(comparison, "GT") && family > value) ||
	       (!strcmp(comparison, "GE") && family >= value) ||
	       (!strcmp(comparison, "MASKED_EQ") &&
		       (family & value) == integer(condition, "valueTwo"));
}

/*
 * Appends a rule and takes ownership of it. A rule that is in the list already is
 * dropped, since libseccomp may refuse the second one.
 */
static int append(json_t *rules, json_t *rule)
{
	_json_ json_t *owned = rule;
	const json_t *other;
	size_t i;

	json_array_foreach (rules, i, other)
		if (json_equal(other, owned))
			return 0;
	return owned && !json_array_append(rules, owned) ? 0 : -ENOMEM;
}

/*
 * Appends a copy of `rule` for each allowed family that fits `conditions`, the rule's
 * conditions.
 */
static int allow_families(
	json_t *rules, enum socket_call call, const json_t *rule, const json_t *conditions)
{
	const json_t *condition;
	int error = 0;
	size_t i;

	for (int family = 0; !error && family < AF_MAX; family++) {
		_json_ json_t *kept = json_pack("[{s:i, s:I, s:i, s:s}]", "index", 0,
			"value", (json_int_t)WHOLE_INT, "valueTwo", family, "op",
			"SCMP_CMP_MASKED_EQ");
		bool fits = socket_call_allows(call, family);
		json_t *copy;

		json_array_foreach (conditions, i, condition) {
			if (!integer(condition, "index"))
				fits = fits && holds(condition, family);
			else if (json_array_append(kept, (json_t *)condition))
				return -ENOMEM;
		}
		if (!fits)
			continue;
		copy = json_copy((json_t *)rule);
		if (json_object_set_new(
			    copy, "names", json_pack("[s]", call_names[call])) ||
			json_object_set(copy, "args", kept)) {
			json_decref(copy);
			return -ENOMEM;
		}
		error = append(rules, copy);
	}
	return error;
}

/*
 * Whether two conditions are on the same argument. Runtimes then make a rule of each
 * condition.
 */
static bool are_alternatives(const json_t *conditions)
{
	const json_t *condition;
	unsigned int seen = 0;
	size_t i;

	json_array_foreach (conditions, i, condition) {
		unsigned int bit = 1U << (integer(condition, "index") & 31);

		if (seen & bit)
			return true;
		seen |= bit;
	}
	return false;
}

static int allow_sockets(json_t *rules, enum socket_call call, const json_t *rule)
{
	const json_t *conditions = json_object_get(rule, "args"), *condition;
	int error = 0;
	size_t i;

	if (!are_alternatives(conditions))
		return allow_families(rules, call, rule, conditions);
	json_array_foreach (conditions, i, condition) {
		_json_ json_t *one = json_pack("[O]", condition);

		error = one ? allow_families(rules, call, rule, one) : -ENOMEM;
		if (error)
			return error;
	}
	return error;
}

static int refuse(json_t *rules, const char *name, int number)
{
	return append(rules, json_pack("{s:[s], s:s, s:i}", "names", name, "action",
				     "SCMP_ACT_ERRNO", "errnoRet", number));
}

static int refuse_family(
	json_t *rules, enum socket_call call, const char *comparison, int family)
{
	return append(rules,
		json_pack("{s:[s], s:s, s:i, s:[{s:i, s:i, s:s}]}", "names",
			call_names[call], "action", "SCMP_ACT_ERRNO", "errnoRet", EPERM,
			"args", "index", 0, "value", family, "op", comparison));
}

static int refuse_families(json_t *rules)
{
	int error = refuse_family(rules, CALL_SOCKETPAIR, "SCMP_CMP_NE", AF_UNIX);

	for (int family = 0; !error && family < SOCKET_FAMILY_LAST; family++)
		if (!socket_call_allows(CALL_SOCKET, family))
			error = refuse_family(rules, CALL_SOCKET, "SCMP_CMP_EQ", family);
	return error ? error
		     : refuse_family(rules, CALL_SOCKET, "SCMP_CMP_GT", SOCKET_FAMILY_LAST);
}

/* Returns the call that makes sockets by this name; -1: no such call. */
static int socket_call(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(call_names); i++)
		if (!strcmp(name, call_names[i]))
			return (int)i;
	return -1;
}

/* Appends to `rules` the part of a profile's rule that may stay. */
static int keep(json_t *rules, const json_t *rule, bool default_refuses)
{
	const char *action = json_string_value(json_object_get(rule, "action"));
	_json_ json_t *names = json_array(), *copy = json_copy((json_t *)rule);
	bool calls[ARRAY_SIZE(call_names)] = {};
	const json_t *name;
	int error = 0;
	size_t i;

	if (!action)
		return -EINVAL;
	json_array_foreach (json_object_get(rule, "names"), i, name) {
		const char *text = json_string_value(name);
		int call = text && !refuses(action) ? socket_call(text) : -1;

		if (call >= 0)
			calls[call] = true;
		else if (text && !detour_is(text) &&
			 json_array_append(names, (json_t *)name))
			return -ENOMEM;
	}
	if (json_array_size(names) &&
		(json_object_set(copy, "names", names) || json_array_append(rules, copy)))
		return -ENOMEM;
	for (i = 0; !error && default_refuses && i < ARRAY_SIZE(calls); i++)
		if (calls[i])
			error = allow_sockets(rules, (enum socket_call)i, rule);
	return error;
}

static json_t *make_profile(void)
{
#if defined(__x86_64__)
	json_t *architectures = json_pack(
		"[s, s, s]", "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32");
#elif defined(__aarch64__)
	json_t *architectures = json_pack("[s, s]", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM");
#else
	json_t *architectures = json_array();
#endif

	/* libseccomp's filters kill a call of an architecture that is not in the list. */
	return json_pack("{s:s, s:o}", "defaultAction", "SCMP_ACT_ALLOW", "architectures",
		architectures);
}

static int narrow(json_t *profile)
{
	const char *action = json_string_value(json_object_get(profile, "defaultAction"));
	const json_t *number = json_object_get(profile, "defaultErrnoRet"), *rule;
	/*
	 * Runtimes skip a rule whose action is the profile's default. So use another
	 * error.
	 */
	const int other = action && !strcmp(action, "SCMP_ACT_ERRNO") &&
					  (!number || json_integer_value(number) == EPERM)
				  ? ENOSYS
				  : EPERM;
	_json_ json_t *rules = json_array();
	int error = action && rules ? 0 : -EINVAL;
	size_t i;

	for (i = 0; !error && i < DETOURS; i++)
		error = refuse(rules, detours[i].name,
			!strcmp(detours[i].name, "socketcall") ? other : EPERM);
	json_array_foreach (json_object_get(profile, "syscalls"), i, rule)
		if (!error)
			error = keep(rules, rule, refuses(action));
	if (!error && !refuses(action))
		error = refuse_families(rules);
	return error ? error : json_object_set(profile, "syscalls", rules) ? -ENOMEM : 0;
}

int oci_seccomp_narrow(json_t *linux_config, struct failure *failure)
{
	json_t *profile = json_object_get(linux_config, "seccomp");
	int error = 0;

	if (!json_is_object(profile)) {
		profile = make_profile();
		if (json_object_set_new(linux_config, "seccomp", profile))
			error = -ENOMEM;
	}
	if (!error)
		error = narrow(profile);
	if (error == -EINVAL)
		return fail_as(failure, STATUS_USAGE,
			"linux.seccomp in the bundle's config.json needs a defaultAction, and an "
			"action in each of its syscalls");
	return error ? fail(failure, error, "the bundle's filter of system calls") : 0;
}
