/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Settings that keep browsers from sending encrypted ClientHellos (ECH), which the proxy
 * refuses. A browser sends a decoy to every site. Each setting is a file in a folder
 * where builds of Chromium and Firefox look for the operator's settings.
 */

#include <stddef.h>

/* The name of one more file beside that of Chromium, with the authority of a job. */
#define BROWSER_POLICY_CA "jobfence-ca.json"

struct browser_policy {
	const char *folder; /* below /etc */
	const char *file;   /* its name there */
	const char *text;
};

extern const struct browser_policy browser_policies[];
extern const size_t browser_policies_count;

/*
 * Mounts the settings for the calling process, which has a mount namespace of its own.
 * Each folder keeps its entries. Nothing is written to the node. If a folder is missing,
 * the nearest existing one above it gets a private copy. /etc itself never does, so a
 * browser goes without the settings there. Returns 0 or -errno.
 */
int browser_policy_mount(void);
