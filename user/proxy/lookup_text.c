// SPDX-License-Identifier: BSD-2-Clause
/* The text that tells people why a look-up failed. */

#include <ares.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "names/address.h"
#include "proxy/resolve.h"

const char *lookup_explain(const struct lookup *lookup, char text[LOOKUP_TEXT_SIZE])
{
	static const struct {
		int status;
		const char *text;
	} rows[] = {
		{ ARES_ESERVFAIL, "answered SERVFAIL" },
		{ ARES_EREFUSED, "answered REFUSED" },
		{ ARES_ENOTIMP, "answered NOTIMP" },
		{ ARES_EFORMERR, "answered FORMERR" },
		{ ARES_EBADRESP, "gave an answer that is malformed" },
		{ ARES_ETIMEOUT, "did not answer" },
		{ ARES_ECONNREFUSED, "can't be reached" },
	};
	const char *what = "could not be asked";
	char address[ADDRESS_TEXT_MAX];

	if (lookup->answer == ARES_ENOTFOUND || lookup->answer == ARES_EBADNAME)
		return "there is no such name";
	if (lookup->answer == ARES_ENODATA || lookup->answer == ARES_SUCCESS)
		return "the name has no address";
	if (lookup->answer == ARES_ETIMEOUT && lookup->many)
		return "the node's resolvers did not answer";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].status == lookup->answer)
			what = rows[i].text;
	address_format(&lookup->who, address);
	snprintf(text, LOOKUP_TEXT_SIZE, "the node's resolver %s %s", address, what);
	return text;
}
