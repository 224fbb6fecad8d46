// SPDX-License-Identifier: BSD-2-Clause
/* See capabilities.h. */

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/capabilities.h"

#define NUMBERS 64 /* of rights that fit in the sets */

/* The kernel may have rights that its headers did not have yet. */
int capabilities_bound(uint64_t kept)
{
	for (int number = 0; number < NUMBERS; number++) {
		int there = prctl(PR_CAPBSET_READ, number);

		if (there < 0)
			break;
		if (there && !(kept >> number & 1) && prctl(PR_CAPBSET_DROP, number))
			return -errno;
	}
	return 0;
}

int capabilities_keep(uint64_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(kept >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int capabilities_use(uint64_t wanted, uint64_t *before)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*before = 0;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		*before |= (uint64_t)data[i].effective << 32 * i;
		data[i].effective = data[i].permitted & (uint32_t)(wanted >> 32 * i);
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}
