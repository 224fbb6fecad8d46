// SPDX-License-Identifier: BSD-2-Clause
/* See siphash.h. Names and constants are those of the paper. */

#include "lib/siphash.h"

#define ROUNDS	     2 /* for each word of the message */
#define ROUNDS_AFTER 4

static uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4], int rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void add_word(struct siphash *hash)
{
	hash->v[3] ^= hash->word;
	mix(hash->v, ROUNDS);
	hash->v[0] ^= hash->word;
	hash->word = 0;
}

void siphash_begin(struct siphash *hash, const uint64_t key[2])
{
	*hash = (struct siphash){
		.v = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 },
	};
}

void siphash_add(struct siphash *hash, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	while (length--) {
		hash->word |= (uint64_t)*byte++ << 8 * (hash->length % 8);
		if (++hash->length % 8 == 0)
			add_word(hash);
	}
}

uint64_t siphash_end(struct siphash *hash)
{
	hash->word |= (uint64_t)hash->length << 56;
	add_word(hash);
	hash->v[2] ^= 0xff;
	mix(hash->v, ROUNDS_AFTER);
	return hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
}
