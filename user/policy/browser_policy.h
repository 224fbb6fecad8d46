/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Settings that keep browsers from sending encrypted ClientHellos (ECH), which the proxy refuses: a browser sends a decoy
 * to every site. Each is a file in a folder where builds of Chromium and Firefox look for their operator's settings.
 */

#include <stddef.h>

struct browser_policy {
	const char *folder; /* below /etc */
	const char *file;   /* its name there */
	const char *text;
};

extern const struct browser_policy browser_policies[];
extern const size_t browser_policies_count;

/*
 * Mounts the settings for the calling process, which has a mount namespace of its own. Each folder keeps what it had.
 * Nothing is written to the node: where a folder is missing, the nearest one above it that is there gets a private copy, but never
 * /etc itself. There a browser goes without. Returns 0 or -errno.
 */
int browser_policy_mount(void);
