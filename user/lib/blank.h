/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What separates words of a line. */

#include <stdbool.h>

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}
