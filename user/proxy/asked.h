/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What later commands ask of the supervisor, by messages to FD_ASKED. */

#include <stdbool.h>

#include "jobfence/secrets.h"

/*
 * Takes the next message. One with new values of secrets is obeyed, and whoever sent it is
 * told so by a byte. `secrets` is what the proxy has, or NULL. Returns whether the message
 * asks for the end, as one without descriptors does.
 */
bool asked_take(struct secret_file *secrets);
