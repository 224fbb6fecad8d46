/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the proxy of a job remembers of names: the addresses, or that there are none. It has
 * room for NAMES_MAX names. A new one takes the place of the one that was used longest ago.
 * So a job that uses many names forgets only its own, and needs no more memory.
 *
 * Nothing here is a permission. A name is allowed, and its addresses are checked, each time
 * that they are used.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names/host.h"

#define NAMES_MAX     128
#define RESOLVED_MAX  8	 /* addresses of a name */
#define SECONDS_MAX   60 /* that addresses are remembered */
#define NEGATIVES_MAX 5	 /* seconds that it is remembered that there are none */

/* The result of a look-up. */
struct resolved {
	int error;	    /* 0, or as in struct lookup */
	int answer;	    /* the status of c-ares */
	struct address who; /* the resolver that gave the answer, or none */
	size_t count;
	struct address addresses[RESOLVED_MAX];
};

struct known_name {
	char name[NAME_LENGTH_MAX + 1];
	uint8_t length;	      /* of name. 0: unused */
	uint64_t used;	      /* number of the last use */
	uint64_t until;	      /* when `resolved` is too old, ns. 0: there is none */
	uint64_t asked_until; /* until then /etc/hosts is known not to have it, ns */
	struct resolved resolved;
};

struct name_cache {
	struct known_name names[NAMES_MAX];
	uint64_t uses;
};

/* Forgets all names. */
void name_cache_clear(struct name_cache *cache);

/*
 * Returns what is known of a host, which is no literal. It may be too old. If nothing is
 * known, returns a place for it.
 */
struct known_name *name_cache_get(struct name_cache *cache, const struct host *host);

/*
 * Keeps the result of a look-up for `seconds` from `now`, in ns, but not for longer than
 * SECONDS_MAX or NEGATIVES_MAX. A result that is a failure is not kept.
 */
void name_cache_keep(struct known_name *known, const struct resolved *resolved,
	uint32_t seconds, uint64_t now);
