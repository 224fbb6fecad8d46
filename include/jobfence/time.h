/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Units of time, in nanoseconds. */

#define SECOND	    1000000000ULL
#define MILLISECOND 1000000ULL
