/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Rates in the notation of tc(8): a decimal number and a unit, in any case. Without a unit,
 * or with one that ends in "bit", it counts bits per second; with one that ends in "bps",
 * bytes. The unit's prefix is k, m, g or t, by thousands, or ki, mi, gi, ti, by 1024.
 */

#include <stdint.h>

#define RATE_MIN      8000ULL	     /* bits per second */
#define RATE_MAX      10000000000ULL /* bits per second */
#define RATE_TEXT_MAX 32	     /* with the NUL */
#define BITS_PER_BYTE 8

/*
 * Parses a rate into bits per second, rounded to a whole one. 0 in any unit means no limit.
 *
 * Returns 0; -EINVAL when it is no rate, -ERANGE when it is neither 0 nor from RATE_MIN to
 * RATE_MAX; then nothing is written.
 */
int rate_parse(const char *text, uint64_t *bits_per_second);

/* Writes a rate with the largest decimal unit that leaves a whole number: "1mbit",
 * "1500kbit"; "0" for no limit. */
void rate_format(uint64_t bits_per_second, char text[RATE_TEXT_MAX]);
