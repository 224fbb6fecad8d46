/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Whether the rules for methods and paths let a request pass (names/request_rule.h). The
 * job has a set of rules, and the node has one. Where both have rules for a host, both
 * have to allow the request. The code is pure.
 */

#include "names/request_rule.h"
#include "proxy/http_request.h"

struct judge;

/*
 * Reads the rules of the settings. A host with secrets is judged as one with a rule that
 * allows all. `*judge` is NULL if there is neither. Returns 0, -EPROTO for a rule that
 * can't be read, or -ENOMEM.
 */
int judge_new(const struct proxy_settings *settings, const struct secret_store *secrets,
	struct judge **judge);
void judge_free(struct judge *judge);

/* Whether requests to this host are judged. `judge` may be NULL. */
bool judge_is_for(const struct judge *judge, const struct host *host);

enum verdict {
	VERDICT_PASS,
	VERDICT_NO_FORM, /* its path has no canonical form */
	VERDICT_FIELD,	 /* a field names a second path */
	VERDICT_ECHO,	 /* the answer would have a secret in it */
	VERDICT_JOB,	 /* no rule of the job allows it */
	VERDICT_NODE,	 /* no rule of the node allows it */
};

#define JUDGED_TEXT_SIZE 320

struct judgement {
	enum verdict verdict;
	/* "METHOD host/path", perhaps cut. Of the first three refusals: a sentence */
	char request[JUDGED_TEXT_SIZE];
	char rule[JUDGED_TEXT_SIZE]; /* that would allow it; empty: there is none */
};

/*
 * Judges a request to a host for which judge_is_for(). Its target gets the canonical path,
 * which is valid until the next request is judged, and the secrets that it is to have.
 */
void judge_request(struct judge *judge, const struct http_head *head,
	struct http_target *target, struct judgement *judgement);
