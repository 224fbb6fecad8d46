/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The head of an HTTP/1.1 message, and how that of a request is read. llhttp parses it
 * strictly. A head that could be read in two ways is an error, even if one of them is
 * right. http_answer.h reads responses. The code is pure: bytes in, slices out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proxy/buffer.h"
#include "proxy/slice.h"

#define HTTP_FIELDS_MAX	    128
#define HTTP_CONNECTION_MAX 32 /* tokens in Connection: each is compared with each field */

struct http_field {
	struct slice name, value;
};

/* How a message tells the end of its body (RFC 9112 section 6). */
enum http_framing {
	FRAMING_NONE,
	FRAMING_LENGTH,
	FRAMING_CHUNKED,
	FRAMING_CLOSE, /* by the end of the connection: responses only */
};

struct http_head {
	bool response;
	uint8_t minor;		     /* of the version 1.x */
	struct slice method, target; /* of a request */
	unsigned status;	     /* of a response */
	struct slice reason;
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t count;
	enum http_framing framing; /* by the fields alone */
	uint64_t content_length;   /* of FRAMING_LENGTH, in bytes */
	bool keep_alive;	   /* by version and Connection */
	bool websocket;		   /* Connection and Upgrade name a change to websocket */
	bool expect_continue;
	/*
	 * The response is not of the one form that all read alike. Its connection is of no
	 * more use.
	 */
	bool irregular;
};

/*
 * Finds the end of the head with which `length` bytes begin. `*scanned` is how many bytes
 * were looked at before, 0 at first.
 *
 * Returns the length of the head with the empty line. Returns 0 if the head is not whole
 * yet, or -EBADMSG if it can't become one.
 */
int http_head_find(const char *bytes, size_t length, size_t *scanned);

/*
 * Parses the whole head of a request, of `length` bytes. `head` then points into them. The
 * method is any token (RFC 9110 section 9.1). Returns 0, or
 *
 *	-EBADMSG  the head is malformed or ambiguous
 *	-E2BIG	  it has more than HTTP_FIELDS_MAX fields, or more than
 *		  HTTP_CONNECTION_MAX tokens in Connection
 */
int http_head_parse(const char *bytes, size_t length, struct http_head *head);

/* Empties a head. The array of its fields keeps its old content. */
void http_head_reset(struct http_head *head, bool response);

/*
 * Reads what the fields of a head say about its message: framing, connection, expectations.
 * A request may tell its framing once. A response may tell it twice, if RFC 9112 section
 * 6.3 says which one holds. Returns 0, -EBADMSG or -E2BIG as http_head_parse().
 */
int http_head_finish(struct http_head *head);

/* Whether a request has no body. It then has no length, or one of 0. */
static inline bool http_head_is_all(const struct http_head *head)
{
	return head->framing == FRAMING_NONE ||
	       (head->framing == FRAMING_LENGTH && !head->content_length);
}

/* Whether a request has this method. Methods are case-sensitive (RFC 9110 section 9.1). */
bool method_is(const struct slice *method, const char *name);

/*
 * Whether a slice is a token (RFC 9110 section 5.6.2), and whether it has no control bytes.
 */
bool slice_is_token(const struct slice *slice);
bool slice_is_clean(const struct slice *slice);

/* Removes blanks from both ends of a slice. */
void slice_trim(struct slice *slice);

/* Whether a slice is `text`, without regard to case. */
bool slice_is(const struct slice *slice, const char *text);

/* Whether the text is in a slice, in any case. It costs the product of the lengths. */
bool slice_contains(const struct slice *slice, const char *text);

/* Compares a name of the length of `name`, for field_is(). */
bool name_matches(const char *bytes, const char *name);

/*
 * Whether a field has this name. Some servers make a variable of a field, in which "_"
 * stands for all but letters and digits. RFC 3875 section 4.1.18 says so only of "-". So
 * there is no difference here between "-", "_", "." and the like.
 *
 * Most names differ in their lengths already. The compiler knows that of a constant name.
 */
static inline bool field_is(const struct http_field *field, const char *name)
{
	return field->name.length == strlen(name) && name_matches(field->name.bytes, name);
}

/*
 * Whether a field is for the next hop only, and so never passed on (RFC 9110 section
 * 7.6.1). It is one of the known ones, or one that the head's Connection names.
 */
bool field_is_hop_by_hop(const struct http_head *head, const struct http_field *field);

/*
 * Whether the fields have to do with a login that holds for the whole connection. Those of
 * NTLM and Negotiate do (RFC 4559), against RFC 9110 section 11.
 */
bool http_head_logs_in(const struct http_head *head);

/* Writes a field as a line. Returns whether it fitted. */
bool field_write(const struct http_field *field, struct buffer *out);
