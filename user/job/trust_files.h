/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The files in a folder of certificates:
 *
 *	ca.pem		the certificate of a job's own authority
 *	bundle.pem	other roots, and that certificate behind them
 *	bundle.p12	the same for Java (PKCS#12, no password)
 *	chromium.json	the certificate as a policy of Chromium, which has its own roots
 */

#include <stddef.h>
#include <sys/types.h>

#include "lib/failure.h"

#define TRUST_CA     "ca.pem"
#define TRUST_BUNDLE "bundle.pem"
#define TRUST_STORE  "bundle.p12"
#define TRUST_POLICY "chromium.json"
#define TRUST_FILES  4

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
 * Opens the program that the workers of a job with opened TLS are, and that makes the store
 * for Java. Returns a descriptor, or -errno with the failure noted.
 */
int trust_program_open(struct failure *failure);

/*
 * Reads the certificates of an open file, and nothing else of it. The caller frees them.
 * Returns 0 or -errno. -ENODATA: it has none.
 */
int trust_read(int fd, char **certificates, size_t *length);

/* The same for a file of the node. */
int trust_read_file(const char *path, char **certificates, size_t *length);

/* The same for the roots of the node. -ENOENT or -ENODATA: it has none. */
int trust_read_node(char **certificates, size_t *length);

/* Writes all of a text. Returns 0 or -errno. */
int trust_write_all(int fd, const char *text, size_t length);

/*
 * Makes the files in a folder, for mounts of them. The bundle has the roots. The others are
 * empty until trust_fill(). Returns 0 or -errno.
 */
int trust_prepare(const char *folder, const char *roots, size_t length);

/*
 * Writes all files into a folder, which exists: the certificate `authority`, and `length`
 * bytes of roots. What is there is written anew in place, as a job may have it mounted. The
 * store for Java is made by a process of the user `uid`. Returns 0, or -errno with the
 * failure noted.
 */
int trust_fill(const char *folder, const char *roots, size_t length, const char *authority,
	uid_t uid, struct failure *failure);
