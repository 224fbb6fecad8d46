/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Numbers as text, without what printf(3) costs. */

#include <stdint.h>
#include <string.h>

#define DECIMAL_SIZE 20 /* digits of UINT64_MAX */

/* Writes a number, without a NUL. Returns the end of what it wrote. */
static inline char *decimal_write(char *to, uint64_t number)
{
	char digits[DECIMAL_SIZE];
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + number % 10);
	while (number /= 10);
	return mempcpy(to, digits + i, sizeof(digits) - i);
}
