// SPDX-License-Identifier: BSD-2-Clause
/*
 * See attach.h. The order of the hooks counts. The packet filter comes first. The hooks
 * that only redirect the job to its proxy come last.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/attach.h"
#include "node/cgroup.h"
#include "node/objects.h"

#define PROGRAM_MAPS_MAX 16
/*
 * The kernel allows 64 programs on one cgroup. Programs of the cgroups above are in
 * effect as well.
 */
#define PROGRAMS_MAX 256
#define ENOTSUPP     524 /* an error of the kernel's own, include/linux/errno.h */

struct hook_row {
	const char *program;
	enum bpf_attach_type type;
	bool optional; /* the kernel may lack BPF LSM */
};

typedef int handler(const struct job_paths *paths, const struct hook_row *row, int cgroup);

static const struct hook_row job_hooks[] = {
	{ "egress", BPF_CGROUP_INET_EGRESS, false },
	{ "ingress", BPF_CGROUP_INET_INGRESS, false },
	{ "sock_create", BPF_CGROUP_INET_SOCK_CREATE, false },
	{ "socket_create", BPF_LSM_CGROUP, true },
	{ "socket_option", BPF_LSM_CGROUP, true },
	{ "unix_connect", BPF_LSM_CGROUP, true },
	{ "unix_send", BPF_LSM_CGROUP, true },
	{ "setsockopt", BPF_CGROUP_SETSOCKOPT, false },
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
	{ "upstream_setsockopt", BPF_CGROUP_SETSOCKOPT, false },
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
	/*
	 * Before Linux 6.4 a kernel for aarch64 loads programs for BPF LSM, but can't
	 * attach them.
	 */
	if (link < 0)
		return row->optional && errno == ENOTSUPP ? 0 : -errno;
	if (path_format(path, "%s/links/%s", paths->pins, row->program))
		return -ENAMETOOLONG;
	return bpf_obj_pin(link, path) ? -errno : 0;
}

/* The maps that a program uses. */
struct map_ids {
	__u32 list[PROGRAM_MAPS_MAX];
	__u32 count;
};

static int read_map_ids(int program, struct map_ids *ids)
{
	struct bpf_prog_info info = { .map_ids = (__u64)(uintptr_t)ids->list,
		.nr_map_ids = PROGRAM_MAPS_MAX };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &size))
		return -errno;
	ids->count = info.nr_map_ids;
	return ids->count > PROGRAM_MAPS_MAX ? -E2BIG : 0;
}

static int is_storage(__u32 map_id)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	_fd_ int map = bpf_map_get_fd_by_id(map_id);

	if (map < 0 || bpf_obj_get_info_by_fd(map, &info, &size))
		return -errno;
	return info.type == BPF_MAP_TYPE_CGROUP_STORAGE ||
	       info.type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

static bool has_map(const struct map_ids *ids, __u32 id)
{
	__u32 i = 0;

	while (i < ids->count && ids->list[i] != id)
		i++;
	return i < ids->count;
}

static int open_link(const struct job_paths *paths, const struct hook_row *row)
{
	char path[PATH_SIZE];
	int fd;

	if (path_format(path, "%s/links/%s", paths->pins, row->program))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static bool is_attached(
	const struct job_paths *paths, const struct hook_row *row, uint64_t id)
{
	_fd_ int link = open_link(paths, row);
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	return link >= 0 && !bpf_obj_get_info_by_fd(link, &info, &size) &&
	       info.type == BPF_LINK_TYPE_CGROUP && info.cgroup.cgroup_id == id;
}

struct attached attach_look(const struct job_paths *paths, uint64_t id)
{
	struct attached attached = { true, true, true };

	for (size_t i = 0; i < ARRAY_SIZE(job_hooks); i++) {
		const struct hook_row *row = &job_hooks[i];

		if (is_attached(paths, row, id))
			continue;
		if (row->optional)
			attached.lsm = false;
		else if (row->type == BPF_CGROUP_INET_EGRESS ||
			 row->type == BPF_CGROUP_INET_INGRESS)
			attached.packets = false;
		else
			attached.sockets = false;
	}
	return attached;
}

static int open_program_of(int link)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	int fd;

	if (bpf_obj_get_info_by_fd(link, &info, &size))
		return -errno;
	fd = bpf_prog_get_fd_by_id(info.prog_id);
	return fd < 0 ? -errno : fd;
}

/*
 * Checks that the new program can take the place of the old one.
 *
 * A link keeps the storage of its first program, no matter which storage a later
 * program uses. A program with another storage would read freed memory. If the first
 * program had no storage, a program that has one would crash the kernel. See
 * replace_effective_prog() in kernel/bpf/cgroup.c, Linux 5.7 to 7.3.
 *
 * So the new program may use no storage that the old one does not use.
 */
