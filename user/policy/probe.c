// SPDX-License-Identifier: BSD-2-Clause
/* See probe.h. Only exit status 0 accepts, if it comes in time and with few words. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "policy/helper.h"
#include "policy/probe.h"

#define REASON_MAX 256 /* bytes of the probe's words that are shown */
#define VARIABLE   "JOBFENCE_PROBE_DATA="

/* The probe's words as one line, which a terminal and JSON can hold. */
static void quote(const char *words, char out[REASON_SIZE])
{
	size_t length = strnlen(words, REASON_MAX);
	_json_ json_t *text = json_string(words); /* NULL: not UTF-8 */

	/* Do not cut within a character. */
	while (length && (words[length] & 0xc0) == 0x80)
		length--;
	for (size_t i = 0; i < length; i++)
		out[i] = (char)(iscntrl((unsigned char)words[i]) ? ' ' : words[i]);
	while (length && out[length - 1] == ' ')
		length--;
	out[text ? length : 0] = '\0';
}

static int judge(const struct policy *policy, int status, const char *words,
	char reason[REASON_SIZE])
{
	char said[REASON_SIZE];

	quote(words, said);
	if (!status)
		return 0;
	if (status > 0 && said[0])
		snprintf(reason, REASON_SIZE, "%s", said);
	else if (status > 0)
		snprintf(reason, REASON_SIZE, "it ended with status %d and gave no reason",
			status);
	else if (status == -ETIMEDOUT)
		snprintf(reason, REASON_SIZE,
			"it took longer than the %u s of probe_timeout",
			policy->probe_timeout);
	else if (status == -EINTR)
		snprintf(reason, REASON_SIZE, "it was ended by a signal");
	else if (status == -EOVERFLOW)
		snprintf(reason, REASON_SIZE, "it wrote more than %d bytes",
			HELPER_WORDS_MAX);
	else
		snprintf(reason, REASON_SIZE, "it can't be run: %s", strerror(-status));
	return -EACCES;
}

int probe_ask(
	const struct policy *policy, const struct job_spec *spec, char reason[REASON_SIZE])
{
	const char *const arguments[] = { policy->probe, NULL };
	_json_ json_t *json = spec_to_json(spec);
	_free_ char *text = NULL, *variable = NULL;
	char words[HELPER_WORDS_MAX];

	/* A job may have no name before it is taken. */
	if (json && !spec->name[0])
		json_object_del(json, "job");
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text || asprintf(&variable, VARIABLE "%s", text) < 0)
		return -ENOMEM;
	return judge(policy,
		helper_run(&(struct helper){ .arguments = arguments,
				   .environment = (const char *const[]){ variable, NULL },
				   .input = text,
				   .length = strlen(text),
				   .timeout = policy->probe_timeout },
			words),
		words, reason);
}
