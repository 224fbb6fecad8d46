/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The certificates that a job with opened TLS trusts. They are files in the folder `trust`
 * of the job:
 *
 *	ca.pem		the certificate of the job's own authority
 *	bundle.pem	the node's roots, and that certificate behind them
 *	bundle.p12	the same for Java (PKCS#12, no password)
 *	chromium.json	the certificate as a policy of Chromium, which has its own roots
 *
 * The view of the job's commands has that folder at TRUST_VIEW.
 */

#include <jansson.h>

#include "job/job.h"
#include "job/variables.h"

#define TRUST_VIEW   RUN_FOLDER "/trust"
#define TRUST_CA     "ca.pem"
#define TRUST_BUNDLE "bundle.pem"
#define TRUST_STORE  "bundle.p12"
#define TRUST_POLICY "chromium.json"

/*
 * OpenSSL looks for an authority in a folder by a hash of its name (openssl-rehash(1)). All
 * authorities of jobs have the same name, so this is the hash of each.
 */
#define TRUST_CA_LINK "f7802f81.0"

/* Files in which programs look for the roots. The list ends with NULL. */
extern const char *const trust_bundle_places[];
/* The same for Java's store. */
extern const char *const trust_store_places[];

/*
 * Opens the program that the workers of such a job are, which also makes the store for
 * Java. Returns a descriptor, or -errno with the failure noted.
 */
int trust_program_open(struct failure *failure);

/* The path of the folder of a job. Returns 0 or -ENAMETOOLONG. */
int trust_folder(const struct job *job, char path[PATH_SIZE]);

/*
 * Makes the file in memory with the certificates that the proxy trusts: those of the
 * policy's upstream_ca, then the node's. Returns a descriptor, or -errno with the failure
 * noted.
 */
int trust_roots_make(const struct job *job, struct failure *failure);

/*
 * Writes the files of the job. `pipe` has the certificate of its authority. A command of
 * the job may have the files mounted already, so they are written in place. Returns 0, or
 * -errno with the failure noted.
 */
int trust_write(const struct job *job, int pipe, struct failure *failure);

/*
 * The environment variables that lead programs to these files, as the job's view has them.
 * A pair with a NULL name ends the list.
 */
const struct variable *trust_variables(void);

/* All of it as JSON, for executors. null: no TLS of the job is opened. */
json_t *trust_to_json(const struct job *job);
