// SPDX-License-Identifier: BSD-2-Clause
/* See secret.h. */

#include "policy/secret.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/printable.h"
#include "policy/header.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define HEADER_OF_MOST	"Authorization: Bearer %s"
#define FILE_SOURCE	"file:"
#define FD_SOURCE	"fd:"

static void secret_free(struct secret *secret)
{
	request_rules_free(&secret->uses);
}

void secrets_free(struct secrets *secrets)
{
	for (size_t i = 0; i < secrets->count; i++)
		secret_free(&secrets->list[i]);
	free(secrets->list);
	*secrets = (struct secrets){};
}

struct secret *secrets_find(const struct secrets *secrets, const char *name, size_t length)
{
	for (size_t i = 0; i < secrets->count; i++)
		if (strlen(secrets->list[i].name) == length &&
			!memcmp(secrets->list[i].name, name, length))
			return &secrets->list[i];
	return NULL;
}

struct secret *secrets_new(
	struct secrets *secrets, const char *name, size_t length, struct failure *failure)
{
	struct secret *list;

	if (!length || length > SECRET_NAME_MAX || strspn(name, NAME_CHARACTERS) < length) {
		fail_as(failure, STATUS_USAGE,
			"a secret's name is 1 to %d of a-z A-Z 0-9 _ -", SECRET_NAME_MAX);
		return NULL;
	}
	if (secrets->count == SECRETS_MAX) {
		fail_as(failure, STATUS_USAGE, "a job has at most %d secrets", SECRETS_MAX);
		return NULL;
	}
	list = reallocarray(secrets->list, secrets->count + 1, sizeof(*list));
	if (!list) {
		fail(failure, -ENOMEM, "secrets");
		return NULL;
	}
	secrets->list = list;
	list += secrets->count++;
	*list = (struct secret){};
	memcpy(list->name, name, length);
	return list;
}

uid_t secret_caller(void)
{
	const char *text = getenv("SUDO_UID");
	unsigned long uid = 0;

	if (getuid())
		return getuid();
	errno = 0;
	if (text && text[0])
		uid = strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10)
								 : UINT32_MAX;
	/* One who can't be told apart may read nothing. */
	return errno || uid >= UINT32_MAX ? (uid_t)-2 : (uid_t)uid;
}

static int set_fd(struct secret *secret, const char *text, struct failure *failure)
{
	size_t length = strlen(text);

	if (!length || length > 6 || strspn(text, "0123456789") != length ||
		strtol(text, NULL, 10) <= STDERR_FILENO)
		return fail_as(failure, STATUS_USAGE,
			"secret %s: fd: needs the number of a descriptor, from 3 on",
			secret->name);
	secret->fd = (int)strtol(text, NULL, 10);
	return 0;
}

int secret_set_source(
	struct secret *secret, const char *text, uid_t who, struct failure *failure)
{
	char file[PATH_SIZE] = "";
	int error;

	if (secret->fd || secret->file[0])
		return fail_as(failure, STATUS_USAGE,
			"secret %s has a source already; for one more place give NAME=@HOST",
			secret->name);
	if (!strncmp(text, FD_SOURCE, strlen(FD_SOURCE)))
		return set_fd(secret, text + strlen(FD_SOURCE), failure);
	if (strncmp(text, FILE_SOURCE, strlen(FILE_SOURCE)) || !text[strlen(FILE_SOURCE)])
		return fail_as(failure, STATUS_USAGE,
			"secret %s: its value comes from file:PATH or fd:N", secret->name);
	error = path_absolute(file, text + strlen(FILE_SOURCE));
	if (error)
		return fail(failure, error, "secret %s: its file", secret->name);
	memcpy(secret->file, file, sizeof(file));
	secret->uid = who;
	return 0;
}

