/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The certificates that a container trusts whose TLS is opened. They are the container's
 * own roots, and the authority of its job. jobfence-runtime knows the first, and adds
 * mounts of files to the bundle. The hook knows the second, and completes the files before
 * the container starts.
 */

#include <jansson.h>

#include "job/job.h"

/*
 * Adds the mounts and the variables to a bundle's configuration, for the container `id`. A
 * place that the root file system has not gets no mount, and a variable that is set stays.
 * Call it after oci_add_browser_policies(). Returns 0, or -errno with the failure noted.
 */
int container_trust_add(
	json_t *config, const char *bundle, const char *id, struct failure *failure);

/*
 * Completes the files of the container `id`, which joins the job. Does nothing if there are
 * none, or if no TLS of the job is opened. Returns 0, or -errno with the failure noted.
 */
int container_trust_fill(const struct job *job, const char *id, struct failure *failure);

/* Removes the files of a container. A mount keeps what it shows. */
void container_trust_remove(const char *id);

/*
 * Gives the containers of each job the certificate with which the job renewed its
 * authority. Mounts show the new contents.
 *
 * Removes what containers left that never started or whose end nobody told: files without
 * a job that are an hour old. Returns 0, or the error of `note`, which is told of failures.
 */
int container_trust_collect(
	int (*note)(const char *job, const struct failure *failure, void *data),
	void *data);
