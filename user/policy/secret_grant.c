// SPDX-License-Identifier: BSD-2-Clause
/* See secret_grant.h. */

#include "policy/secret_grant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

void secret_grants_free(struct secret_grants *grants)
{
	for (size_t i = 0; i < grants->count; i++) {
		request_rules_free(&grants->list[i].secret.uses);
		json_decref(grants->list[i].labels);
	}
	free(grants->list);
	*grants = (struct secret_grants){};
}

static struct secret_grant *find(struct secret_grants *grants, const char *name)
{
	for (size_t i = 0; i < grants->count; i++)
		if (!strcmp(grants->list[i].secret.name, name))
			return &grants->list[i];
	return NULL;
}

/* Names are checked where all secrets are. */
static int add(struct secret_grants *grants, const char *name, struct failure *failure)
{
	_cleanup_(secrets_free) struct secrets one = {};
	struct secret_grant *list;

	if (!secrets_new(&one, name, strlen(name), failure))
		return -EINVAL;
	list = reallocarray(grants->list, grants->count + 1, sizeof(*list));
	if (!list)
		return fail(failure, -ENOMEM, "secrets");
	grants->list = list;
	list[grants->count++] = (struct secret_grant){ .secret = one.list[0] };
	return 0;
}

static int set_file(struct secret_grant *grant, const char *value, struct failure *failure)
{
	char source[PATH_SIZE + 8];

	if (value[0] != '/' ||
		snprintf(source, sizeof(source), "file:%s", value) >= (int)sizeof(source))
		return fail_as(failure, STATUS_POLICY, "it has to be an absolute path");
	return secret_set_source(&grant->secret, source, 0, failure);
}

static int add_label(struct secret_grant *grant, const char *value, struct failure *failure)
{
	const char *equals = strchr(value, '=');
	_free_ char *key = equals ? strndup(value, (size_t)(equals - value)) : NULL;

	if (!key || !key[0])
		return fail_as(failure, STATUS_POLICY, "a label is KEY=VALUE");
	if (!grant->labels)
		grant->labels = json_object();
	return json_object_set_new(grant->labels, key, json_string(equals + 1))
		       ? fail_as(failure, STATUS_POLICY, "a label has to be valid UTF-8")
		       : 0;
}

static int set_signer(
	struct secret_grant *grant, const char *value, struct failure *failure)
{
	if (grant->signer[0] || !value[0] || strlen(value) >= sizeof(grant->signer))
		return fail_as(failure, STATUS_POLICY,
			"a secret has one signer, of at most 39 characters");
	memcpy(grant->signer, value, strlen(value) + 1);
	return 0;
}

int secret_grants_set(struct secret_grants *grants, const char *name, const char *key,
	const char *value, struct failure *failure)
{
	int error = find(grants, name) ? 0 : add(grants, name, failure);
	struct secret_grant *grant = find(grants, name);

	if (error)
		return error;
	if (!strcmp(key, "file"))
		return set_file(grant, value, failure);
	if (!strcmp(key, "header"))
		return secret_set_header(&grant->secret, value, failure);
	if (!strcmp(key, "use"))
		return secret_add_use(&grant->secret, value, failure);
	if (!strcmp(key, "label"))
		return add_label(grant, value, failure);
	if (!strcmp(key, "signer"))
		return set_signer(grant, value, failure);
	return fail_as(failure, STATUS_POLICY,
		"the keys of a secret are file, header, use, label and signer");
}

void secret_grants_read_as(struct secret_grants *grants, uid_t uid)
{
	for (size_t i = 0; i < grants->count; i++)
		grants->list[i].secret.uid = uid;
}

int secret_grants_finish(const struct secret_grants *grants, struct failure *failure)
{
	for (size_t i = 0; i < grants->count; i++) {
		const struct secret_grant *grant = &grants->list[i];

		if (grant->secret.file[0] && grant->secret.uses.count &&
			(grant->labels || grant->signer[0]))
			continue;
		return fail_as(failure, STATUS_POLICY,
			"the section [secret %s] needs file, use, and label or signer: until that is mended no job is accepted",
			grant->secret.name);
	}
	return 0;
}
