/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the proxy of a job counted (jobfence/statistics.h), as `show` and `top` print it. */

#include <stdio.h>

#include "job/usage.h"

/* Prints it as lines of text. */
void statistics_print(FILE *to, const struct usage *usage);
