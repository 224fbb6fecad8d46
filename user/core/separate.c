// SPDX-License-Identifier: BSD-2-Clause
/*
 * Landlock: who is in a domain can't trace who is not, by whatever door: ptrace(2), /proc/PID/mem, pidfd_getfd(2). A
 * domain needs a right that it handles; this one takes block devices, which a command without CAP_MKNOD can't make
 * anyway. A process in a domain can't mount either. Input is put into a terminal by ioctl(2): seccomp.
 */

#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "core/separate.h"
#include "lib/cleanup.h"

/* The kernel's structure of Linux 6.12; one of an older kernel is the beginning of it. */
struct ruleset {
	__u64 files, network, scoped;
};

#define SCOPED_VERSION	     6 /* of Landlock */
#define SCOPED_ABSTRACT_UNIX (1U << 0)
#define SCOPED_SIGNAL	     (1U << 1)

static long landlock_version(void)
{
	return syscall(
		SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool landlock_is_there(void)
{
	return landlock_version() > 0;
}

static int enter_domain(void)
{
	const long version = landlock_version();
	const struct ruleset ruleset = { .files = LANDLOCK_ACCESS_FS_MAKE_BLOCK,
		.scoped = version >= SCOPED_VERSION ? SCOPED_ABSTRACT_UNIX | SCOPED_SIGNAL
						    : 0 };
	_fd_ int fd = -1;

	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset,
		version >= SCOPED_VERSION ? sizeof(ruleset) : sizeof(ruleset.files), 0);
	if (fd < 0)
		return -errno;
	return syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : 0;
}

static void cleanup_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int refuse_typing(void)
{
	_cleanup_(cleanup_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	static const unsigned requests[] = { TIOCSTI, TIOCLINUX };
	int error = filter ? 0 : -ENOMEM;

#ifdef __x86_64__
	if (!error)
		error = seccomp_arch_add(filter, SCMP_ARCH_X86);
	if (!error)
		error = seccomp_arch_add(filter, SCMP_ARCH_X32);
#endif
	/* The kernel looks at 32 bits of a request, whatever the others are; SCMP_A1_32 would look at all. */
	for (size_t i = 0; !error && i < ARRAY_SIZE(requests); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
	return error ? error : seccomp_load(filter);
}

int command_separate(void)
{
	int error = enter_domain();

	return error ? error : refuse_typing();
}
