/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The numbers of all jobs as text that Prometheus reads. It has two formats, which name
 * counters differently. node_exporter and promtool read the older one only.
 */

#include <stdbool.h>
#include <stdio.h>

#include "lib/failure.h"

/*
 * Writes the metrics of this node: as OpenMetrics 1.0, or in the text format 0.0.4. Returns
 * 0, or -errno with the failure noted. Errors of the stream are the caller's.
 */
int metrics_write(FILE *out, bool openmetrics, struct failure *failure);
