// SPDX-License-Identifier: BSD-2-Clause
/* See container_trust.h. Anybody may have made an image, so no link leads out of it. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "job/trust.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/pem.h"
#include "node/paths.h"
#include "node/proxy_user.h"
#include "oci/container_trust.h"
#include "oci/mounts.h"
#include "policy/browser_policy.h"

#define CONTAINERS RUN_FOLDER "/containers"
#define ID_MAX	   200
#define OLD	   3600	 /* seconds */
#define OWNER	   "job" /* the file with the name and the number of the job */
#define OWNER_MAX  (JOB_NAME_MAX + 32)
/* Bytes of an image's roots, which stay in memory. Those of Debian have 220 KiB. */
#define ROOTS_MAX (1UL << 20)

/* The folder of a container, by the name that runtimes allow for one. */
static int find_folder(const char *id, char path[PATH_SIZE])
{
	size_t length = strlen(id);

	if (!length || length > ID_MAX || id[0] == '.' ||
		strspn(id,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.") !=
			length)
		return -EINVAL;
	return path_format(path, CONTAINERS "/%s", id);
}

/* Opens a file of the image. Returns a descriptor or -errno. */
static int open_in_root(int root, const char *path)
{
	const struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_fd_ int fd = (int)syscall(SYS_openat2, root, path + 1, &how, sizeof(how));
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	return S_ISREG(status.st_mode) ? TAKE_FD(fd) : -ENOENT;
}

static int read_image_roots(int fd, char **roots, size_t *length)
{
	_free_ char *read = NULL;
	int error = trust_read(fd, &read, length);

	if (!error && *length > ROOTS_MAX) {
		*length = 0;
		return -EFBIG;
	}
	*roots = TAKE_POINTER(read);
	return error;
}

/*
 * Reads the roots of the image, or the node's if it has none, or too many. 0: nobody has
 * any.
 */
static int read_roots(int root, char **roots, size_t *length)
{
	int error = -ENOENT;

	*length = 0;
	for (const char *const *place = trust_bundle_places; *place && error; place++) {
		_fd_ int fd = open_in_root(root, *place);

		error = fd < 0 ? fd : read_image_roots(fd, roots, length);
	}
	if (error)
		error = trust_read_node(roots, length);
	return error == -ENOENT || error == -ENODATA ? 0 : error;
}

/* Adds a mount, unless the bundle was started before or has one of its own there. */
static int add_mount(
	json_t *mounts, const char *folder, const char *file, const char *place)
{
	char source[PATH_SIZE];
	int error;

	if (oci_mount_at(mounts, place))
		return 0;
	error = path_format(source, "%s%s%s", folder, *file ? "/" : "", file);
	return error ? error : oci_mount_add(mounts, source, place);
}

static int add_places(json_t *mounts, int root, const char *folder, const char *file,
	const char *const *places)
{
	int error = 0;

	for (; *places && !error; places++) {
		_fd_ int fd = open_in_root(root, *places);

		if (fd >= 0)
			error = add_mount(mounts, folder, file, *places);
	}
	return error;
}

static bool is_set(const json_t *environment, const char *name)
{
	size_t i, length = strlen(name);
	const json_t *entry;

	json_array_foreach ((json_t *)environment, i, entry) {
		const char *text = json_string_value(entry);

		if (text && !strncmp(text, name, length) && text[length] == '=')
			return true;
	}
	return false;
}

static int add_variables(json_t *process)
{
	json_t *environment = json_object_get(process, "env");

	if (!json_is_array(environment)) {
		environment = json_array();
		if (json_object_set_new(process, "env", environment))
			return -ENOMEM;
	}
	for (const struct variable *v = trust_variables(); v->name; v++)
		if (!is_set(environment, v->name) &&
			json_array_append_new(
				environment, json_pack("s++", v->name, "=", v->value)))
			return -ENOMEM;
	return 0;
}

/* Adds a policy where a browser has one of ours already (oci/browser.h). */
static int add_policies(json_t *mounts, const char *folder)
{
	int error = 0;

	for (size_t i = 0; !error && i < browser_policies_count; i++) {
		const struct browser_policy *policy = &browser_policies[i];
		char path[PATH_SIZE];

		error = path_format(path, "%s/%s", policy->folder, policy->file);
		if (error || !strstr(policy->file, ".json") || !oci_mount_at(mounts, path))
			continue;
		error = path_format(path, "%s/" BROWSER_POLICY_CA, policy->folder);
		if (!error)
			error = add_mount(mounts, folder, TRUST_POLICY, path);
	}
	return error;
}

static int add_mounts(json_t *mounts, int root, const char *folder)
{
	int error = add_mount(mounts, folder, "", TRUST_VIEW);

	if (!error)
		error = add_places(mounts, root, folder, TRUST_BUNDLE, trust_bundle_places);
	if (!error)
		error = add_policies(mounts, folder);
	return error ? error
		     : add_places(mounts, root, folder, TRUST_STORE, trust_store_places);
}

int container_trust_add(
	json_t *config, const char *bundle, const char *id, struct failure *failure)
{
	_fd_ int root = oci_root_open(config, bundle, failure);
	_free_ char *roots = NULL;
	json_t *mounts;
	char folder[PATH_SIZE];
	size_t length = 0;
	int error = root < 0 ? root : oci_mounts_find(config, &mounts, failure);

	if (error)
		return error;
	if (find_folder(id, folder))
		return fail_as(failure, STATUS_USAGE,
			"a container whose TLS is opened has a name of a-z A-Z 0-9 _ + - .");
	error = folder_make(folder);
	if (!error)
		error = read_roots(root, &roots, &length);
	if (!error)
		error = trust_prepare(folder, roots, length);
	if (!error)
		error = add_mounts(mounts, root, folder);
	if (!error)
		error = add_variables(json_object_get(config, "process"));
	return error ? fail(failure, error, "cannot add certificates to the container") : 0;
}

static void describe_owner(const struct job *job, char text[OWNER_MAX])
{
	snprintf(text, OWNER_MAX, "%s %llu", job->spec.name, (unsigned long long)job->id);
}

/* Notes for whose containers the files are renewed. */
static int write_owner(const char *folder, const struct job *job)
{
	char path[PATH_SIZE], text[OWNER_MAX];
	int error = path_format(path, "%s/" OWNER, folder);

	describe_owner(job, text);
	return error ? error : file_write(path, text);
}

/* Reads the job that the files belong to. Returns whether it is there. */
static bool read_owner(const char *folder, struct job *job)
{
	char path[PATH_SIZE], name[JOB_NAME_MAX + 1] = "", expected[OWNER_MAX];
	_free_ char *text = NULL;
	struct failure ignored;
	size_t length;
	_fd_ int fd = path_format(path, "%s/" OWNER, folder)
			      ? -1
			      : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || file_read(fd, OWNER_MAX, &text, &length))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, " "), text);
	if (job_read(job, name, &ignored))
		return false;
	describe_owner(job, expected);
	return !strcmp(text, expected);
}

