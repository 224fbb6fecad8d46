// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loading takes a tenth of a second, opening a pin some microseconds: so the first job of a node
 * loads. Everything is pinned in a folder with a temporary name, which is then renamed: the folder is
 * whole or not there.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/vfs.h>

#include "core/lock.h"
#include "core/objects.h"
#include "core/paths.h"
#include "fence.skel.h"
#include "lib/cleanup.h"
#include "lib/files.h"

#define OBJECTS_FOLDER PINS_FOLDER "/" FENCE_DIGEST
#define LOADING_FOLDER PINS_FOLDER "/loading"

static void cleanup_skeleton(struct fence **skeleton)
{
	fence__destroy(*skeleton);
}

static int print_libbpf(
	enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, arguments);
}

void objects_quiet(void)
{
	libbpf_set_print(getenv("JOBFENCE_DEBUG") ? print_libbpf : NULL);
}

static int mount_bpffs(struct failure *failure)
{
	struct statfs system;

	if (!statfs(BPF_MOUNT, &system) && system.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", BPF_MOUNT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return fail(failure, -errno, "cannot mount bpffs at %s", BPF_MOUNT);
	return 0;
}

/* Loads the object; without the LSM programs where the kernel refuses that type. Returns NULL with errno set. */
static struct fence *load(void)
{
	struct fence *skeleton = fence__open();
	bool lsm = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_LSM, NULL) == 1;
	int error;

	if (!skeleton)
		return NULL;
	bpf_program__set_autoload(skeleton->progs.socket_create, lsm);
	bpf_program__set_autoload(skeleton->progs.unix_connect, lsm);
	bpf_program__set_autoload(skeleton->progs.unix_send, lsm);
	error = fence__load(skeleton);
	if (!error)
		return skeleton;
	fence__destroy(skeleton);
	errno = -error;
	return NULL;
}

static int pin_all(const struct bpf_object *object)
{
	struct bpf_program *program;
	struct bpf_map *map;
	char path[PATH_SIZE];
	int error = folder_make(LOADING_FOLDER "/programs");

	if (!error)
		error = folder_make(LOADING_FOLDER "/maps");
	if (error)
		return error;
	bpf_object__for_each_program(program, object)
	{
		if (bpf_program__fd(program) < 0)
			continue;
		if (path_format(path, LOADING_FOLDER "/programs/%s",
			    bpf_program__name(program)))
			return -ENAMETOOLONG;
		error = bpf_obj_pin(bpf_program__fd(program), path);
		if (error)
			return error;
	}
	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__is_internal(map))
			continue;
		if (path_format(path, LOADING_FOLDER "/maps/%s", bpf_map__name(map)))
			return -ENAMETOOLONG;
		error = bpf_obj_pin(bpf_map__fd(map), path);
		if (error)
			return error;
	}
	return 0;
}

int objects_ensure(struct failure *failure)
{
	_cleanup_(cleanup_skeleton) struct fence *skeleton = NULL;
	_fd_ int lock = -1;
	int error = 0;

	if (file_exists(OBJECTS_FOLDER))
		return 0;
	lock = node_lock(failure);
	if (lock < 0)
		return lock;
	error = mount_bpffs(failure);
	if (error || file_exists(OBJECTS_FOLDER))
		return error;
	skeleton = load();
	if (!skeleton)
		return fail(failure, -errno,
			"cannot load the programs into the kernel (Linux 6.1 or later with BTF and "
			"CONFIG_CGROUP_BPF is needed; JOBFENCE_DEBUG=1 tells more)");
	error = tree_remove(LOADING_FOLDER, false);
	if (!error)
		error = pin_all(skeleton->obj);
	if (!error && rename(LOADING_FOLDER, OBJECTS_FOLDER))
		error = -errno;
	return error ? fail(failure, error, "cannot pin the programs at %s", OBJECTS_FOLDER)
		     : 0;
}

static int open_pin(const char *kind, const char *name)
{
	char path[PATH_SIZE];
	int error = path_format(path, OBJECTS_FOLDER "/%s/%s", kind, name), fd;

	if (error)
		return error;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int objects_program(const char *name)
{
	return open_pin("programs", name);
}

int objects_map(const char *name)
{
	return open_pin("maps", name);
}
