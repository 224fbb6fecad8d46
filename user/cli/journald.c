// SPDX-License-Identifier: BSD-2-Clause
/*
 * See journald.h. libsystemd is loaded when it is needed. Linked, it and its own
 * libraries would cost each command a millisecond.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cli/journald.h"
#include "lib/cleanup.h"
#include "lib/library.h"

#define LIBRARY	   "libsystemd.so.0"
#define SOCKET	   "/run/systemd/journal/socket"
#define PREFIX	   "JOBFENCE_"
#define FIELDS_MAX 32

struct entry {
	struct iovec fields[FIELDS_MAX];
	int count;
};

/* sd_journal_sendv(3) */
static int (*send_fields)(const struct iovec *fields, int count);

int journald_open(struct failure *failure)
{
	const struct library_function function = { "sd_journal_sendv",
		(void **)&send_fields };
	int error = library_load(LIBRARY, "--journal", &function, 1, failure);

	if (error)
		return error;
	/* Without this the library would drop entries without a word. */
	if (access(SOCKET, W_OK))
		return fail(failure, -errno, "cannot reach journald at " SOCKET);
	return 0;
}

static void entry_free(struct entry *entry)
{
	for (int i = 0; i < entry->count; i++)
		free(entry->fields[i].iov_base);
}

/* Adds a text NAME=value. Takes it over. NULL: there was no memory. */
static int add(struct entry *entry, char *text)
{
	if (!text)
		return -ENOMEM;
	if (entry->count == FIELDS_MAX) {
		free(text);
		return -E2BIG;
	}
	entry->fields[entry->count++] = (struct iovec){ text, strlen(text) };
	return 0;
}

static int add_format(struct entry *entry, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int add_format(struct entry *entry, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return add(entry, length < 0 ? NULL : text);
}

/* Strings as they are, other values as JSON. */
static int add_value(struct entry *entry, const char *key, const json_t *value)
{
	_free_ char *json = json_is_string(value)
				    ? NULL
				    : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT |
								JSON_ENSURE_ASCII);
	const char *text = json ? json : json_string_value(value);
	int error;

	if (json_is_null(value))
		return 0;
	error = text ? add_format(entry, PREFIX "%s=%s", key, text) : -ENOMEM;
	if (!error)
		for (char *at = entry->fields[entry->count - 1].iov_base; *at != '='; at++)
			*at = (char)toupper((unsigned char)*at);
	return error;
}

static int priority_of(const struct event *event)
{
	if (event->kind == EVENT_WORKER)
		return LOG_WARNING;
	return event->kind == EVENT_REFUSAL ? LOG_NOTICE : LOG_INFO;
}

/* The message as `jobfence events` prints it, without the time. */
static char *message_of(const struct event_shown *shown)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	fputs("MESSAGE=", file);
	event_print(file, shown);
	if (!fclose(file))
		return text;
	free(text);
	return NULL;
}

static int send_entry(struct entry *entry, int priority)
{
	int error = add_format(entry, "PRIORITY=%d", priority);

	if (!error)
		error = add_format(entry, "SYSLOG_IDENTIFIER=jobfence");
	return error ? error : send_fields(entry->fields, entry->count);
}

int journald_send(const struct event_shown *shown)
{
	_cleanup_(entry_free) struct entry entry = {};
	_json_ json_t *json = event_to_json(shown);
	int error = json ? add(&entry, message_of(shown)) : -ENOMEM;
	const char *key;
	json_t *value;

	json_object_foreach (json, key, value)
		if (!error)
			error = add_value(&entry, key, value);
	return error ? error : send_entry(&entry, priority_of(shown->event));
}

int journald_send_lost(uint64_t count)
{
	_cleanup_(entry_free) struct entry entry = {};
	int error = add_format(
		&entry, "MESSAGE=%llu events were lost", (unsigned long long)count);

	if (!error)
		error = add_format(&entry, PREFIX "KIND=lost");
	if (!error)
		error = add_format(&entry, PREFIX "COUNT=%llu", (unsigned long long)count);
	return error ? error : send_entry(&entry, LOG_WARNING);
}
