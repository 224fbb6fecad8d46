// SPDX-License-Identifier: BSD-2-Clause
/* See printable.h. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/printable.h"

/* The length of the UTF-8 character that begins with this byte. 0: no character does. */
static size_t length_after(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/*
 * Characters that show nothing or change how text is shown, by the Unicode Standard 15.
 */
static bool is_harmful(uint32_t character)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0, 0x1f },	      /* C0 */
		{ 0x7f, 0x9f },	      /* DEL, C1 */
		{ 0xad, 0xad },	      /* soft hyphen */
		{ 0x61c, 0x61c },     /* Arabic letter mark */
		{ 0x180e, 0x180e },   /* vowel separator */
		{ 0x200b, 0x200f },   /* zero width, left-to-right mark */
		{ 0x2028, 0x202e },   /* separators, bidirectional embeddings */
		{ 0x2060, 0x206f },   /* bidirectional isolates, deprecated ones */
		{ 0xd800, 0xdfff },   /* surrogates, which UTF-8 lacks */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xfff9, 0xfffb },   /* annotations */
		{ 0xe0000, 0xe0fff }, /* tags */
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	return character > 0x10ffff;
}

/*
 * Reads a character of `*length` bytes. Returns whether it may be shown. `*cut`: the text
 * ends within it.
 */
static bool read_character(const char *text, size_t left, size_t *length, bool *cut)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	const size_t whole = length_after(bytes[0]);
	uint32_t character = whole > 1 ? bytes[0] & (0x7fU >> whole) : bytes[0];
	size_t i;

	for (i = 1; i < whole && i < left && (bytes[i] & 0xc0) == 0x80; i++)
		character = character << 6 | (bytes[i] & 0x3f);
	*cut = i == left && i < whole;
	*length = i < whole || !whole ? 1 : whole;
	return whole && i == whole && character >= least[whole] && !is_harmful(character);
}

void make_printable(char *text)
{
	size_t left = strlen(text), length;
	char *to = text;
	bool cut;

	for (; left; text += length, left -= length) {
		bool good = read_character(text, left, &length, &cut);

		if (cut)
			break;
		if (good)
			memmove(to, text, length);
		else
			*to = '?';
		to += good ? length : 1;
	}
	*to = '\0';
}

void print_foreign(FILE *file, const char *text, size_t length)
{
	_free_ char *copy = strndup(text, length);

	if (!copy)
		return;
	make_printable(copy);
	fputs(copy, file);
}

const char *printable(const char *text, char out[PRINTABLE_SIZE])
{
	snprintf(out, PRINTABLE_SIZE, "%s", text);
	make_printable(out);
	return out;
}
