/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Which of the two forms of a refusal a client wants, by its Accept. The code is pure. */

#include "proxy/http_head.h"

/*
 * Whether a client prefers application/json to text/plain (RFC 9110 section 12.5.1). If
 * both have the same weight, it gets JSON where it names that. Without any Accept, or if it
 * takes neither, it gets text. A media range that is malformed does not count. Its
 * parameters other than the weight do not, either: there is one JSON only.
 */
bool http_accepts_json(const struct http_head *head);
