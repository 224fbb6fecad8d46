/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Rates in the notation of tc(8): a decimal number and a unit, in any case. A unit that
 * ends in "bps" counts bytes per second. One that ends in "bit" counts bits per second,
 * and so does a number without a unit. The prefix of a unit is k, m, g or t, by
 * thousands, or ki, mi, gi or ti, by 1024.
 */

#include <stdint.h>

#define RATE_MIN      8000ULL	     /* bits per second */
#define RATE_MAX      10000000000ULL /* bits per second */
#define RATE_TEXT_MAX 32	     /* with the NUL */
#define BITS_PER_BYTE 8

/*
 * Parses a rate into bits per second, rounded to a whole one. 0 in any unit means no
 * limit.
 *
 * Returns 0, -EINVAL if it is no rate, or -ERANGE if it is neither 0 nor from RATE_MIN to
 * RATE_MAX. On an error nothing is written.
 */
int rate_parse(const char *text, uint64_t *bits_per_second);

/*
 * Writes a rate with the largest decimal unit that leaves a whole number, such as "1mbit"
 * or "1500kbit". No limit is "0".
 */
void rate_format(uint64_t bits_per_second, char text[RATE_TEXT_MAX]);