static int check(const struct job_paths *paths, const struct hook_row *row, int cgroup)
{
	_fd_ int program = objects_program(row->program);
	_fd_ int link = open_link(paths, row);
	_fd_ int current = link < 0 ? link : open_program_of(link);
	struct map_ids has, wants;
	int error;

	(void)cgroup;
	if ((program == -ENOENT && row->optional) || link == -ENOENT)
		return 0;
	if (program < 0 || current < 0)
		return program < 0 ? program : current;
	error = read_map_ids(current, &has);
	if (!error)
		error = read_map_ids(program, &wants);
	for (__u32 i = 0; !error && i < wants.count; i++) {
		int storage = is_storage(wants.list[i]);

		if (storage < 0)
			error = storage;
		else if (storage && !has_map(&has, wants.list[i]))
			error = -EXDEV;
	}
	return error;
}

static int replace(const struct job_paths *paths, const struct hook_row *row, int cgroup)
{
	_fd_ int program = objects_program(row->program);
	_fd_ int link = open_link(paths, row);

	if (program == -ENOENT && row->optional)
		return 0;
	if (link == -ENOENT)
		return attach(paths, row, cgroup);
	if (program < 0 || link < 0)
		return program < 0 ? program : link;
	return bpf_link_update(link, program, NULL) ? -errno : 0;
}

static int each_row(const struct job_paths *paths, const struct hook_row *rows,
	size_t count, int cgroup, handler *handle, const char *what,
	struct failure *failure)
{
	for (size_t i = 0; i < count; i++) {
		int error = handle(paths, &rows[i], cgroup);

		if (error == -EPERM)
			return fail(failure, error,
				"%s: %s; another program, there or above, allows none beside it",
				what, rows[i].program);
		if (error)
			return fail(failure, error, "%s: %s", what, rows[i].program);
	}
	return 0;
}

static int each_hook(const struct job_paths *paths, int cgroup, int proxy_cgroup,
	handler *handle, const char *what, struct failure *failure)
{
	int error = each_row(
		paths, job_hooks, ARRAY_SIZE(job_hooks), cgroup, handle, what, failure);

	return error || proxy_cgroup < 0
		       ? error
		       : each_row(paths, proxy_hooks, ARRAY_SIZE(proxy_hooks), proxy_cgroup,
				 handle, what, failure);
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
	return each_hook(paths, cgroup, proxy_cgroup, attach,
		"cannot attach a program to the cgroup", failure);
}

int attach_replace(const struct job_paths *paths, int cgroup, int proxy_cgroup,
	struct failure *failure)
{
	int error = each_hook(paths, cgroup, proxy_cgroup, check,
		"this version's program can't take the place of the job's", failure);

	return error ? error
		     : each_hook(paths, cgroup, proxy_cgroup, replace,
			       "cannot replace a program of the job", failure);
}

int attach_to_remain(const struct job_paths *paths, const char *own)
{
	const struct hook_row *egress = &job_hooks[0];
	_fd_ int cgroup = cgroup_open(own);
	_fd_ int link = open_link(paths, egress);
	_fd_ int program = link < 0 ? link : open_program_of(link);

	if (cgroup == -ENOENT || link == -ENOENT)
		return 0;
	if (cgroup < 0 || program < 0)
		return cgroup < 0 ? cgroup : program;
	/* EINVAL: an interrupted removal has attached it already. */
	return bpf_prog_attach(program, cgroup, egress->type, BPF_F_ALLOW_MULTI) &&
			       errno != EINVAL
		       ? -errno
		       : 0;
}

/*
 * Whether the map holds the states of jobs. No foreign program has a map of that type
 * and name.
 */
static int is_state(__u32 map_id)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	_fd_ int map = bpf_map_get_fd_by_id(map_id);

	if (map < 0 || bpf_obj_get_info_by_fd(map, &info, &size))
		return -errno;
	return info.type == BPF_MAP_TYPE_CGROUP_STORAGE && !strcmp(info.name, "job");
}

static int is_filter(__u32 program_id)
{
	_fd_ int program = bpf_prog_get_fd_by_id(program_id);
	struct map_ids maps = {};
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int found = 0;

	if (program < 0 || bpf_obj_get_info_by_fd(program, &info, &size))
		return errno == ENOENT ? 0 : -errno; /* the program is gone */
	if (strcmp(info.name, job_hooks[0].program) != 0)
		return 0;
	if (read_map_ids(program, &maps))
		return -errno;
	for (__u32 i = 0; !found && i < maps.count; i++)
		found = is_state(maps.list[i]);
	return found;
}

/*
 * Whether our packet filter is among the programs of a cgroup. Returns 1, 0 or -errno.
 */
static int find_filter(int cgroup, __u32 flags)
{
	__u32 ids[PROGRAMS_MAX], count = PROGRAMS_MAX;
	int found = 0;

	if (bpf_prog_query(cgroup, job_hooks[0].type, flags, NULL, ids, &count))
		return -errno;
	for (__u32 i = 0; !found && i < count; i++)
		found = is_filter(ids[i]);
	return found;
}

int attach_is_there(int cgroup)
{
	return find_filter(cgroup, 0);
}

int attach_is_in_effect(int cgroup)
{
	return find_filter(cgroup, BPF_F_QUERY_EFFECTIVE);
}
