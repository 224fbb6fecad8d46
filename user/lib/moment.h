/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Formats when and how something ended. */

#include <stdint.h>

#define MOMENT_TEXT_MAX 32
#define ENDING_TEXT_MAX 64

/* Formats a time of CLOCK_BOOTTIME, in ns, as UTC: 2026-11-25T00:45:34Z (RFC 3339). */
void moment_format(uint64_t boottime, char text[MOMENT_TEXT_MAX]);

/* The same for a time of CLOCK_REALTIME, in ns since 1970. */
void moment_format_real(uint64_t realtime, char text[MOMENT_TEXT_MAX]);

/* Formats a status of wait(2): "signal 9 (Killed)" or "status 1". */
void ending_format(int status, char text[ENDING_TEXT_MAX]);
