/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * Makes the authority of a job (ca.h) for the intercepted domains of its settings. Writes
 * it to FD_AUTHORITY, and seals that file. Writes its certificate to FD_CA, as PEM.
 *
 * With `renews`, writes a new certificate of the authority in FD_AUTHORITY to the files
 * that the job trusts (trust_renewal.h). A worker renews its own by itself.
 *
 * Returns the exit status of the program.
 */
int authority_run(bool renews);
