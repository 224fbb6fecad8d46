// SPDX-License-Identifier: BSD-2-Clause
/* See certificate_names.h. */

#include "proxy/certificate_names.h"

#include <errno.h>
#include <stdbool.h>

#include <openssl/asn1.h>
#include <openssl/err.h>

/* What is left of a value. */
struct rest {
	const unsigned char *at;
	long length;
};

/* Reads the header of the next value. Returns whether it has this tag, and is whole. */
static bool enter(struct rest *rest, int tag, int class, struct rest *value)
{
	const unsigned char *at = rest->at;
	int found_tag, found_class;
	long length;
	int form = ASN1_get_object(&at, &length, &found_tag, &found_class, rest->length);

	/* 0x80: it is malformed. 1: its length is not known, which DER has not. */
	if (form & 0x80 || form & 1 || found_tag != tag || found_class != class) {
		ERR_clear_error();
		return false;
	}
	*value = (struct rest){ at, length };
	rest->length -= (at - rest->at) + length;
	rest->at = at + length;
	return rest->length >= 0;
}

static bool skip(struct rest *rest, int tag, int class)
{
	struct rest ignored;

	return enter(rest, tag, class, &ignored);
}

int certificate_find_names(
	const unsigned char *bytes, long length, struct certificate_names *names)
{
	struct rest all = { bytes, length }, certificate, content;

	if (!enter(&all, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &certificate) || all.length ||
		!enter(&certificate, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &content))
		return -EINVAL;
	/* The version is missing in the first. */
	(void)skip(&content, 0, V_ASN1_CONTEXT_SPECIFIC);
	if (!skip(&content, V_ASN1_INTEGER, V_ASN1_UNIVERSAL) ||      /* its number */
		!skip(&content, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL) || /* algorithm */
		!skip(&content, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL) || /* issuer */
		!skip(&content, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL))   /* validity */
		return -EINVAL;
	names->subject = content.at;
	if (!skip(&content, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL))
		return -EINVAL;
	names->subject_length = content.at - names->subject;
	return 0;
}
