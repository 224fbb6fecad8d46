/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "world.h"

/*
 * Aborts unless what sites heard of a connection is what the job may have had them hear: of requests the same ones, in
 * order, each at most once, for the host that was dialled and with our header; of TLS a hello for that host and
 * what the job said after it; of what was refused, nothing.
 */
void verdict(const struct client *client);
