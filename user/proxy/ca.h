/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The certificate authority of one job, and the certificates that it issues for the domains
 * whose TLS the proxy opens.
 *
 * A child of the supervisor makes it, and each worker takes it over, by ca_export() and
 * ca_open(). Its key is in locked pages that these have of one file in memory. libcrypto
 * gets it for each signature, and clears its own copy after that.
 *
 * Name constraints (RFC 5280 section 4.2.1.10) hold the authority to the intercepted
 * domains. They are a second lock, for a client of the job that trusts it: the first one is
 * that the worker asks for no other certificate. A constraint for a name permits what is
 * below it, too, as there is no form for a name alone.
 */

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "names/host.h"

/* The longest life of an authority, in seconds, and how much of it lies in the past. */
#define CA_LIFETIME (24L * 60 * 60)
#define CA_BACKDATE (60L * 60)

/* The most domains of an authority, and the most bytes of what is made of it. */
#define CA_NAMES_MAX  64
#define CA_PEM_MAX    32768
#define CA_EXPORT_MAX 32768

/*
 * What ca_export() writes first: the private key as a number in the order of this machine,
 * and the public key as an uncompressed point (SEC 1 section 2.3.3).
 */
#define CA_PRIVATE_BYTES 32
#define CA_POINT_BYTES	 65
#define CA_KEY_BYTES	 (CA_PRIVATE_BYTES + CA_POINT_BYTES)

/* Certificates that are kept to be used again. */
#define CA_LEAVES_MAX 64

struct ca;

/*
 * Makes an authority for the names and addresses in `names`. A domain with a wildcard is
 * given by its name without the dot. The authority is valid from CA_BACKDATE ago, as clocks
 * differ. It ends at `not_after` (seconds since 1970), and after CA_LIFETIME at the latest.
 * 0: after CA_LIFETIME.
 *
 * Returns 0, -EINVAL if `not_after` has passed or there are no names, -E2BIG for more than
 * CA_NAMES_MAX, or -ENOMEM if libcrypto can't make it. On an error `*ca` is untouched.
 */
int ca_create(struct ca **ca, const struct host *names, size_t count, int64_t not_after);

/*
 * Writes the key and the certificate as bytes, for ca_import(). They are secret: whoever
 * holds them clears them. Returns the length, or -ENOSPC if `size` is too small.
 * CA_EXPORT_MAX is always enough.
 */
int ca_export(const struct ca *ca, unsigned char *bytes, size_t size);

/*
 * Makes the same authority from what ca_export() wrote. It has a cache of its own. It reads
 * the key in `bytes` for each signature, so they have to outlive it. Returns 0, -EINVAL if
 * the bytes are no authority, or -ENOMEM. On an error `*ca` is untouched.
 */
int ca_import(struct ca **ca, const unsigned char *bytes, size_t length);

/*
 * The same for a file in memory (memfd_create(2)), whose pages it locks. Nobody may shorten
 * the file. Returns as ca_import(), or -errno.
 */
int ca_open(struct ca **ca, int file);

/*
 * Writes the certificate as PEM, with a NUL. Returns the length without the NUL, or -ENOSPC
 * if `size` is too small. CA_PEM_MAX is always enough.
 */
int ca_certificate_pem(const struct ca *ca, char *pem, size_t size);

/* When the authority, and each of its certificates, ends. In seconds since 1970. */
int64_t ca_not_after(const struct ca *ca);

/*
 * Gives the authority a new certificate, with the same key and name, which begins anew
 * (CA_BACKDATE ago) and ends after CA_LIFETIME. Clients that trust the one before take what
 * is issued from now on, until that ends. Returns 0 or -ENOMEM.
 */
int ca_renew(struct ca *ca);

/*
 * Lends the certificate for exactly `host`, and its key, until the next call. All
 * certificates of an authority have the same key, which ca_import() makes anew. A
 * certificate is valid as long as the authority. One that has half of CA_LIFETIME left is
 * renewed before, unless it was made to end sooner.
 *
 * Returns 0, or -ENOMEM if libcrypto can't make it, with nothing written.
 */
int ca_leaf(struct ca *ca, const struct host *host, X509 **certificate, EVP_PKEY **key);

/* Clears the keys and releases all. */
void ca_free(struct ca *ca);
