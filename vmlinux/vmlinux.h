/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Structures inside the Linux kernel that the programs of bpf/ read, with the fields that
 * they read. Loading relocates each field (CO-RE).
 *
 * Made by vmlinux/generate; do not edit.
 * Source: the BTF of these packages of Debian:
 * - linux-image-6.1.0-50-amd64, version 6.1.176-1
 * - linux-image-6.1.0-50-arm64, version 6.1.176-1
 */

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	__u64 id;
};

struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock {
	struct sock_cgroup_data sk_cgrp_data;
};

struct socket {
	struct sock *sk;
};

struct sockaddr_un {
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
};

#pragma clang attribute pop
