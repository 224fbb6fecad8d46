// SPDX-License-Identifier: BSD-2-Clause
/* See first_word.h. */

#include <errno.h>
#include <poll.h>

#include "node/cgroup.h"
#include "node/first_word.h"

int first_word_wait(const char *cgroup, int pipe, int patience, const char *who,
	struct failure *failure)
{
	struct pollfd event = { .fd = pipe, .events = POLLIN };
	char frozen[PATH_SIZE];
	int count;

	do
		count = poll(&event, 1, patience);
	while (count < 0 && errno == EINTR);
	if (count > 0)
		return 0;
	if (count < 0)
		return fail(failure, -errno, "cannot wait for %s", who);
	if (cgroup_find_frozen(cgroup, frozen))
		return fail_as(failure, STATUS_FAILED,
			"%s can't run: cgroup %s is frozen; thaw it: echo 0 >%s/cgroup.freeze",
			who, frozen, frozen);
	return fail(failure, -ETIMEDOUT, "%s does not answer", who);
}
