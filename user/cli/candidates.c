// SPDX-License-Identifier: BSD-2-Clause
/* See candidates.h. All words come from the table of commands and from that of options. */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "cli/candidates.h"
#include "cli/command.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "node/paths.h"
#include "policy/preset.h"

#define POSITIONS_MAX 4 /* more than any synopsis tells apart */

/* A command line up to the word that is completed. */
struct line {
	const struct command *command; /* NULL: the verb has not been typed yet */
	/* The name in help of the argument that an option awaits. NULL: none does. */
	const char *argument;
	bool only_words;		      /* no option may come any more */
	const char *positions[POSITIONS_MAX]; /* the words that are no options */
	size_t count;			      /* of positions */
	const char *prefix;		      /* `--option=` of the last word, or "" */
	size_t prefix_length;
	const char *typed; /* the beginning of the word to complete */
};

static void offer(const struct line *line, const char *word, const char *help)
{
	if (!strncmp(word, line->typed, strlen(line->typed)))
		printf("%.*s%s%s%s\n", (int)line->prefix_length, line->prefix, word,
			help ? "\t" : "", help ? help : "");
}

static int offer_presets(const struct line *line, struct failure *failure)
{
	_json_ json_t *names = preset_names(failure);
	const json_t *name;
	size_t i;

	json_array_foreach (names, i, name)
		offer(line, json_string_value(name), NULL);
	return names ? 0 : -EIO;
}

static void offer_jobs(const struct line *line)
{
	_dir_ DIR *folder = opendir(RUN_JOBS_FOLDER);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			offer(line, entry->d_name, NULL);
}

static void offer_users(const struct line *line)
{
	const struct passwd *user;

	setpwent();
	while ((user = getpwent()))
		offer(line, user->pw_name, NULL);
	endpwent();
}

static void offer_commands(const struct line *line)
{
	for (const struct command *command = commands; command->name; command++)
		offer(line, command->name, command->summary);
}

/* Offers what `name` stands for: a word of the synopsis or an option's argument. */
static int offer_named(const struct line *line, const char *name, struct failure *failure)
{
	if (islower((unsigned char)name[0]))
		offer(line, name, NULL);
	else if (!strcmp(name, "JOB"))
		offer_jobs(line);
	else if (!strcmp(name, "PRESET"))
		return offer_presets(line, failure);
	else if (!strcmp(name, "USER"))
		offer_users(line);
	else if (!strcmp(name, "FILE") || !strcmp(name, "PATH") || !strcmp(name, "ARG"))
		puts(":files");
	else if (!strcmp(name, "COMMAND") && line->command &&
		 line->command->flags & COMMAND_RUNS)
		puts(":commands");
	else if (!strcmp(name, "COMMAND"))
		offer_commands(line);
	return 0;
}

/* Offers each of the alternatives that an option's argument has, as in none|http|full. */
static int offer_argument(const struct line *line, struct failure *failure)
{
	_free_ char *alternatives = strdup(line->argument);
	char *rest = alternatives, *one;
	int error = alternatives ? 0 : -ENOMEM;

	while (!error && (one = strsep(&rest, "|")))
		error = offer_named(line, one, failure);
	return error;
}

/* Offers the word of one alternative of a synopsis, if the words before it fit. */
static int offer_alternative(
	const struct line *line, char *alternative, struct failure *failure)
{
	char *words[POSITIONS_MAX], *word, *dots = NULL;
	size_t count = 0;

	while ((word = strsep(&alternative, " ")))
		if (word[0] && strcmp(word, "--") && count < POSITIONS_MAX)
			words[count++] = word;
	for (size_t i = 0; i < count && i < line->count; i++)
		if (islower((unsigned char)words[i][0]) &&
			strcmp(words[i], line->positions[i]))
			return 0;
	if (count)
		dots = strstr(words[count - 1], "...");
	if (dots)
		*dots = '\0';
	if (line->count < count)
		return offer_named(line, words[line->count], failure);
	return dots ? offer_named(line, words[count - 1], failure) : 0;
}

/* Offers the words of the synopsis that may come at this position. */
static int offer_position(const struct line *line, struct failure *failure)
{
	_free_ char *synopsis = strdup(line->command->arguments);
	char *rest = synopsis, *alternative;
	int error = synopsis ? 0 : -ENOMEM;

	for (char *c = synopsis; c && *c; c++)
		if (strchr("[]", *c))
			*c = ' ';
	while (!error && (alternative = strsep(&rest, "|")))
		error = offer_alternative(line, alternative, failure);
	return error;
}

/* An option that is looked for by its name, and its argument. */
struct wanted {
	const char *name;
	size_t length;
	const char *argument;
};

static void match_option(const struct option_shown *option, void *data)
{
	struct wanted *wanted = data;

	if (strlen(option->name) == wanted->length &&
		!strncmp(option->name, wanted->name, wanted->length))
		wanted->argument = option->argument;
}

/* The groups of options that may come. Before the verb some common ones may. */
static unsigned groups_of(const struct line *line)
{
	return OPTIONS_COMMON | (line->command ? line->command->options : 0);
}

/* The argument of the option that `word` begins with; NULL: it takes none. */
static const char *argument_of(const struct line *line, const char *word)
{
	struct wanted wanted = { .name = word + 2, .length = strcspn(word + 2, "=") };

	options_each(groups_of(line), match_option, &wanted);
	return wanted.argument;
}

/* Takes a word before the last one. Returns whether the line makes sense so far. */
static bool take(struct line *line, const char *word)
{
	if (line->argument) {
		if (strcmp(word, "="))
			line->argument = NULL;
	} else if (!strcmp(word, "--")) {
		line->only_words = true;
	} else if (!line->only_words && !strncmp(word, "--", 2)) {
		line->argument = strchr(word, '=') ? NULL : argument_of(line, word);
	} else if (!line->command) {
		line->command = command_find(word);
		return line->command;
	} else if (line->only_words || word[0] != '-') {
		if (line->count < POSITIONS_MAX)
			line->positions[line->count] = word;
		line->count++;
		/* The rest belongs to the program, or for `exec` to what follows JOB. */
		line->only_words |= (line->command->flags & COMMAND_RUNS) != 0;
	}
	return true;
}

static void offer_option(const struct option_shown *option, void *data)
{
	char word[64];

	snprintf(word, sizeof(word), "--%s", option->name);
	offer(data, word, option->help);
}

/* Sets what has been typed of the last word. */
static void take_last(struct line *line, const char *word)
{
	const char *equals = strchr(word, '=');

	line->prefix = "";
	line->typed = line->argument && !strcmp(word, "=") ? "" : word;
	if (line->argument || line->only_words || strncmp(word, "--", 2) || !equals)
		return;
	line->argument = argument_of(line, word);
	line->prefix = word;
	line->prefix_length = (size_t)(equals + 1 - word);
	line->typed = equals + 1;
}

int candidates_print(char **words, int count, struct failure *failure)
{
	struct line line = {};

	if (count < 1)
		return 0;
	for (int i = 0; i < count - 1; i++)
		if (!take(&line, words[i]))
			return 0;
	take_last(&line, words[count - 1]);
	if (line.argument)
		return offer_argument(&line, failure);
	if (!line.only_words && line.typed[0] == '-') {
		options_each(groups_of(&line), offer_option, &line);
		return 0;
	}
	if (line.command)
		return offer_position(&line, failure);
	offer_commands(&line);
	return 0;
}
