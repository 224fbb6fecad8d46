// SPDX-License-Identifier: BSD-2-Clause
/* See preset.h. The first folder that has a preset wins. */

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/installed.h"
#include "lib/json.h"
#include "policy/preset.h"

#define OWN_FOLDER "/etc/jobfence/presets"
#define SUFFIX	   ".domains"
#define FOLDERS	   2

/* The folder of the operator, then that of the installation. */
static void find_folders(char folders[FOLDERS][PATH_SIZE])
{
	path_format(folders[0], "%s", OWN_FOLDER);
	if (installed_path(folders[1], PATH_SIZE, "share/jobfence/presets"))
		folders[1][0] = '\0';
}

/* A name can't lead out of the folder. */
static bool is_name(const char *name, size_t length)
{
	return length && length <= PRESET_NAME_MAX && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") >= length;
}

int preset_find(const char *name, char path[PATH_SIZE], struct failure *failure)
{
	char folders[FOLDERS][PATH_SIZE];

	if (!is_name(name, strlen(name)))
		return fail_as(failure, STATUS_USAGE,
			"a preset's name is 1 to %d of a-z 0-9 - ; see: jobfence preset list",
			PRESET_NAME_MAX);
	find_folders(folders);
	for (size_t i = 0; i < FOLDERS; i++)
		if (!path_format(path, "%s/%s" SUFFIX, folders[i], name) &&
			file_exists(path))
			return 0;
	return fail_as(failure, STATUS_USAGE,
		"there is no preset %s; see: jobfence preset list", name);
}

/* Reads the first comment that is no licence, without "#" and surrounding blanks. */
static int read_summary(const char *path, char summary[PRESET_SUMMARY_MAX + 1])
{
	static const char licence[] = "# SPDX-";
	_file_ FILE *file = fopen(path, "re");
	char line[PRESET_SUMMARY_MAX + 3];

	summary[0] = '\0';
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		size_t blanks = strspn(line, "# ");

		if (line[0] != '#')
			break;
		if (!strncmp(line, licence, sizeof(licence) - 1))
			continue;
		line[strcspn(line, "\r\n")] = '\0';
		snprintf(summary, PRESET_SUMMARY_MAX + 1, "%s", line + blanks);
		break;
	}
	return ferror(file) ? -EIO : 0;
}

int preset_read(const char *name, struct preset *preset, struct failure *failure)
{
	const char *problem = NULL;
	size_t line = 0;
	int error;

	*preset = (struct preset){};
	error = preset_find(name, preset->path, failure);
	if (error)
		return error;
	memcpy(preset->name, name, strlen(name) + 1);
	error = read_summary(preset->path, preset->summary);
	if (!error)
		error = domains_add_file(
			&preset->domains, &preset->rules, preset->path, &line, &problem);
	if (error && line && problem)
		return fail_as(
			failure, STATUS_USAGE, "%s:%zu: %s", preset->path, line, problem);
	return error ? fail(failure, error, "cannot read %s", preset->path) : 0;
}

void preset_free(struct preset *preset)
{
	domains_free(&preset->domains);
	request_rules_free(&preset->rules);
}

/*
 * Adds the names of a folder, which may be missing, as keys of an object. Returns 0 or
 * -errno.
 */
static int add_folder(const char *path, json_t *names)
{
	_dir_ DIR *folder = opendir(path);
	const struct dirent *entry;
	int error = 0;

	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = folder_next(folder, &error))) {
		char name[PRESET_NAME_MAX + 1];
		const char *suffix = strstr(entry->d_name, SUFFIX);
		size_t length = suffix ? (size_t)(suffix - entry->d_name) : 0;

		if (!suffix || suffix[sizeof(SUFFIX) - 1] ||
			!is_name(entry->d_name, length))
			continue;
		memcpy(name, entry->d_name, length);
		name[length] = '\0';
		if (json_object_set_new(names, name, json_true()))
			return -ENOMEM;
	}
	return error;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *sorted_keys(json_t *object)
{
	size_t count = 0, size = json_object_size(object);
	_free_ const char **keys = calloc(size + 1, sizeof(*keys));
	json_t *array = json_array(), *value;
	const char *key;

	if (!keys || !array) {
		json_decref(array);
		return NULL;
	}
	json_object_foreach (object, key, value)
		keys[count++] = key;
	qsort(keys, count, sizeof(*keys), compare);
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(array, json_string(keys[i]))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

json_t *preset_names(struct failure *failure)
{
	char folders[FOLDERS][PATH_SIZE];
	_json_ json_t *names = json_object();
	json_t *sorted;

	find_folders(folders);
	for (size_t i = 0; names && i < FOLDERS; i++) {
		int error = add_folder(folders[i], names);

		if (error) {
			fail(failure, error, "cannot read %s", folders[i]);
			return NULL;
		}
	}
	sorted = names ? sorted_keys(names) : NULL;
	if (!sorted)
		fail(failure, -ENOMEM, "names of presets");
	return sorted;
}
