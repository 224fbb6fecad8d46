// SPDX-License-Identifier: BSD-2-Clause
/* See failed_addresses.h. */

#include <string.h>

#include "jobfence/address.h"
#include "lib/clock.h"
#include "proxy/failed_addresses.h"

#define MEMORY (60 * SECOND)

static uint64_t failed_until(
	const struct failed_addresses *failed, const struct address *address)
{
	for (size_t i = 0; i < FAILED_MAX; i++)
		if (failed->rows[i].until &&
			address_equal(&failed->rows[i].address, address))
			return failed->rows[i].until;
	return 0;
}

void failed_addresses_note(
	struct failed_addresses *failed, const struct address *address, uint64_t now)
{
	size_t oldest = 0;

	failed_addresses_forget(failed, address);
	for (size_t i = 1; i < FAILED_MAX; i++)
		if (failed->rows[i].until < failed->rows[oldest].until)
			oldest = i;
	failed->rows[oldest].address = *address;
	failed->rows[oldest].until = now + MEMORY;
}

void failed_addresses_forget(struct failed_addresses *failed, const struct address *address)
{
	for (size_t i = 0; i < FAILED_MAX; i++)
		if (address_equal(&failed->rows[i].address, address))
			failed->rows[i].until = 0;
}

void failed_addresses_sort(const struct failed_addresses *failed, struct address *addresses,
	size_t count, uint64_t now)
{
	size_t good = 0;

	for (size_t i = 0; i < count; i++) {
		const struct address address = addresses[i];

		if (failed_until(failed, &address) > now)
			continue;
		memmove(addresses + good + 1, addresses + good,
			(i - good) * sizeof(*addresses));
		addresses[good++] = address;
	}
}
