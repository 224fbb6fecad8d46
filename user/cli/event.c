// SPDX-License-Identifier: BSD-2-Clause
/* See event.h. Names and bytes of the job are made printable here. */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/event.h"
#include "lib/cleanup.h"
#include "lib/moment.h"
#include "lib/printable.h"
#include "names/address.h"

static const char *hook_name(unsigned hook)
{
	static const char *const names[] = { [HOOK_SOCKET] = "socket",
		[HOOK_CONNECT] = "connect",
		[HOOK_SENDMSG] = "sendmsg",
		[HOOK_BIND] = "bind",
		[HOOK_EGRESS] = "egress",
		[HOOK_INGRESS] = "ingress",
		[HOOK_UPSTREAM] = "upstream",
		[HOOK_OPTION] = "setsockopt",
		[HOOK_PROXY] = "proxy",
		[HOOK_DNS] = "dns" };

	return hook < ARRAY_SIZE(names) && names[hook] ? names[hook] : "unknown";
}

static const char *kind_name(unsigned kind)
{
	static const char *const names[] = { [EVENT_REFUSAL] = "refusal",
		[EVENT_WORKER] = "worker",
		[EVENT_STARTED] = "started",
		[EVENT_CHANGED] = "changed",
		[EVENT_ENDED] = "ended" };

	return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "unknown";
}

static bool is_of_proxy(const struct event *event)
{
	return event->hook == HOOK_PROXY || event->hook == HOOK_DNS;
}

/* An event of the news has a line of its own. Others only take their names from there. */
static const json_t *own_line(const struct event_shown *shown, const char *key)
{
	const json_t *line = shown->line;
	json_int_t time = json_integer_value(json_object_get(line, "time"));

	return shown->event->kind >= EVENT_STARTED && time == (json_int_t)shown->event->time
		       ? json_object_get(line, key)
		       : NULL;
}

const char *event_job(const struct event_shown *shown)
{
	return shown->event->kind >= EVENT_STARTED
		       ? shown->event->name
		       : json_string_value(json_object_get(shown->line, "job"));
}

/* A process chooses its own name, which may have control characters. So may a host. */
struct foreign {
	char comm[COMM_LENGTH + 1];
	char name[sizeof(((struct event *)0)->name) + 1];
};

static void make_foreign(const struct event *event, struct foreign *foreign)
{
	snprintf(foreign->comm, sizeof(foreign->comm), "%.*s", COMM_LENGTH, event->comm);
	snprintf(foreign->name, sizeof(foreign->name), "%.*s", (int)sizeof(event->name),
		event->name);
	make_printable(foreign->comm);
	make_printable(foreign->name);
}

/* The fields that only a refusal has. They are null for other kinds. */
static json_t *refusal_to_json(const struct event *event, const char *name)
{
	const bool refusal = event->kind == EVENT_REFUSAL;
	const bool kernel = refusal && !is_of_proxy(event);
	const unsigned port = ntohs(event->destination.port);
	char address[ADDRESS_TEXT_MAX];

	address_format(&event->destination.address, address);
	return json_pack("{s:s?, s:s?, s:s?, s:o, s:o, s:s?, s:o}", "hook",
		refusal ? hook_name(event->hook) : NULL, "reason",
		refusal ? reason_word((enum reason)event->reason) : NULL, "name",
		refusal && name[0] ? name : NULL, "family",
		number_or_null(kernel, event->family), "protocol",
		number_or_null(kernel, event->protocol), "address", kernel ? address : NULL,
		"port", number_or_null(kernel || (refusal && port), port));
}

static json_t *or_null(const json_t *value)
{
	return value ? json_incref((json_t *)value) : json_null();
}

json_t *event_to_json(const struct event_shown *shown)
{
	const struct event *event = shown->event;
	const bool worker = event->kind == EVENT_WORKER;
	const int status = worker ? (int)event->worker_status : 0;
	char time[MOMENT_TEXT_MAX];
	struct foreign foreign;
	_json_ json_t *refusal = NULL, *json = NULL;

	moment_format(event->time, time);
	make_foreign(event, &foreign);
	refusal = refusal_to_json(event, foreign.name);
	json = json_pack("{s:I, s:s, s:s?, s:o, s:s, s:I, s:s, s:o, s:o, s:o, s:o}",
		"number", (json_int_t)event->number, "time", time, "job", event_job(shown),
		"labels", or_null(json_object_get(shown->line, "labels")), "kind",
		kind_name(event->kind), "pid", (json_int_t)event->pid, "comm", foreign.comm,
		"signal", number_or_null(worker && WIFSIGNALED(status), WTERMSIG(status)),
		"status", number_or_null(worker && WIFEXITED(status), WEXITSTATUS(status)),
		"what", or_null(own_line(shown, "what")), "report",
		or_null(own_line(shown, "report")));
	return refusal && json && !json_object_update(json, refusal) ? TAKE_POINTER(json)
								     : NULL;
}

static void print_refusal(FILE *file, const struct event *event, const char *name)
{
	const unsigned port = ntohs(event->destination.port);

	fputs(hook_name(event->hook), file);
	if (is_of_proxy(event)) {
		if (name[0])
			fprintf(file, " %s", name);
		if (port)
			fprintf(file, " port %u", port);
	} else {
		char address[ADDRESS_TEXT_MAX];

		address_format(&event->destination.address, address);
		fprintf(file, " %s port %u", address, port);
	}
	fprintf(file, ": %s", reason_text((enum reason)event->reason));
}

static void print_process(FILE *file, const struct event *event, const char *comm)
{
	if (event->pid)
		fprintf(file, "%s[%u]", comm[0] ? comm : "-", event->pid);
	else
		fputs(comm[0] ? comm : "-", file);
}

void event_print(FILE *file, const struct event_shown *shown)
{
	const struct event *event = shown->event;
	const char *job = event_job(shown), *what;
	char ending[ENDING_TEXT_MAX];
	struct foreign foreign;

	make_foreign(event, &foreign);
	fprintf(file, "%s ", job ? job : "-");
	print_process(file, event, foreign.comm);
	fputc(' ', file);
	what = json_string_value(own_line(shown, "what"));
	if (event->kind == EVENT_REFUSAL) {
		print_refusal(file, event, foreign.name);
	} else if (event->kind == EVENT_WORKER) {
		ending_format((int)event->worker_status, ending);
		fprintf(file, "its worker ended and is replaced: %s", ending);
	} else {
		fprintf(file, "the job %s%s%s",
			event->kind == EVENT_CHANGED ? "was changed"
						     : kind_name(event->kind),
			what ? " by " : "", what ? what : "");
	}
}
