/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The certificates that the proxy trusts. They stay in their file, which is open, and each
 * is read when a certificate of its issue is verified. A bundle of a distribution would
 * take more memory than all the rest of the proxy.
 */

#include <openssl/x509_vfy.h>

/*
 * Notes where each certificate of a file of PEM is, for `store`. The file is read by
 * pread(2), also later. A certificate that can't be read is left out, so nothing that it
 * issued is trusted. Returns 0, -ENOMEM, -EPROTO if it is no file, or -errno of pread(2).
 */
int tls_roots_open(int file, X509_STORE *store);
