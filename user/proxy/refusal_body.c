// SPDX-License-Identifier: BSD-2-Clause
/*
 * See refusal_body.h. The first line of the text is stable: programs may look at it.
 *
 * A name that got here was parsed, so it has no byte that a terminal obeys. JSON escapes
 * such bytes all the same.
 */

#include <stdio.h>

#include "proxy/refusal_body.h"

/* What is said, before it has a form. */
struct words {
	char error[640];
	char step[320];	    /* what to do; empty: nothing is known */
	const char *option; /* that would allow it, or NULL */
	const char *value;  /* of that option */
	bool quoted;	    /* a shell would split the value */
	bool json_only;	    /* the text leaves the step out, since the error says enough */
};

/* The body so far. */
struct body {
	struct buffer *out;
	bool full; /* a part did not fit */
};

/* Adds formatted text to a body. */
#define add(body, ...) ((body)->full |= !buffer_format((body)->out, __VA_ARGS__))

/* Adds the inside of a JSON string (RFC 8259 section 7). */
static void add_escaped(struct body *body, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f)
			add(body, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			add(body, "\\%c", c);
		else
			add(body, "%c", c);
	}
}

static void add_string(struct body *body, const char *text)
{
	if (!text) {
		add(body, "null");
		return;
	}
	add(body, "\"");
	add_escaped(body, text);
	add(body, "\"");
}

enum cause site_failure_cause(enum site_failure failure)
{
	static const enum cause causes[] = { [SITE_NONE] = CAUSE_UNREACHABLE,
#define X(name, cause, error) [SITE_##name] = CAUSE_##cause,
		SITE_FAILURES(X)
#undef X
	};

	return causes[failure];
}

const char *refusal_word(const struct refusal_text *text)
{
	return text->reason ? reason_header(text->reason)
			    : cause_word(site_failure_cause(text->failure));
}

/* A request that no rule allows, or TLS to a domain with rules. */
static void find_rule_words(
	const struct refusal_text *text, const char *job, struct words *words)
{
	const struct judgement *judgement = text->judgement;

	if (!judgement) {
		snprintf(words->step, sizeof(words->step),
			"Rules for methods and paths hold for this domain, and TLS would hide both. "
			"Plain HTTP is allowed: http://%.200s/",
			text->name ? text->name : "");
		return;
	}
	snprintf(words->error, sizeof(words->error),
		"jobfence: network: job %s may not request %s", job, judgement->request);
	if (judgement->verdict == VERDICT_NODE) {
		snprintf(words->step, sizeof(words->step),
			"No rule of the node for this domain allows that. Its operator can add one to the policy.");
	} else if (judgement->rule[0]) {
		snprintf(words->step, sizeof(words->step),
			"No rule of the job for this domain allows that. To allow it, add one:");
		words->option = "--rule";
		words->value = judgement->rule;
		words->quoted = true;
	} else {
		snprintf(words->step, sizeof(words->step),
			"No rule of the job for this domain allows that.");
	}
}

/* The refusals about which no more is known than their explanation. */
static void find_other_words(const struct refusal_text *text, const char *job,
	const char *name, struct words *words)
{
	const char *step =
		"The fence refused nothing. Try again, or ask the operators of the site and of the node.";

	if (text->reason == REASON_PROTOCOL)
		step = "Send HTTP/1.1 to port 80, and TLS or CONNECT to port 443. Nothing else passes.";
	else if (text->reason == REASON_RULE)
		step = text->status == 400
			       ? "Rules for paths hold for this domain. Send a path that can be read in one way only."
		       : text->status == 405
			       ? "The fence sets a secret in requests to this domain. Send another method."
		       : text->status == 503
			       ? "Whoever runs the job can give it one: jobfence update JOB --secret NAME=file:PATH"
			       : "Rules for methods and paths hold for this domain, and see no fields. Send the request without that one.";
	else if (text->reason)
		step = text->status == 431
			       ? "Send fewer and shorter fields."
			       : "Open fewer connections at once, and try again.";
	snprintf(words->error, sizeof(words->error),
		"jobfence: network: job %s: %s%s%s%s%s", job, name, name[0] ? ": " : "",
		text->explanation ? text->explanation : "refused",
		text->address ? ": " : "", text->address ? text->address : "");
	snprintf(words->step, sizeof(words->step), "%s", step);
	words->json_only = true;
}

