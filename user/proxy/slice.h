/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A part of a message: bytes that somebody else owns. */

#include <stddef.h>

struct slice {
	const char *bytes;
	size_t length;
};
