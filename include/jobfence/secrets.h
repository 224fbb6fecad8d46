/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The secrets of a job, as the loader gives them to its proxy: a file in memory at
 * FD_SECRETS. The supervisor and the worker map it, so both see the same locked pages. It
 * alone has the values. They are in no settings, no record and no log.
 */

#include "jobfence/abi.h"

#define SECRETS_MAX	   8
#define SECRET_NAME_MAX	   32	/* bytes */
#define SECRET_VALUE_MIN   8	/* bytes. Shorter ones are part of too many other texts */
#define SECRET_VALUE_MAX   2040 /* bytes */
#define SECRET_FIELD_SIZE  64	/* bytes of a field's name, with a NUL */
#define SECRET_AROUND_SIZE 64	/* bytes before or after the value, with a NUL */
#define SECRET_USES_SIZE   1024 /* bytes of all uses */

struct secret_entry {
	char name[SECRET_NAME_MAX + 4];
	char field[SECRET_FIELD_SIZE];
	char before[SECRET_AROUND_SIZE], after[SECRET_AROUND_SIZE];
	/* Where it is set: canonical rules, each with a newline, zeros after them. */
	char uses[SECRET_USES_SIZE];
};

struct secret_value {
	__u32 length;			  /* 0: there is none */
	char bytes[SECRET_VALUE_MAX + 4]; /* the line end behind it is read, too */
};

struct secret_file {
	/* Of the structure. The proxy does not start with that of another build. */
	__u32 size;
	__u32 count;
	struct secret_entry entries[SECRETS_MAX];
	/* Which of the two values holds. The supervisor writes the other one, then this. */
	__u32 current[SECRETS_MAX];
	struct secret_value values[SECRETS_MAX][2];
};

/* Bytes that a proxy locks at most: two such files, and its authority. */
#define SECRETS_LOCKED	 196608
#define AUTHORITY_LOCKED 32768
#define PAGE_LARGEST	 65536 /* of arm64 and ppc64el */

_Static_assert(sizeof(struct secret_file) <= PAGE_LARGEST &&
		       AUTHORITY_LOCKED <= PAGE_LARGEST &&
		       SECRETS_LOCKED >= 3 * PAGE_LARGEST,
	"in whole pages");
