/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Unmaps the pages of code and constants, of the program and its libraries, that are as the
 * files have them. Those that are used again come back from the page cache. So the memory
 * of a process does not have what its start alone needed.
 */
void code_pages_give_back(void);
