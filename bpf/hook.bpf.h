/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What the programs return, and numbers of the kernel that no header of UAPI has. */

#define PROGRAM_REFUSE 0
#define PROGRAM_ALLOW  1

/* An LSM program on a cgroup returns the same. The kernel turns 0 into EPERM. */
#define LSM_PERMISSION 0
#define LSM_CONTINUE   1

/* include/linux/socket.h */
#define AF_UNIX	   1
#define AF_INET	   2
#define AF_INET6   10
#define AF_NETLINK 16

/* include/linux/net.h; the same on all architectures that jobfence supports */
#define SOCK_STREAM 1
#define SOCK_DGRAM  2

#define LOOPBACK_IFINDEX 1 /* of `lo` in every network namespace */
