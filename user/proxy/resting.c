// SPDX-License-Identifier: BSD-2-Clause
/* See resting.h. */

#include <errno.h>
#include <stddef.h>

#include "lib/clock.h"
#include "proxy/resting.h"

#define REST_MAX (4 * SECOND)
#define MEMORY	 (8 * SECOND) /* after a rest. A site that fails by then rests longer */

/* If a job finds two names of one key, they rest together. */
static uint64_t key_of(const struct host *host, uint16_t port)
{
	uint64_t key = host_hash(host) ^ port;

	return key ? key : 1;
}

static bool is_of_the_site(int status)
{
	return status == -ECONNREFUSED || status == -ECONNRESET || status == -ETIMEDOUT ||
	       status == -EHOSTUNREACH || status == -ENETUNREACH;
}

const struct resting_site *resting_find(
	const struct resting *resting, const struct host *host, uint16_t port, uint64_t now)
{
	uint64_t key = key_of(host, port);
	const struct resting_site *site = &resting->sites[key % RESTING_MAX];

	return site->key == key && now < site->until ? site : NULL;
}

void resting_note(struct resting *resting, const struct host *host, uint16_t port,
	int status, const struct address *address, uint64_t now)
{
	uint64_t key = key_of(host, port);
	struct resting_site *site = &resting->sites[key % RESTING_MAX];
	uint64_t rest = SECOND;

	/* Several tries may fail together. */
	if (!is_of_the_site(status) || (site->key == key && now < site->until))
		return;
	if (site->key == key && now < site->until + MEMORY)
		rest = site->rest < REST_MAX ? 2 * site->rest : REST_MAX;
	*site = (struct resting_site){ key, now + rest, rest, status, *address };
}

void resting_forget(struct resting *resting, const struct host *host, uint16_t port)
{
	uint64_t key = key_of(host, port);
	struct resting_site *site = &resting->sites[key % RESTING_MAX];

	if (site->key == key)
		*site = (struct resting_site){};
}
