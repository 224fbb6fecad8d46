/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Secrets that the proxy sets in requests of a job, which never holds them: what each is
 * called, where its value comes from, and which requests get it. Values are not here.
 */

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "jobfence/secrets.h"
#include "lib/failure.h"
#include "names/domains.h"
#include "node/paths.h"

struct secret {
	char name[SECRET_NAME_MAX + 1];
	/*
	 * The file with the value, absolute, and the user who may read it. Empty: a
	 * descriptor.
	 */
	char file[PATH_SIZE];
	uid_t uid;
	int fd; /* 0: none, or it was read */
	char field[SECRET_FIELD_SIZE];
	char before[SECRET_AROUND_SIZE], after[SECRET_AROUND_SIZE]; /* the value */
	struct request_rules uses;
};

/* In the order in which they were given. Empty if all its bytes are zero. */
struct secrets {
	struct secret *list;
	size_t count;
};

void secrets_free(struct secrets *secrets);

/* The secret of that name. NULL: there is none. */
struct secret *secrets_find(const struct secrets *secrets, const char *name, size_t length);

/*
 * Each of these adds to a set what a text says of one secret, in any order. They return 0,
 * or -errno with the failure noted, which never has a value in it.
 *
 *	secrets_add	    NAME=SOURCE@[METHODS ]HOST[/PATH], of file:PATH or fd:N
 *	secrets_add_header  NAME=FIELD: VALUE, with %s in VALUE
 */
int secrets_add(struct secrets *secrets, const char *text, struct failure *failure);
int secrets_add_header(struct secrets *secrets, const char *text, struct failure *failure);

/*
 * Sets another source of a secret that the set has: NAME=file:PATH or NAME=fd:N. NAME alone
 * leaves the file as it is. NULL with the failure noted: it makes no sense.
 */
struct secret *secrets_change(
	const struct secrets *secrets, const char *text, struct failure *failure);

/* Parts of these, for one secret. `who` is the user who may read the file. */
int secret_set_source(
	struct secret *secret, const char *text, uid_t who, struct failure *failure);
int secret_set_header(struct secret *secret, const char *text, struct failure *failure);
int secret_add_use(struct secret *secret, const char *text, struct failure *failure);

/* Adds an empty secret. NULL with the failure noted: the name is bad, or one too many. */
struct secret *secrets_new(
	struct secrets *secrets, const char *name, size_t length, struct failure *failure);

/*
 * Checks that each secret has a source and a use, and gives those without a header the
 * default one, `Authorization: Bearer %s`. `header` is that of the job, which no secret may
 * replace.
 */
int secrets_finish(struct secrets *secrets, const char *header, struct failure *failure);

/* The user as whom the caller may have files read: the one who called sudo, or the own. */
uid_t secret_caller(void);

/*
 * As JSON. With `sources`, as secrets_from_json() reads it for the record of a job. NULL:
 * there is no memory.
 */
json_t *secrets_to_json(const struct secrets *secrets, bool sources);
int secrets_from_json(struct secrets *secrets, const json_t *json);
