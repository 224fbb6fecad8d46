/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The certificates that a job with opened TLS trusts. They are in the folder `trust` of the
 * job, as files that trust_files.h names. The view of the job's commands has that folder at
 * TRUST_VIEW.
 */

#include <jansson.h>

#include "job/job.h"
#include "job/trust_files.h"
#include "job/variables.h"

#define TRUST_VIEW RUN_FOLDER "/trust"

/* The path of the folder of a job. Returns 0 or -ENAMETOOLONG. */
int trust_folder(const struct job *job, char path[PATH_SIZE]);

/*
 * Makes the file in memory with the certificates that the proxy trusts: those of the
 * policy's upstream_ca, then the node's. Returns a descriptor, or -errno with the failure
 * noted.
 */
int trust_roots_make(const struct job *job, struct failure *failure);

/*
 * Makes the files of the job, which stay as they are if they are there, and opens them for
 * the proxy in the order of trust_files.h. Returns 0, or -errno with the failure noted.
 */
int trust_files_open(const struct job *job, int fds[TRUST_FILES], struct failure *failure);

/*
 * Writes the files of the job. `pipe` has the certificate of its authority. A command of
 * the job may have the files mounted already, so they are written in place. Returns 0, or
 * -errno with the failure noted.
 */
int trust_write(const struct job *job, int pipe, struct failure *failure);

/* Reads the certificate of the job's authority, to be freed. Returns 0 or -errno. */
int trust_read_authority(const struct job *job, char **authority);

/*
 * The environment variables that lead programs to these files, as the job's view has them.
 * A pair with a NULL name ends the list.
 */
const struct variable *trust_variables(void);

/* All of it as JSON, for executors. null: no TLS of the job is opened. */
json_t *trust_to_json(const struct job *job);
