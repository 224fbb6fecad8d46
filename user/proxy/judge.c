// SPDX-License-Identifier: BSD-2-Clause
/* See judge.h. What was judged is what is sent, so the target is replaced. */

#include "proxy/judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "names/request_path.h"

struct judge {
	struct request_rules job, node;
	const struct secret_store *secrets;
	char path[BUFFER_SIZE + 1]; /* the canonical path of the latest request */
};

int judge_new(const struct proxy_settings *settings, const struct secret_store *secrets,
	struct judge **judge)
{
	struct judge *new;
	int error;

	*judge = NULL;
	if (!settings->rules[0] && !settings->node_rules[0] && !secrets)
		return 0;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->secrets = secrets;
	error = request_rules_read(&new->job, settings->rules, sizeof(settings->rules));
	if (!error)
		error = request_rules_read(
			&new->node, settings->node_rules, sizeof(settings->node_rules));
	if (error)
		judge_free(new);
	else
		*judge = new;
	return error;
}

void judge_free(struct judge *judge)
{
	if (!judge)
		return;
	request_rules_free(&judge->job);
	request_rules_free(&judge->node);
	free(judge);
}

bool judge_is_for(const struct judge *judge, const struct host *host)
{
	return judge && (request_rules_name(&judge->job, host) ||
				request_rules_name(&judge->node, host) ||
				secret_store_names(judge->secrets, host));
}

/*
 * Writes the rule that would allow this request alone. People copy it into a shell, so it
 * has no quote in it. The job chooses the path, so the rule has no wildcard. If there is no
 * such rule, it is empty.
 */
static void find_rule(const struct http_head *head, const struct http_target *target,
	size_t path_length, char rule[JUDGED_TEXT_SIZE])
{
	_cleanup_(request_rules_free) struct request_rules ignored = {};
	const char *problem;
	int length = snprintf(rule, JUDGED_TEXT_SIZE, "%.*s %s%.*s",
		(int)head->method.length, head->method.bytes, target->host.name,
		(int)path_length, target->path.bytes);

	if (length >= JUDGED_TEXT_SIZE || strpbrk(rule, "'*") ||
		request_rules_add(&ignored, rule, (size_t)length, &problem))
		rule[0] = '\0';
}

static bool allows(const struct request_rules *rules, const struct http_head *head,
	const struct http_target *target, size_t path_length)
{
	return request_rules_allow(rules, &target->host, head->method.bytes,
		head->method.length, target->path.bytes, path_length);
}

/*
 * Whether sites take a second path from this field: WebDAV, and stores of objects. Without
 * the field they would do something that the job did not ask for, such as an empty object
 * in place of a copy. So the request is refused.
 */
static bool names_path(const struct http_field *field)
{
	/* One that begins with "-" is the end of a name. */
	static const char *const names[] = { "Destination", "X-Copy-From", "-Copy-Source",
		"-Rename-Source" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t length = strlen(names[i]);
		struct http_field end = *field;

		if (names[i][0] == '-' && end.name.length > length) {
			end.name.bytes += end.name.length - length;
			end.name.length = length;
		}
		if (field_is(&end, names[i]))
			return true;
	}
	return false;
}

/* Says which field names a second path. Returns whether one does. */
static bool find_path(const struct http_head *head, char text[JUDGED_TEXT_SIZE])
{
	for (size_t i = 0; i < head->count; i++) {
		const struct slice *name = &head->fields[i].name;

		if (!names_path(&head->fields[i]))
			continue;
		snprintf(text, JUDGED_TEXT_SIZE,
			"the request asks for a second path by its field %.*s",
			(int)name->length, name->bytes);
		return true;
	}
	return false;
}

/* A request whose answer repeats it (RFC 9110 section 9.3.8), by IIS also TRACK. */
static bool asks_for_echo(const struct http_head *head)
{
	return slice_is(&head->method, "TRACE") || slice_is(&head->method, "TRACK");
}

/* Finds the secrets of a request. Returns whether it may have them. */
static bool choose_secrets(const struct judge *judge, const struct http_head *head,
	struct http_target *target, size_t length, char text[JUDGED_TEXT_SIZE])
{
	const struct slice path = { target->path.bytes, length };

	if (!secret_store_names(judge->secrets, &target->host))
		return true;
	target->secrets = judge->secrets;
	target->due = secret_store_due(judge->secrets, &target->host, &head->method, &path);
	snprintf(text, JUDGED_TEXT_SIZE,
		"the answer to %.*s would have a secret of the job in it",
		(int)head->method.length, head->method.bytes);
	return !asks_for_echo(head);
}

void judge_request(struct judge *judge, const struct http_head *head,
	struct http_target *target, struct judgement *judgement)
{
	const char *problem = "a path that is too long";
	size_t length;

	*judgement = (struct judgement){ .verdict = VERDICT_NO_FORM };
	if (target->path.length <= BUFFER_SIZE)
		problem = request_path_canonical(target->path.bytes, target->path.length,
			judge->path, &target->path.length);
	if (problem) {
		snprintf(judgement->request, JUDGED_TEXT_SIZE, "the request has %s",
			problem);
		return;
	}
	target->path.bytes = judge->path;
	target->judged = true;
	length = request_path_length(target->path.bytes, target->path.length);
	if (find_path(head, judgement->request)) {
		judgement->verdict = VERDICT_FIELD;
		return;
	}
	if (!choose_secrets(judge, head, target, length, judgement->request)) {
		judgement->verdict = VERDICT_ECHO;
		return;
	}
	if (!allows(&judge->job, head, target, length))
		judgement->verdict = VERDICT_JOB;
	else if (!allows(&judge->node, head, target, length))
		judgement->verdict = VERDICT_NODE;
	else
		judgement->verdict = VERDICT_PASS;
	if (judgement->verdict == VERDICT_PASS)
		return;
	snprintf(judgement->request, JUDGED_TEXT_SIZE, "%.*s %s%.*s",
		(int)head->method.length, head->method.bytes, target->host.name,
		(int)length, target->path.bytes);
	find_rule(head, target, length, judgement->rule);
}
