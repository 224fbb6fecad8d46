/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the worker and the supervisor both write to the request log. */

#include <stddef.h>
#include <stdint.h>

#define LOG_VERSION	 1
#define LOG_TIME_SIZE	 32
#define LOG_DROPPED_SIZE 192

/*
 * Formats a time of CLOCK_REALTIME, in ns, as UTC: 2026-11-25T00:45:34.123Z (RFC 3339). The
 * first call may read the files of tzset(3), which the sandbox does not allow later.
 */
void log_format_time(uint64_t time, char text[LOG_TIME_SIZE]);

/*
 * Formats the line that stands where `count` lines were lost, with its end of line. Returns
 * its length.
 */
size_t log_format_dropped(const char *job, uint64_t count, char line[LOG_DROPPED_SIZE]);

/* Counts the lines of a text. A part after the last end of line is no line. */
uint64_t log_count_lines(const char *text, size_t length);
