// SPDX-License-Identifier: BSD-2-Clause
/* See secret_verdict.h. */

#include "secret_verdict.h"

#include <string.h>

#include "names/request_path.h"

static bool has_secret(const char *bytes, size_t length)
{
	return length && memmem(bytes, length, WORLD_SECRET, strlen(WORLD_SECRET));
}

void secret_require_set(const struct reading *heard, const struct message *message,
	const struct origin_server *origin)
{
	const struct slice *target = &message->target;
	size_t length = request_path_length(target->bytes, target->length), count = 0;
	bool keeps = world_keeps_secret(&origin->host);
	bool due = keeps && origin->far && length >= 2 && !memcmp(target->bytes, "/s", 2) &&
		   (length == 2 || target->bytes[2] == '/');

	for (size_t i = 0; keeps && i < message->count; i++) {
		const struct http_field *field = &heard->fields[message->first + i];

		if (!field_is(field, "Authorization"))
			continue;
		count++;
		require(slice_is(&field->value, "Bearer " WORLD_SECRET));
	}
	require(!keeps || count == due);
	require(!world_keeps_secret(&origin->host) || !slice_is(&message->method, "TRACE"));
}

/* Whether an end said the secret itself. Nobody keeps it then. */
static bool is_known(const struct world *world)
{
	for (size_t i = 0; i < world->count; i++) {
		const struct client *client = &world->clients[i];

		if (has_secret(client->said.bytes, client->said.length))
			return true;
		for (size_t k = 0; k < client->count; k++)
			if (has_secret(client->origins[k].said.bytes,
				    client->origins[k].said.length))
				return true;
	}
	return false;
}

void secret_require_kept(const struct world *world)
{
	if (is_known(world))
		return;
	for (size_t i = 0; i < world->count; i++) {
		const struct client *client = &world->clients[i];

		require(!has_secret(client->heard.bytes, client->heard.length));
		for (size_t k = 0; k < client->count; k++) {
			const struct origin_server *origin = &client->origins[k];

			require((origin->far && world_keeps_secret(&origin->host)) ||
				!has_secret(origin->heard.bytes, origin->heard.length));
		}
	}
}
