/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A store of trusted certificates for Java, as PKCS#12 (RFC 7292). Java takes certificates
 * in PKCS#12 for trusted only if they bear an attribute of its own. The store has no
 * password and is not encrypted, since it holds nothing secret. Java reads such a store
 * with any password, and with none.
 */

#include <openssl/bio.h>

/*
 * Reads certificates in PEM from `in`, and writes them as a store to `out`. Certificates
 * without a subject are left out. Returns 0 or -ENOMEM.
 */
int trust_store_write(BIO *in, BIO *out);

/*
 * Reads certificates in PEM from standard input, and writes them as a store to standard
 * output. Returns the exit status: 0, or 1 with a line on standard error.
 */
int trust_store_run(void);
