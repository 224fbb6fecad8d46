/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The head of a site's response. Clients read more than the grammar allows, so the proxy
 * reads what RFC 9112 allows a proxy to read. The response is written anew in one form, so
 * its client sees none of it. Pure.
 */

#include "proxy/http_head.h"

/*
 * Whether `length` bytes begin with a whole head, whose lines end in CR LF or in LF (RFC
 * 9112 section 2.2). `*scanned` as in http_head_find(). Returns its length with the empty
 * line; 0: not yet; -EBADMSG: it can't become one.
 */
int http_answer_find(const char *bytes, size_t length, size_t *scanned);

/*
 * Parses a whole head of `length` bytes, which `head` then points into. Folded lines are
 * joined in place (section 5.2). What the grammar does not have sets `head->irregular`.
 * Returns 0, -EBADMSG or -E2BIG as http_head_parse().
 */
int http_answer_parse(char *bytes, size_t length, struct http_head *head);
