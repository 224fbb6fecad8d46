// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence preset`. */

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "policy/preset.h"

static json_t *preset_to_json(const struct preset *preset)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", preset->name, "summary",
		preset->summary, "path", preset->path, "domains",
		domains_to_json(&preset->domains), "rules", rules_to_json(&preset->rules));
}

/*
 * Prints the file as it is, with its comments, so that it can be changed and given as
 * --domain-file.
 */
static int print_file(const struct preset *preset, struct failure *failure)
{
	_file_ FILE *file = fopen(preset->path, "re");
	char line[BUFSIZ];

	if (!file)
		return fail(failure, -errno, "cannot read %s", preset->path);
	while (fgets(line, sizeof(line), file))
		fputs(line, stdout);
	return ferror(file) ? fail(failure, -EIO, "cannot read %s", preset->path) : 0;
}

static int show(const char *name, bool as_json, struct failure *failure)
{
	_cleanup_(preset_free) struct preset preset;
	_json_ json_t *json = NULL;
	int error = preset_read(name, &preset, failure);

	if (error)
		return error;
	if (!as_json)
		return print_file(&preset, failure);
	json = preset_to_json(&preset);
	return print_json(json);
}

static int list(bool as_json, struct failure *failure)
{
	_json_ json_t *names = preset_names(failure);
	_json_ json_t *array = json_array();
	const json_t *name;
	size_t i;

	if (!names)
		return -EIO;
	json_array_foreach (names, i, name) {
		_cleanup_(preset_free) struct preset preset;
		int error = preset_read(json_string_value(name), &preset, failure);

		if (error)
			return error;
		if (!as_json)
			printf("%-16s %s\n", preset.name, preset.summary);
		else if (json_array_append_new(array, preset_to_json(&preset)))
			return fail(failure, -ENOMEM, "presets");
	}
	return as_json ? print_json(array) : 0;
}

int preset_command(struct options *options, int *status, struct failure *failure)
{
	const char *word = options->count ? options->arguments[0] : "";

	(void)status;
	if (!strcmp(word, "list") && options->count == 1)
		return list(options->json, failure);
	if (!strcmp(word, "show") && options->count == 2)
		return show(options->arguments[1], options->json, failure);
	return fail_as(failure, STATUS_USAGE,
		"preset needs one of: list, or show and the name of a preset");
}
