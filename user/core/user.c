// SPDX-License-Identifier: BSD-2-Clause
/* See user.h. */

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/user.h"
#include "lib/cleanup.h"

#define CAPABILITY(name) (1ULL << CAP_##name)
#define KEPT \
	(CAPABILITY(CHOWN) | CAPABILITY(DAC_OVERRIDE) | CAPABILITY(FSETID) | \
		CAPABILITY(FOWNER) | CAPABILITY(SETGID) | CAPABILITY(SETUID) | \
		CAPABILITY(SETFCAP) | CAPABILITY(SETPCAP) | CAPABILITY(NET_BIND_SERVICE) | \
		CAPABILITY(SYS_CHROOT) | CAPABILITY(KILL) | CAPABILITY(AUDIT_WRITE))

#define PROXY_USERS	 0x70000000U /* the first of as many as 28 bits can tell apart */
#define PROXY_USERS_MASK 0x0fffffffU

uid_t user_of_proxy(uint64_t cgroup_id)
{
	return PROXY_USERS | (uid_t)(cgroup_id & PROXY_USERS_MASK);
}

/* A number as a user's or group's id. Returns whether it is one. */
static bool parse_id(const char *text, unsigned *id)
{
	unsigned long value;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value >= UINT32_MAX)
		return false;
	*id = (unsigned)value;
	return true;
}

static int find_group(const char *text, gid_t *gid, struct failure *failure)
{
	const struct group *group;

	if (parse_id(text, gid))
		return 0;
	group = getgrnam(text);
	if (!group)
		return fail_as(failure, STATUS_USAGE, "there is no group %.64s", text);
	*gid = group->gr_gid;
	return 0;
}

static int find_named(const char *text, struct user *user, struct failure *failure)
{
	_free_ char *name = strdup(text);
	char *colon = name ? strchr(name, ':') : NULL;
	const struct passwd *entry;

	if (!name)
		return fail(failure, -ENOMEM, "user");
	if (colon)
		*colon++ = '\0';
	entry = parse_id(name, &user->uid) ? getpwuid(user->uid) : getpwnam(name);
	if (!entry && !parse_id(name, &user->uid))
		return fail_as(failure, STATUS_USAGE, "there is no user %.64s", name);
	user->change = true;
	user->gid = user->uid;
	if (entry) {
		user->uid = entry->pw_uid;
		user->gid = entry->pw_gid;
		snprintf(user->name, sizeof(user->name), "%s", entry->pw_name);
	}
	return colon ? find_group(colon, &user->gid, failure) : 0;
}

int user_find(const char *text, struct user *user, struct failure *failure)
{
	const struct passwd *entry;

	*user = (struct user){};
	if (text) {
		int error = find_named(text, user, failure);

		if (!error && (user->uid & ~PROXY_USERS_MASK) == PROXY_USERS)
			return fail_as(failure, STATUS_USAGE,
				"user %u is one of those that proxies run as", user->uid);
		return error;
	}
	if (!parse_id(getenv("SUDO_UID"), &user->uid) ||
		!parse_id(getenv("SUDO_GID"), &user->gid))
		return 0;
	entry = getpwuid(user->uid);
	user->change = true;
	snprintf(user->name, sizeof(user->name), "%s", entry ? entry->pw_name : "");
	return 0;
}

static int drop_bounding_set(void)
{
	for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (!(KEPT >> capability & 1) && prctl(PR_CAPBSET_READ, capability) == 1 &&
			prctl(PR_CAPBSET_DROP, capability))
			return -errno;
	return 0;
}

static int keep_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(KEPT >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int user_become(const struct user *user)
{
	int error = drop_bounding_set();

	if (error)
		return error;
	if (user->change) {
		if (user->name[0] ? initgroups(user->name, user->gid) : setgroups(0, NULL))
			return -errno;
		if (setresgid(user->gid, user->gid, user->gid) ||
			setresuid(user->uid, user->uid, user->uid))
			return -errno;
	}
	error = keep_capabilities();
	if (error)
		return error;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}
