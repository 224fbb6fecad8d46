/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The head of a site's response. Clients read more than the grammar allows, so the proxy
 * reads what RFC 9112 allows a proxy to read. It writes the response anew in one form, so
 * its client sees none of that. The code is pure.
 */

#include "proxy/http_head.h"

/*
 * Finds the end of the head with which `length` bytes begin. Its lines end in CR LF or in
 * LF (RFC 9112 section 2.2). `*scanned` is that of http_head_find().
 *
 * Returns the length of the head with the empty line. Returns 0 if the head is not whole
 * yet, or -EBADMSG if it can't become one.
 */
int http_answer_find(const char *bytes, size_t length, size_t *scanned);

/*
 * Parses a whole head of `length` bytes. `head` then points into them. Folded lines are
 * joined in place (section 5.2). Anything that the grammar does not have sets
 * `head->irregular`. Returns 0, -EBADMSG or -E2BIG as http_head_parse().
 */
int http_answer_parse(char *bytes, size_t length, struct http_head *head);
