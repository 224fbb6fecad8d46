// SPDX-License-Identifier: BSD-2-Clause
/* See resolv_conf.h. */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jobfence/address.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/paths.h"
#include "oci/mounts.h"
#include "oci/resolv_conf.h"

#define IN_ROOT	     "etc/resolv.conf"
#define RESOLV_CONF  "/" IN_ROOT
#define STUB_FOR_ALL RUN_FOLDER "/resolv.conf"

static bool is_ours(const json_t *mount)
{
	const char *source = json_string_value(json_object_get(mount, "source"));

	return source && !strcmp(source, STUB_FOR_ALL);
}

/* Returns the mount that covers the file; NULL: no mount does. */
static const json_t *find_mount(const json_t *mounts)
{
	const json_t *mount = oci_mount_at(mounts, RESOLV_CONF);

	return mount ? mount : oci_mount_at(mounts, "/etc");
}

/*
 * Whether the root file system has the file. An empty file does not count, since an
 * engine makes one as a place to mount on. Links are resolved inside the root. Returns 1,
 * 0 or -errno.
 */
static int has_file(const json_t *config, const char *bundle, struct failure *failure)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT };
	_fd_ int root = oci_root_open(config, bundle, failure), file = -1;
	struct stat status;

	if (root < 0)
		return root;
	file = (int)syscall(SYS_openat2, root, IN_ROOT, &how, sizeof(how));
	if (file < 0)
		/*
		 * A dangling link counts as a file: the image wants it, and runtimes
		 * can't mount on it.
		 */
		return errno == ENOENT &&
				       faccessat(root, IN_ROOT, F_OK, AT_SYMLINK_NOFOLLOW)
			       ? 0
			       : 1;
	if (fstat(file, &status))
		return fail(failure, -errno, "cannot read the container's " RESOLV_CONF);
	return status.st_size > 0 || !S_ISREG(status.st_mode);
}

static int make_source(struct failure *failure)
{
	int error = folder_make(RUN_FOLDER);

	if (!error && !file_exists(STUB_FOR_ALL))
		error = oci_source_write(STUB_FOR_ALL, "nameserver " PROXY_ADDRESS4 "\n");
	return error ? fail(failure, error, "cannot write " STUB_FOR_ALL) : 0;
}

int oci_add_resolv_conf(json_t *config, const char *bundle, struct failure *failure)
{
	json_t *mounts;
	const json_t *mount;
	int error = oci_mounts_find(config, &mounts, failure);

	if (error)
		return error;
	mount = find_mount(mounts);
	/* The bundle was started before, and the node may have been restarted since. */
	if (mount)
		return is_ours(mount) ? make_source(failure) : 0;
	error = has_file(config, bundle, failure);
	if (error)
		return error < 0 ? error : 0;
	error = make_source(failure);
	if (!error && oci_mount_add(mounts, STUB_FOR_ALL, RESOLV_CONF))
		error = fail(failure, -ENOMEM, "mounts");
	return error;
}
