/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Addresses that could not be connected, or not before another one of the same site was.
 * For a while they are tried last.
 */

#include <stddef.h>
#include <stdint.h>

#include "jobfence/abi.h"

#define FAILED_MAX 32

/* A new address takes the place of the one that failed longest ago. */
struct failed_addresses {
	struct {
		struct address address;
		uint64_t until; /* ns. 0: unused */
	} rows[FAILED_MAX];
};

/* Notes that an address failed, or was connected. `now` is in ns. */
void failed_addresses_note(
	struct failed_addresses *failed, const struct address *address, uint64_t now);
void failed_addresses_forget(
	struct failed_addresses *failed, const struct address *address);

/* Moves addresses that failed after those that did not. Otherwise their order stays. */
void failed_addresses_sort(const struct failed_addresses *failed, struct address *addresses,
	size_t count, uint64_t now);
