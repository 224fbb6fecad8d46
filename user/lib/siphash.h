/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a hash under a secret key. Without the key
 * nobody can find bytes with the same hash as other bytes. Bytes may come in pieces.
 */

#include <stddef.h>
#include <stdint.h>

struct siphash {
	uint64_t v[4], word; /* `word`: the last `length` % 8 bytes */
	size_t length;	     /* of all bytes so far */
};

/* Begins the hash of nothing under `key`. */
void siphash_begin(struct siphash *hash, const uint64_t key[2]);

/* Appends bytes. `bytes` may be NULL if `length` is 0. */
void siphash_add(struct siphash *hash, const void *bytes, size_t length);

/* Returns the hash of all bytes. Call siphash_begin() before `hash` is used again. */
uint64_t siphash_end(struct siphash *hash);