/* Whether connections, and not requests, log in by this (RFC 4559). */
static bool logs_in(const char *value)
{
	return strcasestr(value, "NTLM") || strcasestr(value, "Nego");
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

int secret_set_header(struct secret *secret, const char *text, struct failure *failure)
{
	const char *colon = strchr(text, ':');
	const char *value = colon ? colon + 1 + strspn(colon + 1, " ") : NULL;
	const char *mark = value ? strstr(value, "%s") : NULL;
	_free_ char *field = colon ? strndup(text, (size_t)(colon - text)) : NULL;

	if (secret->field[0])
		return fail_as(
			failure, STATUS_USAGE, "secret %s has two headers", secret->name);
	if (!field || !mark || !header_is_free(field))
		return fail_as(failure, STATUS_USAGE,
			"secret %s: a header is FIELD: VALUE with %%s in VALUE, as 'Authorization: Bearer %%s', "
			"and none that HTTP itself needs",
			secret->name);
	if (strchr(mark + 1, '%') || memchr(value, '%', (size_t)(mark - value)) ||
		!is_plain(value))
		return fail_as(failure, STATUS_USAGE,
			"secret %s: its header has one %%s, and else printable ASCII without %%",
			secret->name);
	if ((size_t)(mark - value) >= SECRET_AROUND_SIZE ||
		strlen(mark + 2) >= SECRET_AROUND_SIZE)
		return fail_as(failure, STATUS_USAGE,
			"secret %s: its header has more than %d bytes on one side of %%s",
			secret->name, SECRET_AROUND_SIZE - 1);
	if (logs_in(value))
		return fail_as(failure, STATUS_USAGE,
			"secret %s: a login by NTLM or Negotiate is for a connection, and so for requests that are not to have it",
			secret->name);
	memcpy(secret->field, field, strlen(field) + 1);
	memcpy(secret->before, value, (size_t)(mark - value));
	memcpy(secret->after, mark + 2, strlen(mark + 2));
	return 0;
}

/* Writes the rule that a use is short for. NULL: there is no memory. */
static char *long_form(const char *text)
{
	size_t length = strlen(text);
	char *rule;

	if (strchr(text, ' '))
		return strdup(text);
	while (length && text[length - 1] == '/')
		length--;
	return asprintf(&rule, "* %.*s%s", (int)length, text,
		       strchr(text, '*') ? "" : "/**") < 0
		       ? NULL
		       : rule;
}

int secret_add_use(struct secret *secret, const char *text, struct failure *failure)
{
	_free_ char *rule = long_form(text);
	const char *problem = "out of memory";
	char shown[PRINTABLE_SIZE];
	int error =
		rule ? rule_declare(&secret->uses, rule, strlen(rule), &problem) : -ENOMEM;

	if (!error &&
		secret->uses.list[secret->uses.count - 1].domain.form != DOMAIN_EXACT) {
		problem = "a secret goes to names that are given, and to no wildcard";
		error = -EINVAL;
	}
	if (!error && secret->uses.size > SECRET_USES_SIZE) {
		problem = "the places of a secret are too long";
		error = -EINVAL;
	}
	return error ? fail_as(failure, STATUS_USAGE, "secret %s: '%s': %s", secret->name,
			       printable(text, shown), problem)
		     : 0;
}

/* Finds the secret that a text is about, or adds it. `*rest` is what is behind its name. */
static struct secret *take_name(struct secrets *secrets, const char *text,
	const char **rest, struct failure *failure)
{
	size_t length = strcspn(text, "=");
	struct secret *secret = secrets_find(secrets, text, length);

	if (!text[length]) {
		fail_as(failure, STATUS_USAGE,
			"a secret is NAME=file:PATH@HOST[/PATH] or NAME=fd:N@HOST[/PATH]");
		return NULL;
	}
	*rest = text + length + 1;
	return secret ? secret : secrets_new(secrets, text, length, failure);
}

int secrets_add(struct secrets *secrets, const char *text, struct failure *failure)
{
	const char *rest, *at;
	struct secret *secret = take_name(secrets, text, &rest, failure);
	_free_ char *source = NULL;
	int error = 0;

	if (!secret)
		return -EINVAL;
	at = strchr(rest, '@');
	if (!at || !at[1])
		return fail_as(failure, STATUS_USAGE,
			"secret %s: @ and the host that gets it are missing", secret->name);
	source = strndup(rest, (size_t)(at - rest));
	if (!source)
		return fail(failure, -ENOMEM, "secrets");
	if (source[0])
		error = secret_set_source(secret, source, secret_caller(), failure);
	return error ? error : secret_add_use(secret, at + 1, failure);
}

int secrets_add_header(struct secrets *secrets, const char *text, struct failure *failure)
{
	const char *rest;
	struct secret *secret = take_name(secrets, text, &rest, failure);

	return secret ? secret_set_header(secret, rest, failure) : -EINVAL;
}

struct secret *secrets_change(
	const struct secrets *secrets, const char *text, struct failure *failure)
{
	size_t length = strcspn(text, "=");
	struct secret *secret = secrets_find(secrets, text, length);

	if (!secret) {
		char shown[PRINTABLE_SIZE];

		fail_as(failure, STATUS_USAGE,
			"the job began without a secret '%.*s', and gets no other ones; see: jobfence show",
			(int)length, printable(text, shown));
		return NULL;
	}
	if (!text[length] && !secret->file[0]) {
		fail_as(failure, STATUS_USAGE,
			"secret %s has no file to read again; give NAME=file:PATH or NAME=fd:N",
			secret->name);
		return NULL;
	}
	if (!text[length])
		return secret;
	secret->file[0] = '\0';
	secret->fd = 0;
	return secret_set_source(secret, text + length + 1, secret_caller(), failure)
		       ? NULL
		       : secret;
}

/* Whether both set the same field, as servers read it, of requests to the same host. */
static bool collide(const struct secret *one, const struct secret *other)
{
	if (strcasecmp(one->field, other->field))
		return false;
	for (size_t i = 0; i < one->uses.count; i++)
		if (request_rules_name(&other->uses, &one->uses.list[i].domain.host))
			return true;
	return false;
}

int secrets_finish(struct secrets *secrets, const char *header, struct failure *failure)
{
	for (size_t i = 0; i < secrets->count; i++) {
		struct secret *secret = &secrets->list[i];
		int error = 0;

		if (!secret->uses.count || (!secret->file[0] && !secret->fd))
			return fail_as(failure, STATUS_USAGE,
				"secret %s has no value or no host; to give both: --secret %s=file:PATH@HOST",
				secret->name, secret->name);
		if (!secret->field[0])
			error = secret_set_header(secret, HEADER_OF_MOST, failure);
		if (error)
			return error;
		if (!strcasecmp(secret->field, header))
			return fail_as(failure, STATUS_USAGE,
				"secret %s: the header %s is the one with the job's name",
				secret->name, header);
		for (size_t k = 0; k < i; k++)
			if (collide(secret, &secrets->list[k]))
				return fail_as(failure, STATUS_USAGE,
					"the secrets %s and %s set the same field of requests to the same host",
					secrets->list[k].name, secret->name);
	}
	return 0;
}

static json_t *secret_to_json(const struct secret *secret, bool sources)
{
	json_t *uses = json_array(), *json;
	char header[SECRET_FIELD_SIZE + 2 * SECRET_AROUND_SIZE + 8];

	for (size_t i = 0; uses && i < secret->uses.count; i++)
		json_array_append_new(uses, json_string(secret->uses.list[i].text));
	snprintf(header, sizeof(header), "%s: %s%%s%s", secret->field, secret->before,
		secret->after);
	json = json_pack("{s:s, s:s, s:s?, s:o}", "name", secret->name, "header", header,
		"file", secret->file[0] ? secret->file : NULL, "uses", uses);
	if (json && sources)
		json_object_set_new(json, "uid", json_integer(secret->uid));
	return json;
}

json_t *secrets_to_json(const struct secrets *secrets, bool sources)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < secrets->count; i++)
		if (json_array_append_new(
			    array, secret_to_json(&secrets->list[i], sources))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static int secret_from_json(struct secrets *secrets, const json_t *json)
{
	const char *name = NULL, *header = NULL, *file;
	struct failure ignored;
	struct secret *secret;
	json_t *path, *uses, *use;
	json_int_t uid;
	size_t i;

	if (json_unpack((json_t *)json, "{s:s, s:s, s:o, s:o, s:I}", "name", &name,
		    "header", &header, "file", &path, "uses", &uses, "uid", &uid))
		return -EPROTO;
	file = json_string_value(path);
	secret = secrets_new(secrets, name, strlen(name), &ignored);
	if (!secret || secret_set_header(secret, header, &ignored) ||
		(file && path_format(secret->file, "%s", file)))
		return -EPROTO;
	secret->uid = (uid_t)uid;
	json_array_foreach (uses, i, use)
		if (!json_is_string(use) ||
			secret_add_use(secret, json_string_value(use), &ignored))
			return -EPROTO;
	return 0;
}

int secrets_from_json(struct secrets *secrets, const json_t *json)
{
	const json_t *secret;
	size_t i;
	int error = 0;

	json_array_foreach ((json_t *)json, i, secret) {
		error = secret_from_json(secrets, secret);
		if (error)
			break;
	}
	return error;
}
