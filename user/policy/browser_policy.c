// SPDX-License-Identifier: BSD-2-Clause
/* See browser_policy.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/folder_cover.h"
#include "node/paths.h"
#include "policy/browser_policy.h"

#define PARENT	      "/etc"
#define CHROMIUM_FILE "jobfence.json", "{\"EncryptedClientHelloEnabled\": false}\n"
#define FIREFOX_FILE \
	"jobfence.js", "pref(\"security.tls.ech.grease_probability\", 0);\n" \
		       "pref(\"network.dns.echconfig.enabled\", false);\n"

const struct browser_policy browser_policies[] = {
	{ "/etc/chromium/policies/managed", CHROMIUM_FILE },
	{ "/etc/opt/chrome/policies/managed", CHROMIUM_FILE },
	{ "/etc/opt/chrome_for_testing/policies/managed", CHROMIUM_FILE },
	{ "/etc/opt/edge/policies/managed", CHROMIUM_FILE },
	{ "/etc/brave/policies/managed", CHROMIUM_FILE },
	{ "/etc/firefox-esr", FIREFOX_FILE }, /* Debian's */
	{ "/etc/firefox/defaults/pref", FIREFOX_FILE },
};
const size_t browser_policies_count = ARRAY_SIZE(browser_policies);

/*
 * Shortens `path` to the part that exists. Returns whether that is a folder below /etc.
 */
static bool find_folder(char path[PATH_SIZE], struct stat *status)
{
	while (lstat(path, status) && errno == ENOENT)
		*strrchr(path, '/') = '\0';
	return S_ISDIR(status->st_mode) && strlen(path) > strlen(PARENT);
}

/* `covered` is the file system of the last cover, which may hold more than one folder. */
static int provide(const struct browser_policy *policy, dev_t *covered)
{
	char path[PATH_SIZE];
	struct stat status = {};
	int error = path_format(path, "%s", policy->folder);

	if (error || !find_folder(path, &status))
		return error;
	if (status.st_dev != *covered)
		error = folder_cover(path);
	if (!error)
		error = stat(path, &status) ? -errno : folder_make(policy->folder);
	if (error)
		return error;
	*covered = status.st_dev;
	error = path_format(path, "%s/%s", policy->folder, policy->file);
	return error ? error : file_write(path, policy->text);
}

int browser_policy_mount(void)
{
	dev_t covered = 0;
	int error = 0;

	for (size_t i = 0; !error && i < browser_policies_count; i++)
		error = provide(&browser_policies[i], &covered);
	return error;
}