/* Gives a container the certificate with which its job renewed its authority. */
static int renew(const struct job *job, const char *folder, struct failure *failure)
{
	_free_ char *bundle = NULL, *authority = NULL;
	char path[PATH_SIZE];
	size_t length = 0, last;
	int error = path_format(path, "%s/" TRUST_BUNDLE, folder);

	if (!error)
		error = trust_read_file(path, &bundle, &length);
	if (!error)
		error = trust_read_authority(job, &authority);
	if (error)
		return fail(failure, error, "cannot renew the certificates in %s", folder);
	last = pem_last(bundle, length);
	if (!strcmp(bundle + last, authority))
		return 0;
	return trust_fill(
		folder, bundle, last, authority, proxy_user_of(job->proxy_id), failure);
}

int container_trust_fill(const struct job *job, const char *id, struct failure *failure)
{
	_free_ char *roots = NULL, *authority = NULL;
	char folder[PATH_SIZE], path[PATH_SIZE];
	size_t length = 0;
	int error;

	if (!job->spec.intercept.count || find_folder(id, folder) ||
		path_format(path, "%s/" TRUST_BUNDLE, folder))
		return 0;
	error = trust_read_file(path, &roots, &length);
	/* An engine may call the hook without jobfence-runtime, and mounts nothing. */
	if (error == -ENOENT)
		return 0;
	if (!error || error == -ENODATA)
		error = trust_read_authority(job, &authority);
	if (!error)
		error = write_owner(folder, job);
	return error ? fail(failure, error, "cannot read the certificates of the job")
		     : trust_fill(folder, roots, length, authority,
			       proxy_user_of(job->proxy_id), failure);
}

void container_trust_remove(const char *id)
{
	char folder[PATH_SIZE];

	if (!find_folder(id, folder))
		tree_remove(folder);
	rmdir(CONTAINERS); /* fails if there are others */
}

typedef int note_failure(const char *job, const struct failure *failure, void *data);

static int collect(const char *id, time_t made, note_failure *note, void *data)
{
	_cleanup_(job_free) struct job job = {}, same = {};
	struct failure failure = {};
	char folder[PATH_SIZE];

	if (find_folder(id, folder))
		return 0;
	/* The container or its job may end meanwhile, which is no failure. */
	if (read_owner(folder, &job))
		return renew(&job, folder, &failure) && read_owner(folder, &same)
			       ? note(job.spec.name, &failure, data)
			       : 0;
	if (made < time(NULL) - OLD)
		container_trust_remove(id);
	return 0;
}

int container_trust_collect(note_failure *note, void *data)
{
	_dir_ DIR *all = opendir(CONTAINERS);
	const struct dirent *entry;
	struct stat status;
	int error = 0;

	while (all && !error && (entry = readdir(all)))
		if (!fstatat(dirfd(all), entry->d_name, &status, AT_SYMLINK_NOFOLLOW))
			error = collect(entry->d_name, status.st_mtime, note, data);
	return error;
}
