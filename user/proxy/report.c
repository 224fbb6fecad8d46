// SPDX-License-Identifier: BSD-2-Clause
/* See report.h, and worker.bpf.c for the other side. */

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "jobfence/proxy.h"
#include "proxy/report.h"

void report_refusal(enum hook hook, enum reason reason, const char *name, size_t length,
	uint16_t port, uint32_t pid, const char *comm)
{
	struct refusal_report report = { .hook = (__u16)hook,
		.reason = (__u16)reason,
		.port = htons(port),
		.pid = pid };

	if (length >= sizeof(report.name))
		length = sizeof(report.name) - 1;
	memcpy(report.name, name, length);
	if (comm)
		memcpy(report.comm, comm, sizeof(report.comm));
	/* Any socket of the proxy's cgroup will do. The listening one is always there. */
	(void)setsockopt(
		FD_LISTENER4, SOL_JOBFENCE, PROXY_REFUSED, &report, sizeof(report));
}
