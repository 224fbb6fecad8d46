/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The value of a hexadecimal digit, in either case, or -1. */
static inline int hexadecimal_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}
