/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The trace tells what the proxy does, in a line for each step, to debug a job. It is off
 * until the map `limits` of the job says so, and may be switched while the job runs.
 *
 * Lines go to the log of the proxy, and begin with `trace` and the number of the
 * connection. A line is at most TRACE_LINE_MAX bytes long. Bytes that could be a command to
 * a terminal become '?'. When the log has PROXY_LOG_MAX bytes, the trace stops. The
 * loader empties the log when it switches the trace on. The proxy may not: one that was
 * taken over could hide what it did. The log is a file, so writing to it never waits.
 */

#include <stdint.h>

#define TRACE_LINE_MAX 512

/* Writes a line if the trace is on. `limits` are those of the job. */
#define trace(limits, number, ...) \
	do { \
		if ((limits)->trace) \
			trace_write(number, __VA_ARGS__); \
	} while (0)

void trace_write(uint64_t number, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
