// SPDX-License-Identifier: BSD-2-Clause
/*
 * llhttp reads the chunks of requests. Before the first chunk it gets a head with
 * Transfer-Encoding. A piece of a chunk that arrives leaves as a chunk of its own. So the
 * output is at most CHUNK_OVERHEAD longer than what came in at once.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proxy/http_body.h"

#define CHUNK_OVERHEAD 24UL /* a length in hexadecimal, two line ends, the last chunk */
#define CHUNK_LEAST    5UL  /* the same of the shortest chunk but the last one */
#define TRAILER_MAX    8192
#define DROPPED_MAX \
	65536 /* bytes of extensions and the like beside as many as are useful */

/* llhttp is embedded in the body, so its address leads to the body. */
static struct http_body *body_of(llhttp_t *llhttp)
{
	return (struct http_body *)((char *)llhttp - offsetof(struct http_body, llhttp));
}

/* Returns 0, or -1 if there is no room. */
static int write_chunk(struct http_body *body, const char *at, size_t length)
{
	body->useful += length + CHUNK_LEAST;
	if (body->rechunk && !buffer_format(body->out, "%zx\r\n", length))
		return -1;
	if (!buffer_append(body->out, at, length))
		return -1;
	return !body->rechunk || buffer_append(body->out, "\r\n", 2) ? 0 : -1;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t length)
{
	return write_chunk(body_of(llhttp), at, length);
}

static int on_trailer(llhttp_t *llhttp, const char *at, size_t length)
{
	struct http_body *body = body_of(llhttp);

	(void)at;
	/* The head that starts llhttp counts as well, with 24 bytes. */
	body->trailer += length;
	return body->trailer > TRAILER_MAX ? -1 : 0;
}

static int write_last_chunk(struct http_body *body)
{
	body->complete = true;
	return body->rechunk && !buffer_append(body->out, "0\r\n\r\n", 5) ? -1 : 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
	return write_last_chunk(body_of(llhttp)) ? -1 : HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_body = on_body,
	.on_header_field = on_trailer,
	.on_header_value = on_trailer,
	.on_message_complete = on_message_complete,
};

static void begin(
	struct http_body *body, enum http_framing framing, uint64_t length, bool rechunk)
{
	body->framing = framing;
	body->rechunk = rechunk;
	body->left = length;
	body->trailer = 0;
	body->seen = body->useful = 0;
	body->answer = body->irregular = false;
	body->complete = framing == FRAMING_NONE || (framing == FRAMING_LENGTH && !length);
}

void http_body_begin(
	struct http_body *body, enum http_framing framing, uint64_t length, bool rechunk)
{
	static const char head[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

	begin(body, framing, length, rechunk);
	if (framing == FRAMING_CHUNKED) {
		llhttp_init(&body->llhttp, HTTP_REQUEST, &settings);
		llhttp_execute(&body->llhttp, head, sizeof(head) - 1);
	}
}

void http_body_begin_answer(
	struct http_body *body, enum http_framing framing, uint64_t length, bool rechunk)
{
	begin(body, framing, length, rechunk);
	body->answer = true;
	body->chunks = (struct http_chunks){ 0 };
}

static void move_bytes(
	struct http_body *body, struct buffer *in, struct buffer *out, uint64_t most)
{
	size_t length = buffer_length(in);

	if (length > buffer_space(out))
		length = buffer_space(out);
	if (length > most)
		length = (size_t)most;
	buffer_append(out, in->bytes + in->start, length);
	in->start += length;
	if (body->framing == FRAMING_LENGTH) {
		body->left -= length;
		body->complete = !body->left;
	}
}

bool http_body_pass(struct http_body *body, size_t length)
{
	if (body->framing == FRAMING_CHUNKED ||
		(body->framing == FRAMING_LENGTH && length > body->left))
		return false;
	if (body->framing == FRAMING_LENGTH) {
		body->left -= length;
		body->complete = !body->left;
	}
	return true;
}

uint64_t http_body_spliceable(const struct http_body *body)
{
	if (body->complete || body->framing == FRAMING_CHUNKED)
		return 0;
	if (body->framing == FRAMING_CLOSE)
		return UINT64_MAX;
	return body->left > BUFFER_SIZE ? body->left - BUFFER_SIZE / 2 : 0;
}

/* Bounds the bytes that are read and go no further. */
static int count_seen(struct http_body *body, size_t length)
{
	body->seen += length;
	return body->seen > 2 * body->useful + DROPPED_MAX ? -EBADMSG : 0;
}

/*
 * Moves the chunks of a response, in pieces of data. Chunks with LF alone are shorter than
 * what is written, so there may be room for some only. Returns 0 or -EBADMSG. `*length`
 * becomes how many bytes were read.
 */
static int move_answer_chunks(struct http_body *body, const char *bytes, size_t *length)
{
	struct http_chunks *chunks = &body->chunks;
	size_t at = 0, space;

	while (at < *length && chunks->state < CHUNK_COMPLETE &&
		(space = buffer_space(body->out)) >= 2 * CHUNK_OVERHEAD) {
		bool trailer = chunks->state == CHUNK_TRAILER;
		size_t most = *length - at, data, read;

		if (most > space - CHUNK_OVERHEAD)
			most = space - CHUNK_OVERHEAD;
		read = http_chunks_read(chunks, bytes + at, most, &data);
		at += read;
		body->trailer += trailer ? read : 0;
		if (body->trailer > TRAILER_MAX ||
			(data && write_chunk(body, bytes + at - data, data)))
			return -EBADMSG;
	}
	*length = at;
	body->irregular = chunks->irregular;
	if (chunks->state == CHUNK_MALFORMED)
		return -EBADMSG;
	if (chunks->state == CHUNK_COMPLETE)
		return write_last_chunk(body) ? -EBADMSG : 0;
	return count_seen(body, at);
}

/* Does the same for a request. */
static int move_request_chunks(struct http_body *body, const char *bytes, size_t *length)
{
	enum llhttp_errno error = llhttp_execute(&body->llhttp, bytes, *length);

	if (error == HPE_OK)
		return count_seen(body, *length);
	if (error != HPE_PAUSED || !body->complete)
		return -EBADMSG;
	*length = (size_t)(llhttp_get_error_pos(&body->llhttp) - bytes);
	return 0;
}

/* Every piece of a chunk may cost more than itself, so leave CHUNK_OVERHEAD of the room. */
static int move_chunks(struct http_body *body, struct buffer *in, struct buffer *out)
{
	size_t space = buffer_space(out), length = buffer_length(in);
	const char *bytes = in->bytes + in->start;
	int error;

	if (space < 2 * CHUNK_OVERHEAD)
		return 0;
	if (length > space - CHUNK_OVERHEAD)
		length = space - CHUNK_OVERHEAD;
	body->out = out;
	error = body->answer ? move_answer_chunks(body, bytes, &length)
			     : move_request_chunks(body, bytes, &length);
	body->out = NULL;
	if (!error)
		in->start += length;
	return error;
}

int http_body_move(struct http_body *body, struct buffer *in, struct buffer *out)
{
	if (body->complete || !buffer_length(in))
		return 0;
	switch (body->framing) {
	case FRAMING_CHUNKED:
		return move_chunks(body, in, out);
	case FRAMING_LENGTH:
		move_bytes(body, in, out, body->left);
		return 0;
	default:
		move_bytes(body, in, out, UINT64_MAX);
		return 0;
	}
}
