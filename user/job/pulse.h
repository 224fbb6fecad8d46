/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Whether the proxy of a job answers. The proxy is asked only when somebody wants to
 * know, since a heartbeat would wake every idle proxy. The question is a connection
 * that did not come through the fence. A healthy worker closes it at once.
 */

#include <stdbool.h>
#include <stddef.h>

#include "job/health.h"

#define PULSE_PATIENCE 2000 /* ms */
#define PULSES_MAX     64

struct pulse {
	int fd;
	bool answered;
};

/*
 * Asks the proxy of a job that is up. Returns 0, with a descriptor that pulses_wait()
 * closes. Returns -EHOSTDOWN if a process of the proxy is stopped or frozen. Any other
 * -errno means that the proxy can't be asked, and says nothing about the proxy.
 */
int pulse_begin(const struct job *job, struct pulse *pulse);

/*
 * Waits for the answers to `count` questions, at most PULSES_MAX, and notes which ones
 * came. Waits at most PULSE_PATIENCE for all of them together.
 */
void pulses_wait(struct pulse *pulses, size_t count);

/*
 * Does the same as job_condition(), and asks the proxy of a job that is up. If the
 * proxy does not answer in PULSE_PATIENCE, the job is CONDITION_STUCK. Only root can
 * ask. Other callers get what job_condition() says.
 */
enum condition job_condition_asked(const struct job *job);
