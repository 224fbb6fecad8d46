/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Events as entries of systemd's journal. */

#include <stdint.h>

#include "cli/event.h"
#include "lib/failure.h"

/*
 * Loads libsystemd, which few commands need, and looks whether journald is there. Returns
 * 0, or -errno with the failure noted.
 */
int journald_open(struct failure *failure);

/*
 * Sends an event. Each field of its JSON that is not null becomes a field JOBFENCE_NAME.
 * Returns 0 or -errno.
 */
int journald_send(const struct event_shown *shown);

/* Sends how many events were lost. Returns 0 or -errno. */
int journald_send_lost(uint64_t count);
