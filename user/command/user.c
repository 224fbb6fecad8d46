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
#include <unistd.h>

#include "command/user.h"
#include "lib/capabilities.h"
#include "lib/cleanup.h"
#include "node/proxy_user.h"

#define CAPABILITY(name) (1ULL << CAP_##name)
#define KEPT \
	(CAPABILITY(CHOWN) | CAPABILITY(DAC_OVERRIDE) | CAPABILITY(FSETID) | \
		CAPABILITY(FOWNER) | CAPABILITY(SETGID) | CAPABILITY(SETUID) | \
		CAPABILITY(SETFCAP) | CAPABILITY(SETPCAP) | CAPABILITY(NET_BIND_SERVICE) | \
		CAPABILITY(SYS_CHROOT) | CAPABILITY(KILL) | CAPABILITY(AUDIT_WRITE))

/* Reads the id of a user or group. Returns whether the text is a number in range. */
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

/*
 * Notes the node's entry for a user. This is asked outside the job, since the job may not
 * reach the sockets of services that know users.
 */
static int note_entry(
	struct user *user, const struct passwd *entry, struct failure *failure)
{
	user->change = true;
	snprintf(user->home, sizeof(user->home), "/");
	snprintf(user->shell, sizeof(user->shell), "/bin/sh");
	if (!entry)
		return 0;
	snprintf(user->name, sizeof(user->name), "%s", entry->pw_name);
	snprintf(user->home, sizeof(user->home), "%s", entry->pw_dir);
	if (entry->pw_shell[0])
		snprintf(user->shell, sizeof(user->shell), "%s", entry->pw_shell);
	user->group_count = USER_GROUPS_MAX;
	if (getgrouplist(user->name, user->gid, user->groups, &user->group_count) < 0)
		return fail_as(failure, STATUS_FAILED, "user %.64s has more than %d groups",
			user->name, USER_GROUPS_MAX);
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
	user->gid = user->uid;
	if (entry) {
		user->uid = entry->pw_uid;
		user->gid = entry->pw_gid;
	}
	if (colon && find_group(colon, &user->gid, failure))
		return -EINVAL;
	return note_entry(user, entry, failure);
}

int user_find(const char *text, struct user *user, struct failure *failure)
{
	uid_t uid;
	gid_t gid;

	*user = (struct user){ .uid = getuid(), .gid = getgid() };
	if (text) {
		int error = find_named(text, user, failure);

		if (!error && proxy_user_is(user->uid))
			return fail_as(failure, STATUS_USAGE,
				"user %u is one of those that proxies run as", user->uid);
		return error;
	}
	if (!parse_id(getenv("SUDO_UID"), &uid) || !parse_id(getenv("SUDO_GID"), &gid))
		return 0;
	user->uid = uid;
	user->gid = gid;
	return note_entry(user, getpwuid(user->uid), failure);
}

static bool is_of_user_before(const char *name)
{
	/* XDG_DATA_DIRS and XDG_CONFIG_DIRS belong to the node, not to a user. */
	return (!strncmp(name, "XDG_", 4) && strncmp(name, "XDG_DATA_DIRS=", 14) &&
		       strncmp(name, "XDG_CONFIG_DIRS=", 16)) ||
	       !strncmp(name, "DBUS_SESSION_BUS_ADDRESS=", 25);
}

/* unsetenv() moves the variables after the removed one, so the loop starts again. */
static int remove_variables(void)
{
	char **variable = environ;

	while (variable && *variable) {
		_free_ char *name = NULL;

		if (!is_of_user_before(*variable)) {
			variable++;
			continue;
		}
		name = strndup(*variable, strcspn(*variable, "="));
		if (!name || unsetenv(name))
			return -ENOMEM;
		variable = environ;
	}
	return 0;
}

int user_set_variables(const struct user *user)
{
	char mail[LOGIN_NAME_MAX + 16], folder[32], number[16];
	const char *name = user->name[0] ? user->name : number;

	if (!user->change)
		return 0;
	if (remove_variables())
		return -ENOMEM;
	snprintf(number, sizeof(number), "%u", user->uid);
	snprintf(folder, sizeof(folder), "/run/user/%u", user->uid);
	snprintf(mail, sizeof(mail), "/var/mail/%s", name);
	return setenv("HOME", user->home, 1) || setenv("SHELL", user->shell, 1) ||
			       setenv("USER", name, 1) || setenv("LOGNAME", name, 1) ||
			       setenv("MAIL", mail, 1) ||
			       setenv("XDG_RUNTIME_DIR", folder, 1)
		       ? -ENOMEM
		       : 0;
}

int user_become(const struct user *user)
{
	int error = capabilities_bound(KEPT);

	if (error)
		return error;
	if (user->change) {
		if (setgroups((size_t)user->group_count, user->groups))
			return -errno;
		if (setresgid(user->gid, user->gid, user->gid) ||
			setresuid(user->uid, user->uid, user->uid))
			return -errno;
	}
	error = capabilities_keep(KEPT);
	if (error)
		return error;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}
