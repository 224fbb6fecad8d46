// SPDX-License-Identifier: BSD-2-Clause
/* See attach.h. The order counts: the filter of packets comes first, what only eases the job's way
 * to its proxy last. */

#include <bpf/bpf.h>
#include <errno.h>

#include "core/attach.h"
#include "core/objects.h"
#include "lib/cleanup.h"
#include "lib/files.h"

struct hook_row {
	const char *program;
	enum bpf_attach_type type;
	bool optional; /* where the kernel has no BPF LSM */
};

static const struct hook_row job_hooks[] = {
	{ "egress", BPF_CGROUP_INET_EGRESS, false },
	{ "ingress", BPF_CGROUP_INET_INGRESS, false },
	{ "sock_create", BPF_CGROUP_INET_SOCK_CREATE, false },
	{ "socket_create", BPF_LSM_CGROUP, true },
	{ "unix_connect", BPF_LSM_CGROUP, true },
	{ "unix_send", BPF_LSM_CGROUP, true },
	{ "bind4", BPF_CGROUP_INET4_BIND, false },
	{ "bind6", BPF_CGROUP_INET6_BIND, false },
	{ "connect4", BPF_CGROUP_INET4_CONNECT, false },
	{ "connect6", BPF_CGROUP_INET6_CONNECT, false },
	{ "sendmsg4", BPF_CGROUP_UDP4_SENDMSG, false },
	{ "sendmsg6", BPF_CGROUP_UDP6_SENDMSG, false },
	{ "recvmsg4", BPF_CGROUP_UDP4_RECVMSG, false },
	{ "recvmsg6", BPF_CGROUP_UDP6_RECVMSG, false },
	{ "getpeername4", BPF_CGROUP_INET4_GETPEERNAME, false },
	{ "getpeername6", BPF_CGROUP_INET6_GETPEERNAME, false },
	{ "sock_ops", BPF_CGROUP_SOCK_OPS, false },
};

static const struct hook_row proxy_hooks[] = {
	{ "upstream_egress", BPF_CGROUP_INET_EGRESS, false },
	{ "upstream_ingress", BPF_CGROUP_INET_INGRESS, false },
	{ "upstream_sock", BPF_CGROUP_INET_SOCK_CREATE, false },
	{ "upstream_connect4", BPF_CGROUP_INET4_CONNECT, false },
	{ "upstream_connect6", BPF_CGROUP_INET6_CONNECT, false },
	{ "upstream_sendmsg4", BPF_CGROUP_UDP4_SENDMSG, false },
	{ "upstream_sendmsg6", BPF_CGROUP_UDP6_SENDMSG, false },
};

static int attach(const struct job_paths *paths, const struct hook_row *row, int cgroup)
{
	_fd_ int program = objects_program(row->program);
	_fd_ int link = -1;
	char path[PATH_SIZE];

	if (program == -ENOENT && row->optional)
		return 0;
	if (program < 0)
		return program;
	link = bpf_link_create(program, cgroup, row->type, NULL);
	if (link < 0)
		return -errno;
	if (path_format(path, "%s/links/%s", paths->pins, row->program))
		return -ENAMETOOLONG;
	return bpf_obj_pin(link, path) ? -errno : 0;
}

static int attach_all(const struct job_paths *paths, const struct hook_row *rows,
	size_t count, int cgroup, struct failure *failure)
{
	for (size_t i = 0; i < count; i++) {
		int error = attach(paths, &rows[i], cgroup);

		if (error)
			return fail(failure, error, "cannot attach %s to the cgroup",
				rows[i].program);
	}
	return 0;
}

int attach_job(const struct job_paths *paths, int cgroup, int proxy_cgroup,
	struct failure *failure)
{
	char links[PATH_SIZE];
	int error = path_format(links, "%s/links", paths->pins);

	if (!error)
		error = folder_make(links);
	if (error)
		return fail(failure, error, "cannot make %s", links);
	error = attach_all(paths, job_hooks, ARRAY_SIZE(job_hooks), cgroup, failure);
	if (!error && proxy_cgroup >= 0)
		error = attach_all(
			paths, proxy_hooks, ARRAY_SIZE(proxy_hooks), proxy_cgroup, failure);
	return error;
}
