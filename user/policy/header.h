/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Names of headers that the proxy adds. */

#include <stdbool.h>

#define HEADER_MAX 63 /* bytes of a name */

/* Whether the proxy may add a header of this name. HTTP itself needs some others. */
bool header_is_free(const char *name);
