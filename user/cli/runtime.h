/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What jobfence is when it is called jobfence-runtime: an OCI runtime that adds the fence's hooks to the bundle, narrows its filter of system calls, and
 * then becomes runc or crun ($JOBFENCE_OCI_RUNTIME; its environment is the engine's, not the image's). Returns a
 * status only where it fails, and then no container has been started. --annotations as its first word has the meaning
 * that it has for oci-hook. */

#define RUNTIME_NAME "jobfence-runtime"

int runtime_main(int count, char **arguments);
