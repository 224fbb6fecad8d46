// SPDX-License-Identifier: BSD-2-Clause
/* See privileges.h. */

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command/privileges.h"
#include "lib/cleanup.h"

static const struct {
	const char *name;
	int number; /* each is below 32 */
} needed[] = {
	{ "CAP_SYS_ADMIN", CAP_SYS_ADMIN },		  /* namespaces, mounts, bpf(2) */
	{ "CAP_NET_ADMIN", CAP_NET_ADMIN },		  /* attaching programs, `lo` */
	{ "CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE }, /* the proxy's ports */
	{ "CAP_SETUID", CAP_SETUID }, /* the proxy gives up its rights */
	{ "CAP_SETGID", CAP_SETGID }, { "CAP_SETPCAP", CAP_SETPCAP },
	{ "CAP_KILL", CAP_KILL }, /* the proxy's processes belong to another user */
	{ "CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH }, /* cgroups by their id */
	{ "CAP_SYS_CHROOT", CAP_SYS_CHROOT }, /* setns(2) into a mount namespace */
};

/*
 * A /proc of another PID namespace shows our process numbers as other processes, or not
 * at all.
 */
static bool proc_is_ours(void)
{
	char own[16], link[16] = "";

	snprintf(own, sizeof(own), "%d", (int)getpid());
	return readlink("/proc/self", link, sizeof(link) - 1) > 0 && !strcmp(own, link);
}

int privileges_check(const char *verb, struct failure *failure)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	char missing[256] = "";

	if (syscall(SYS_capget, &header, data))
		return fail(failure, -errno, "cannot read this process's capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		size_t length = strlen(missing);

		if (!(data[0].effective & CAP_TO_MASK(needed[i].number)))
			snprintf(missing + length, sizeof(missing) - length, "%s%s",
				length ? ", " : "", needed[i].name);
	}
	if (!missing[0] && !proc_is_ours())
		return fail_as(failure, STATUS_FAILED,
			"%s needs the /proc of its own PID namespace; mount it: mount -t proc proc /proc",
			verb);
	if (!missing[0])
		return 0;
	return fail_as(failure, STATUS_FAILED, "%s needs %s; %s", verb, missing,
		geteuid()
			? "run it as root"
			: "this root has not got that, as in a job or a container: run it on the node");
}
