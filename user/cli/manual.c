// SPDX-License-Identifier: BSD-2-Clause
/*
 * `jobfence manual`: the page of the manual as man(7) source. Its prose is
 * share/jobfence.8.in. The tables in it are made here.
 */

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "job/usage.h"
#include "lib/cleanup.h"
#include "lib/installed.h"

#define COLUMNS 70 /* of a line of the source, without escapes */

static const char page[] =
#include "text/jobfence.8.in.h"
	;

/*
 * Prints a line of plain text, in more lines if it is long. No word becomes a request,
 * and no dash a hyphen.
 */
static void print_plain(const char *text)
{
	size_t column = 0;

	for (; *text; text++) {
		if (!column && strchr(".'", *text))
			fputs("\\&", stdout);
		column++;
		if (*text == ' ' && column + strcspn(text + 1, " ") > COLUMNS) {
			putchar('\n');
			column = 0;
		} else if (*text == '-') {
			fputs("\\-", stdout);
		} else if (*text == '\\') {
			fputs("\\e", stdout);
		} else {
			putchar(*text);
		}
	}
}

static void print_synopsis(void)
{
	char synopsis[SYNOPSIS_MAX];

	for (const struct command *command = commands; command->name; command++) {
		command_synopsis(command, synopsis);
		printf("%s.B jobfence ", command == commands ? "" : ".br\n");
		print_plain(command->name);
		putchar('\n');
		print_plain(synopsis);
		putchar('\n');
	}
}

static void print_option(const struct option_shown *option, void *data)
{
	(void)data;
	fputs(".TP\n.BI \\-\\-", stdout);
	print_plain(option->name);
	if (option->argument)
		printf(" \" %s\"", option->argument);
	putchar('\n');
	print_plain(option->help);
	putchar('\n');
}

static void print_commands(void)
{
	options_each(OPTIONS_COMMON, print_option, NULL);
	for (const struct command *command = commands; command->name; command++) {
		printf(".SS %s\n", command->name);
		print_plain(command->summary);
		putchar('\n');
		options_each(command->options, print_option, NULL);
	}
}

static void print_reasons(void)
{
	for (int reason = 1; reason < REASON_COUNT; reason++) {
		printf(".TP\n.B %s\n", reason_word((enum reason)reason));
		print_plain(reason_text((enum reason)reason));
		putchar('\n');
	}
}

static void print_version(void)
{
	fputs(VERSION, stdout);
}

/* The Makefile puts the prefix of the installation here, which is not that of the build. */
static void print_prefix(void)
{
	char path[PATH_MAX];

	if (!installed_path(path, sizeof(path), ""))
		printf("%.*s", (int)strlen(path) - 1, path);
}

/* The places of the page that are filled in. */
static const struct {
	const char *name;
	void (*print)(void);
} places[] = {
	{ "@VERSION@", print_version },
	{ "@SYNOPSIS@\n", print_synopsis },
	{ "@COMMANDS@\n", print_commands },
	{ "@REASONS@\n", print_reasons },
	{ "@PREFIX@", print_prefix },
};

/*
 * Prints what stands for the place at the beginning of `text`. Returns its length, 0:
 * none.
 */
static size_t print_place(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!strncmp(text, places[i].name, strlen(places[i].name))) {
			places[i].print();
			return strlen(places[i].name);
		}
	return 0;
}

int manual_command(struct options *options, int *status, struct failure *failure)
{
	const char *at = page;

	(void)options;
	(void)status;
	(void)failure;
	while (*at) {
		size_t length = strcspn(at, "@"), place;

		fwrite(at, 1, length, stdout);
		at += length;
		place = print_place(at);
		if (*at && !place)
			putchar(*at);
		at += place ? place : *at != '\0';
	}
	return 0;
}
