/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Formats and reads when something was, and how it ended. */

#include <stdint.h>

#define MOMENT_TEXT_MAX	  32
#define DURATION_TEXT_MAX 24
#define ENDING_TEXT_MAX	  64

/* Formats a time of CLOCK_BOOTTIME, in ns, as UTC: 2026-11-25T00:45:34.123Z (RFC 3339). */
void moment_format(uint64_t boottime, char text[MOMENT_TEXT_MAX]);

/* The same for a time of CLOCK_REALTIME, in ns since 1970, without the milliseconds. */
void moment_format_real(uint64_t realtime, char text[MOMENT_TEXT_MAX]);

/* Formats a time span in the largest unit of which it has two: 90s, 5m, 3h, 12d. */
void duration_format(int64_t seconds, char text[DURATION_TEXT_MAX]);

/*
 * Reads a time in RFC 3339, or how long ago it was, such as 90s, 10m, 2h or 7d. `*boottime`
 * becomes the time of CLOCK_BOOTTIME in ns, or 0 if it was before the node started. Returns
 * 0 or -EINVAL.
 */
int moment_parse(const char *text, uint64_t *boottime);

/* Formats a status of wait(2): "signal 9 (Killed)" or "status 1". */
void ending_format(int status, char text[ENDING_TEXT_MAX]);
