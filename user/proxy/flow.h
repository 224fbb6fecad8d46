/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One direction of a connection whose bytes are spliced. It has a pipe only while bytes are
 * in it. So an idle tunnel costs nothing but its two sockets.
 */

#include <stdbool.h>
#include <stddef.h>

struct flow {
	int pipe[2];   /* -1: none */
	size_t piped;  /* bytes in it */
	bool finished; /* of a tunnel: the end was passed on */
};

/* Gives the flow a pipe, if it has none. Returns false if there is none left. */
bool flow_open(struct flow *flow);

/* Takes the pipe away. Bytes in it are lost. */
void flow_close(struct flow *flow);
