// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loading takes a tenth of a second, and opening a pin some microseconds. So the first
 * job of a node loads the objects. Everything is pinned in a folder with a temporary
 * name, which is then renamed. So the folder is complete or not there. A program of a
 * removed folder lives on in the links of jobs.
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

#include "fence.skel.h"
#include "jobfence/abi.h"
#include "lib/cleanup.h"
#include "lib/debugging.h"
#include "lib/files.h"
#include "node/lock.h"
#include "node/objects.h"
#include "node/paths.h"

_Static_assert(FENCE_ABI > 0, "without its header the name would bear the word");
#define TEXT_OF(number) #number
#define TEXT(number)	TEXT_OF(number)
#define MAPS_PREFIX	"abi-"
#define MAPS_NAME	MAPS_PREFIX TEXT(FENCE_ABI)
#define LOADING_NAME	"loading"
#define LOADING_FOLDER	PINS_FOLDER "/" LOADING_NAME
#define MODULES_SIZE	1024 /* bytes of the list of security modules */

static void cleanup_skeleton(struct fence **skeleton)
{
	fence__destroy(*skeleton);
}

static int print_libbpf(
	enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, arguments);
}

void objects_route_messages(void)
{
	libbpf_set_print(debugging_verbose() ? print_libbpf : NULL);
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

static int open_pin(const char *version, const char *kind, const char *name)
{
	char path[PATH_SIZE];
	int error = path_format(path, PINS_FOLDER "/%s/%s/%s", version, kind, name), fd;

	if (error)
		return error;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/*
 * The kernel would accept any map. If a pinned map is not as it was declared, somebody
 * forgot to raise FENCE_ABI.
 */
static int reuse_map(struct bpf_map *map)
{
	_fd_ int fd = objects_map(bpf_map__name(map));
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	/* Some are mapped into memory. The kernel may have given one more elements. */
	if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
		info.value_size != bpf_map__value_size(map) ||
		info.max_entries < bpf_map__max_entries(map))
		return -EPROTO;
	return bpf_map__reuse_fd(map, fd);
}

static int reuse_maps(const struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object) {
		int error = bpf_map__is_internal(map) ? 0 : reuse_map(map);

		if (error)
			return error;
	}
	return 0;
}

/*
 * Whether the list of active security modules names that of BPF. A list that can't be
 * read counts as yes.
 */
static bool may_be_active(void)
{
	_free_ char *list = file_text("/sys/kernel/security/lsm", MODULES_SIZE);
	char *rest = list, *name;

	if (!list)
		return true;
	while ((name = strsep(&rest, ",\n")))
		if (!strcmp(name, "bpf"))
			return true;
	return false;
}

/*
 * Loads the object. Leaves out the LSM programs if the kernel refuses their type, or
 * accepts it and would never run one. So a pinned LSM program is always a lock in force.
 * Returns NULL with errno set.
 */
static struct fence *load(bool with_maps)
{
	struct fence *skeleton = fence__open();
	bool lsm =
		libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_LSM, NULL) == 1 && may_be_active();
	int error;

	if (!skeleton)
		return NULL;
	bpf_program__set_autoload(skeleton->progs.socket_create, lsm);
	bpf_program__set_autoload(skeleton->progs.socket_option, lsm);
	bpf_program__set_autoload(skeleton->progs.unix_connect, lsm);
	bpf_program__set_autoload(skeleton->progs.unix_send, lsm);
	error = with_maps ? 0 : reuse_maps(skeleton->obj);
	if (!error)
		error = fence__load(skeleton);
	if (!error)
		return skeleton;
	fence__destroy(skeleton);
	errno = -error;
	return NULL;
}

static int pin_maps(const struct bpf_object *object)
{
	struct bpf_map *map;
	char path[PATH_SIZE];
	int error = folder_make(LOADING_FOLDER "/maps");

	bpf_object__for_each_map (map, object) {
		if (error)
			break;
		if (bpf_map__is_internal(map))
			continue;
		error = path_format(path, LOADING_FOLDER "/maps/%s", bpf_map__name(map));
		if (!error)
			error = bpf_obj_pin(bpf_map__fd(map), path);
	}
	return error;
}

