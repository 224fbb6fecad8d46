/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * jobfence under the name jobfence-runtime. It is an OCI runtime that adds the fence's
 * hooks to the bundle, narrows its filter of system calls, and then becomes runc or crun.
 * $JOBFENCE_OCI_RUNTIME names another one. That environment is the engine's and not the
 * image's.
 *
 * If --annotations is the first word, it means the same as for oci-hook.
 *
 * It returns only after a failure, with a status. No container has been started then.
 */

#define RUNTIME_NAME "jobfence-runtime"

int runtime_main(int count, char **arguments);
