/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Makes the authority of a job (ca.h) for the intercepted domains of its settings. Writes
 * it to FD_AUTHORITY, and seals that file. Writes its certificate to FD_CA, as PEM. Returns
 * the exit status of the program.
 */
int authority_run(void);
