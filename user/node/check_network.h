/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What a proxy needs of the node's network and clock. */

#include "lib/findings.h"

/*
 * Adds findings about the resolvers and the clock. Asks each resolver one question, for
 * the name servers of the root, and waits 2 s at most for all of them.
 */
void check_network(struct findings *findings);
