/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdio.h>
#include <stdlib.h>

/* Ends a fuzz target if a condition that has to hold does not. */
#define require(condition) \
	((condition) ? (void)0 \
		     : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, \
				#condition), \
			       abort()))
