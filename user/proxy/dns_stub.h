/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The job's DNS server. It answers allowed names with the proxy's virtual address. It never
 * forwards anything, so there is no tunnel through it. A name that is not allowed gets
 * NXDOMAIN, with an Extended DNS Error "Filtered" (RFC 8914 section 4.18, code 17). Its
 * text says why.
 */

#include "proxy/loop.h"
#include "proxy/request_log.h"
#include "proxy/rules.h"
#include "proxy/settings.h"

/*
 * Starts to serve the DNS descriptors of settings.h, over UDP and TCP. `log` gets a line
 * for each refusal that is recorded, and may be NULL. Returns 0 or -errno.
 */
int dns_stub_start(struct loop *loop, const struct proxy_settings *settings,
	struct rules *rules, struct request_log *log);
