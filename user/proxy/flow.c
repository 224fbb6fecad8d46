// SPDX-License-Identifier: BSD-2-Clause
/* See flow.h. A few empty pipes wait for the next flow. */

#include <fcntl.h>
#include <unistd.h>

#include "proxy/flow.h"

#define POOL_MAX 8

static int pool[POOL_MAX][2];
static int pooled;

bool flow_open(struct flow *flow)
{
	if (flow->pipe[0] >= 0)
		return true;
	if (pooled) {
		pooled--;
		flow->pipe[0] = pool[pooled][0];
		flow->pipe[1] = pool[pooled][1];
		return true;
	}
	if (pipe2(flow->pipe, O_NONBLOCK | O_CLOEXEC) == 0)
		return true;
	flow->pipe[0] = -1;
	return false;
}

void flow_close(struct flow *flow)
{
	if (flow->pipe[0] < 0)
		return;
	/* A pipe with bytes in it is not used again. */
	if (!flow->piped && pooled < POOL_MAX) {
		pool[pooled][0] = flow->pipe[0];
		pool[pooled][1] = flow->pipe[1];
		pooled++;
	} else {
		close(flow->pipe[0]);
		close(flow->pipe[1]);
	}
	flow->pipe[0] = -1;
	flow->piped = 0;
}
