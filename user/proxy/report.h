/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Reports refusals to the journal of events of the node. */

#include <stddef.h>
#include <stdint.h>

#include "jobfence/abi.h"

/*
 * Reports a refusal. `name` is what the job asked for, or the limit that was hit. It has
 * `length` bytes and is cut to what an event holds. `port` is in host byte order, and 0
 * if there was none. `pid` and `comm`, of COMM_LENGTH bytes, are the process in the job
 * that opened the connection. 0 and NULL: not known. Nothing waits. Nobody learns if it
 * fails, since the refusal is counted elsewhere.
 */
void report_refusal(enum hook hook, enum reason reason, const char *name, size_t length,
	uint16_t port, uint32_t pid, const char *comm);
