/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The extensions of the certificates in ca.h. */

#include <stddef.h>

#include <openssl/x509.h>

#include "names/host.h"

/*
 * Adds to a certificate of an authority: that it issues no other authority, what its key is
 * for, and the names that it is held to. The public key is set. Returns 0 or -ENOMEM.
 */
int ca_extend_authority(X509 *certificate, const struct host *names, size_t count);

/*
 * Adds to the certificate of a site: its name or address, what its key is for, and which
 * authority issued it. The public key is set. Returns 0 or -ENOMEM.
 */
int ca_extend_leaf(X509 *certificate, X509 *authority, const struct host *host);
