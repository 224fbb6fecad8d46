// SPDX-License-Identifier: BSD-2-Clause
/* See secret_store.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "jobfence/secrets.h"
#include "lib/hexadecimal.h"
#include "lib/locked.h"
#include "names/request_rule.h"
#include "proxy/secret_store.h"
#include "proxy/settings.h"

#define ENCODINGS 4 /* of a text. One in an address in an address has two */

struct secret_store {
	const struct secret_file *file;
	bool mapped; /* by us */
	struct request_rules uses[SECRETS_MAX];
	char decoded[BUFFER_SIZE]; /* zero, but for the time of a search */
};

static bool is_given(struct stat *status)
{
	return !fstat(FD_SECRETS, status) && S_ISREG(status->st_mode);
}

bool secret_store_given(void)
{
	struct stat status;

	return is_given(&status);
}

int secret_store_new(const struct secret_file *file, struct secret_store **store)
{
	struct secret_store *new;
	int error = 0;

	if (file->size != sizeof(*file) || file->count > SECRETS_MAX)
		return -EPROTO;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->file = file;
	for (size_t i = 0; !error && i < file->count; i++)
		error = request_rules_read(&new->uses[i], file->entries[i].uses,
			sizeof(file->entries[i].uses));
	if (error)
		secret_store_free(new);
	else
		*store = new;
	return error;
}

int secret_store_open(struct secret_store **store)
{
	const struct secret_file *file = NULL;
	struct stat status;
	int error;

	*store = NULL;
	if (!is_given(&status))
		return 0;
	if (status.st_size != sizeof(*file))
		return -EPROTO;
	error = locked_map(FD_SECRETS, sizeof(*file), false, &file);
	if (error)
		return error;
	error = secret_store_new(file, store);
	if (error) {
		locked_unmap(file, sizeof(*file));
		return error;
	}
	(*store)->mapped = true;
	buffers_wipe();
	return 0;
}

void secret_store_free(struct secret_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < SECRETS_MAX; i++)
		request_rules_free(&store->uses[i]);
	if (store->mapped)
		locked_unmap(store->file, sizeof(*store->file));
	free(store);
}

bool secret_store_names(const struct secret_store *store, const struct host *host)
{
	for (size_t i = 0; store && i < store->file->count; i++)
		if (request_rules_name(&store->uses[i], host))
			return true;
	return false;
}

unsigned secret_store_due(const struct secret_store *store, const struct host *host,
	const struct slice *method, const struct slice *path)
{
	unsigned due = 0;

	for (size_t i = 0; store && i < store->file->count; i++)
		if (request_rules_name(&store->uses[i], host) &&
			request_rules_allow(&store->uses[i], host, method->bytes,
				method->length, path->bytes, path->length))
			due |= 1U << i;
	return due;
}

/* The supervisor writes a new value beside the one that holds, and then the number. */
static const struct secret_value *value_of(const struct secret_store *store, size_t secret)
{
	__u32 current = __atomic_load_n(&store->file->current[secret], __ATOMIC_ACQUIRE);

	return &store->file->values[secret][current & 1];
}

const char *secret_store_missing(const struct secret_store *store, unsigned due)
{
	for (size_t i = 0; store && i < store->file->count; i++)
		if (due & 1U << i && !value_of(store, i)->length)
			return store->file->entries[i].name;
	return NULL;
}

bool secret_store_replaces(const struct secret_store *store, const struct host *host,
	const struct http_field *field)
{
	for (size_t i = 0; store && i < store->file->count; i++)
		if (field_is(field, store->file->entries[i].field) &&
			request_rules_name(&store->uses[i], host))
			return true;
	return false;
}

static bool write_one(const struct secret_store *store, size_t secret, struct buffer *out)
{
	const struct secret_entry *entry = &store->file->entries[secret];
	const struct secret_value *value = value_of(store, secret);

	return value->length <= SECRET_VALUE_MAX && buffer_append_text(out, entry->field) &&
	       buffer_append_text(out, ": ") && buffer_append_text(out, entry->before) &&
	       buffer_append(out, value->bytes, value->length) &&
	       buffer_append_text(out, entry->after) && buffer_append_text(out, "\r\n");
}

bool secret_store_write(const struct secret_store *store, unsigned due, struct buffer *out)
{
	bool fits = true;

	for (size_t i = 0; fits && store && i < store->file->count; i++)
		if (due & 1U << i)
			fits = write_one(store, i, out);
	return fits;
}

/*
 * Whether a value is there. It may have words, such as "Token" before a key, and the site
 * may show the key alone. So each word counts that is as long as a value has to be.
 */
static bool has(const char *bytes, size_t length, const struct secret_value *value)
{
	const char *word = value->bytes, *end = word + value->length, *blank;
	bool any = false;

	for (; word < end; word = blank + 1) {
		blank = memchr(word, ' ', (size_t)(end - word));
		if (!blank)
			blank = end;
		if (blank - word < SECRET_VALUE_MIN)
			continue;
		any = true;
		if (memmem(bytes, length, word, (size_t)(blank - word)))
			return true;
	}
	return !any && memmem(bytes, length, value->bytes, value->length);
}

/* The value before an update may still open the site, so it counts, too. */
static bool has_any(const struct secret_store *store, const char *bytes, size_t length)
{
	for (size_t i = 0; i < store->file->count; i++)
		for (size_t k = 0; k < 2; k++) {
			const struct secret_value *value = &store->file->values[i][k];

			if (value->length && value->length <= SECRET_VALUE_MAX &&
				has(bytes, length, value))
				return true;
		}
	return false;
}

/*
 * Decodes what is encoded. Returns the length. The text has at most BUFFER_SIZE bytes, and
 * may be in the same place.
 */
static size_t decode(const struct slice *text, char *decoded)
{
	size_t length = 0;

	for (size_t i = 0; i < text->length; i++) {
		char c = text->bytes[i];

		if (c == '%' && text->length - i > 2 &&
			hexadecimal_digit(text->bytes[i + 1]) >= 0 &&
			hexadecimal_digit(text->bytes[i + 2]) >= 0) {
			c = (char)(hexadecimal_digit(text->bytes[i + 1]) << 4 |
				   hexadecimal_digit(text->bytes[i + 2]));
			i += 2;
		}
		decoded[length++] = c;
	}
	return length;
}

bool secret_store_is_in(struct secret_store *store, const struct slice *text)
{
	struct slice left;
	bool found;

	if (!store || !text->length)
		return false;
	found = has_any(store, text->bytes, text->length);
	if (found || text->length > sizeof(store->decoded))
		return found;
	left = *text;
	for (unsigned i = 0;
		!found && i < ENCODINGS && memchr(left.bytes, '%', left.length); i++) {
		left = (struct slice){ store->decoded, decode(&left, store->decoded) };
		found = has_any(store, left.bytes, left.length);
	}
	if (left.bytes == store->decoded)
		explicit_bzero(store->decoded, text->length);
	return found;
}
