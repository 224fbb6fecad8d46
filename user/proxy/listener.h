/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Connections of the job, as they come in. */

#include "proxy/connection.h"

struct listener;

/* Accepts at the listening descriptors of settings.h. Returns 0 or -errno. */
int listener_new(struct proxy *proxy, struct listener **listener);
void listener_free(struct listener *listener);
