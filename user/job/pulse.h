/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Whether the proxy of a job answers. It is asked when somebody wants to know: a heartbeat would wake every idle proxy. The
 * question is a connection that did not come through the fence, which a worker that is well closes at once.
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

/* Asks the proxy of a job that is up. Returns 0, with a descriptor that pulses_wait() closes; -EHOSTDOWN where a process of the
 * proxy is stopped or frozen; or -errno where it can't be asked, which says nothing of the proxy. */
int pulse_begin(const struct job *job, struct pulse *pulse);

/* Waits for the answers to so many questions, PULSES_MAX at most, together no longer than PULSE_PATIENCE. Notes which came. */
void pulses_wait(struct pulse *pulses, size_t count);

/* The same as job_condition(), or CONDITION_STUCK where the job is up and its proxy does not answer. Takes PULSE_PATIENCE then.
 * For root: others are told what job_condition() says. */
enum condition job_condition_asked(const struct job *job);