static void find_words(const struct refusal_text *text,
	const struct proxy_settings *settings, struct words *words)
{
	const char *name = text->name ? text->name : "";

	snprintf(words->error, sizeof(words->error),
		"jobfence: network: job %s may not reach %s%s", settings->job, name,
		text->reason == REASON_GUARD || text->reason == REASON_RULE ? " by TLS"
									    : "");
	if (text->reason == REASON_DOMAIN) {
		snprintf(words->step, sizeof(words->step),
			"The job did not declare this domain. To allow it, declare it:");
		words->option = "--domain";
		words->value = name;
	} else if (text->reason == REASON_ADDRESS) {
		snprintf(words->step, sizeof(words->step),
			"It leads to %s, which is private, local or the node's own. "
			"The node's operator can allow it:",
			text->address ? text->address : "an address");
		words->option = "--allow-address";
		words->value = text->address ? text->address : "ADDRESS";
	} else if (text->reason == REASON_DENIED) {
		snprintf(words->step, sizeof(words->step),
			"This domain is denied, whatever else the job may reach.");
	} else if (text->reason == REASON_GUARD) {
		snprintf(words->step, sizeof(words->step),
			"Requests to this domain have to bear the header %s, which TLS would hide. "
			"Plain HTTP is allowed: http://%.200s/",
			settings->header, name);
	} else if (text->reason == REASON_RULE && !text->explanation) {
		find_rule_words(text, settings->job, words);
	} else if (text->reason == REASON_LIMIT && text->name && text->explanation) {
		snprintf(words->step, sizeof(words->step), "%s", text->explanation);
	} else if (text->reason == REASON_LIMIT && text->name) {
		snprintf(words->step, sizeof(words->step),
			"It learns, and has used %d other names already, which is as many as one may declare.",
			LEARNED_MAX);
	} else {
		find_other_words(text, settings->job, name, words);
	}
}

/* The operator has nothing to say about a site that fails. */
static const char *operator_text(
	const struct refusal_text *text, const struct proxy_settings *settings)
{
	return text->reason && settings->refusal_text[0] ? settings->refusal_text : NULL;
}

static void write_text(
	const struct words *words, const char *operator_words, struct body *body)
{
	const char *quote = words->quoted ? "'" : "";

	add(body, "%s\n", words->error);
	if (!words->json_only)
		add(body, "%s\n", words->step);
	if (words->option)
		add(body, "    %s %s%s%s\n", words->option, quote, words->value, quote);
	if (operator_words)
		add(body, "%s\n", operator_words);
}

static void write_json(const struct refusal_text *text, const struct words *words,
	const char *job, const char *operator_words, struct body *body)
{
	add(body, "{\"error\":");
	add_string(body, words->error);
	add(body, ",\"job\":");
	add_string(body, job);
	add(body, ",\"host\":");
	add_string(body, text->name);
	if (text->port)
		add(body, ",\"port\":%u", text->port);
	else
		add(body, ",\"port\":null");
	add(body, ",\"by\":\"fence\",\"reason\":");
	add_string(body, refusal_word(text));
	add(body, ",\"missing\":");
	if (words->option) {
		add(body, "{\"option\":");
		add_string(body, words->option);
		add(body, ",\"value\":");
		add_string(body, words->value);
		add(body, "}");
	} else {
		add(body, "null");
	}
	add(body, ",\"next_steps\":[\"");
	add_escaped(body, words->step);
	if (words->option) {
		add(body, " ");
		add_escaped(body, words->option);
		add(body, words->quoted ? " '" : " ");
		add_escaped(body, words->value);
		add(body, words->quoted ? "'" : "");
	}
	add(body, "\"],\"operator_text\":");
	add_string(body, operator_words);
	add(body, "}\n");
}

bool refusal_body(const struct refusal_text *text, const struct proxy_settings *settings,
	bool json, struct buffer *body)
{
	const char *operator_words = operator_text(text, settings);
	struct body written = { .out = body };
	struct words words = {};

	find_words(text, settings, &words);
	if (json)
		write_json(text, &words, settings->job, operator_words, &written);
	else
		write_text(&words, operator_words, &written);
	return !written.full;
}