static int pin_programs(const struct bpf_object *object)
{
	struct bpf_program *program;
	char path[PATH_SIZE];
	int error = folder_make(LOADING_FOLDER "/programs");

	bpf_object__for_each_program (program, object) {
		if (error)
			break;
		if (bpf_program__fd(program) < 0)
			continue;
		error = path_format(
			path, LOADING_FOLDER "/programs/%s", bpf_program__name(program));
		if (!error)
			error = bpf_obj_pin(bpf_program__fd(program), path);
	}
	return error;
}

/* Pins objects in a folder with a temporary name, and then renames the folder. */
static int pin(const struct bpf_object *object,
	int (*pin_objects)(const struct bpf_object *), const char *version)
{
	char path[PATH_SIZE];
	int error = tree_remove(LOADING_FOLDER);

	if (!error)
		error = pin_objects(object);
	if (!error)
		error = path_format(path, PINS_FOLDER "/%s", version);
	if (!error && rename(LOADING_FOLDER, path))
		error = -errno;
	return error;
}

/* errno says why. */
static int fail_load(struct failure *failure)
{
	return fail(failure, -errno,
		"cannot load the programs into the kernel (Linux 6.1 or later with BTF and "
		"CONFIG_CGROUP_BPF is needed; JOBFENCE_DEBUG=1 tells more)");
}

int objects_try(struct failure *failure)
{
	_cleanup_(cleanup_skeleton) struct fence *skeleton = NULL;

	if (file_exists(PINS_FOLDER "/" FENCE_DIGEST))
		return 0;
	skeleton = load(true);
	return skeleton ? 0 : fail_load(failure);
}

int objects_ensure(struct failure *failure)
{
	_cleanup_(cleanup_skeleton) struct fence *skeleton = NULL;
	_fd_ int lock = -1;
	bool with_maps;
	int error = 0, made;

	if (file_exists(PINS_FOLDER "/" FENCE_DIGEST))
		return paths_check(failure);
	lock = node_lock(failure);
	if (lock < 0)
		return lock;
	error = mount_bpffs(failure);
	made = error ? 0 : folder_make(PIN_JOBS_FOLDER);
	if (made)
		error = fail(failure, made, "cannot make %s", PIN_JOBS_FOLDER);
	/* Once the folders are ours, nobody can replace them. */
	if (!error)
		error = paths_check(failure);
	if (error || file_exists(PINS_FOLDER "/" FENCE_DIGEST))
		return error;
	with_maps = !file_exists(PINS_FOLDER "/" MAPS_NAME);
	skeleton = load(with_maps);
	if (!skeleton)
		return fail_load(failure);
	if (with_maps)
		error = pin(skeleton->obj, pin_maps, MAPS_NAME);
	if (!error)
		error = pin(skeleton->obj, pin_programs, FENCE_DIGEST);
	return error ? fail(failure, error, "cannot pin the programs below %s", PINS_FOLDER)
		     : 0;
}

const char *objects_digest(void)
{
	return FENCE_DIGEST;
}

int objects_program(const char *name)
{
	return open_pin(FENCE_DIGEST, "programs", name);
}

int objects_map(const char *name)
{
	return open_pin(MAPS_NAME, "maps", name);
}

bool objects_serve(const char *folder, const char *programs, int abi)
{
	char maps[32];

	snprintf(maps, sizeof(maps), MAPS_PREFIX "%d", abi);
	return !strcmp(programs, folder) || !strcmp(maps, folder);
}

bool objects_are_of_another_version(const char *folder)
{
	static const char own_maps[] = MAPS_NAME;
	static const char *const others[] = { ".", "..", "jobs", LOADING_NAME, own_maps,
		FENCE_DIGEST };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(folder, others[i]))
			return false;
	return true;
}
