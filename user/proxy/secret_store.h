/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The secrets of the job (jobfence/secrets.h) as the worker uses them. Only requests inside
 * opened TLS get any. Without secrets there is no store, and a NULL is one that has none.
 */

#include <stdbool.h>
#include <stddef.h>

#include "jobfence/secrets.h"
#include "names/host.h"
#include "proxy/buffer.h"
#include "proxy/http_head.h"

struct secret_store;

/* Whether the loader gave secrets, at FD_SECRETS. */
bool secret_store_given(void);

/*
 * Maps them. From then on each buffer is wiped when it is released. `*store` is NULL if the
 * job has none. Returns 0, -EPROTO for those of another build, or -errno.
 */
int secret_store_open(struct secret_store **store);

/* Reads the uses of a file that is mapped already, for secret_store_open() and tests. */
int secret_store_new(const struct secret_file *file, struct secret_store **store);
void secret_store_free(struct secret_store *store);

/* Whether a secret is for some requests to this host. */
bool secret_store_names(const struct secret_store *store, const struct host *host);

/*
 * The secrets that a request gets, one bit each. The path is canonical and has no query.
 */
unsigned secret_store_due(const struct secret_store *store, const struct host *host,
	const struct slice *method, const struct slice *path);

/* The name of one of these secrets that has no value. NULL: all have one. */
const char *secret_store_missing(const struct secret_store *store, unsigned due);

/*
 * Whether the job's own field gives way to a secret of that host, be it due or not. So a
 * job sends no key of its own there.
 */
bool secret_store_replaces(const struct secret_store *store, const struct host *host,
	const struct http_field *field);

/* Writes the fields of these secrets. Returns whether they fitted. */
bool secret_store_write(const struct secret_store *store, unsigned due, struct buffer *out);

/*
 * Whether a text of the site has a value in it, or a long word of one, as it is or with
 * percent-encoding, also of what is encoded already.
 */
bool secret_store_is_in(struct secret_store *store, const struct slice *text);
