/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The words that may come next on a command line: what completion offers. */

#include "lib/failure.h"

/*
 * Prints the candidates for the last of `words`, which follow `jobfence` on the line. The
 * last may be empty or the beginning of a word. A candidate is a line: the word, or the
 * word, a tab and what it means. The line `:files` stands for the names of files, and
 * `:commands` for programs.
 *
 * bash splits --option=value into three words, so a word may be a lone "=".
 *
 * Returns 0, or -errno with the failure noted.
 */
int candidates_print(char **words, int count, struct failure *failure);
