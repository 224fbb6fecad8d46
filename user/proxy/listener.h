/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Connections of the job, as they come in. */

#include "proxy/connection.h"

/* Accepts at the listening descriptors of settings.h, from now on. Returns 0 or -errno. */
int listener_start(struct proxy *proxy);
