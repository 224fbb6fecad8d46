/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "world.h"

/*
 * Aborts unless sites heard only what the job was allowed to send on its connections:
 *
 * - requests: the same ones, in order, each at most once, for the host that was
 *   dialled and with our header. If connections were shared, any client's in any
 *   order
 * - TLS: a hello for that host, and what the job said after it
 * - refused: nothing
 */
void verdict(const struct world *world);
