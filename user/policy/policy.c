// SPDX-License-Identifier: BSD-2-Clause
/*
 * inih splits the lines into sections, keys and values. It cuts a line that is too long
 * in two, in versions that distributions have, and it ends a line at a NUL. So we read
 * the lines ourselves and refuse such lines. inih does not give the line's number to its
 * callback, so we also count the lines.
 */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/installed.h"
#include "lib/printable.h"
#include "lib/rate.h"
#include "policy/policy.h"
#include "policy/share.h"

#define SIGNERS_MAX	   64
#define SECTION_MAX	   49	     /* bytes of a line that inih keeps */
#define TIMEOUT_MAX	   300	     /* seconds */
#define LOG_MIN		   65536     /* bytes */
#define LOG_MAX		   536870912 /* bytes */
#define VALUE_BLANKS	   " \t"
#define VALUE_SEPARATORS   " \t,"
#define SIGNER_SECTION	   "signer "
#define SECRET_SECTION	   "secret "
#define SECRET_SECTION_LEN (sizeof(SECRET_SECTION) - 1)
#define SIGNER_SECTION_LEN (sizeof(SIGNER_SECTION) - 1)

struct reader {
	struct policy *policy;
	const char *name;   /* of the file */
	const char *buffer; /* of the file, at the line that was read last */
	const char *at, *end;
	int line;	 /* the number of the line that was read last */
	unsigned seen;	 /* bits of the rows of the table to which this file gave a value */
	int failed_line; /* 0: none */
	char problem[256];
};

typedef int setter(struct reader *reader, void *field, const char *value);

static int wrong(struct reader *reader, const char *problem)
{
	snprintf(reader->problem, sizeof(reader->problem), "%.255s", problem);
	return -EINVAL;
}

static int set_network(struct reader *reader, void *field, const char *value)
{
	struct job_spec spec = {};
	struct failure ignored;

	if (spec_set_network(&spec, value, &ignored))
		return wrong(reader, "it has to be none, http or full");
	*(enum network *)field = spec.network;
	return 0;
}

static int set_flag(struct reader *reader, void *field, const char *value)
{
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return wrong(reader, "it has to be yes or no");
	*(bool *)field = !strcmp(value, "yes");
	return 0;
}

static int set_rate(struct reader *reader, void *field, const char *value)
{
	if (rate_parse(value, field))
		return wrong(reader,
			"it has to be a rate from 8kbit to 10gbit in the notation of tc(8), or 0 for no limit");
	return 0;
}

static int set_number(struct reader *reader, uint32_t *field, const char *value,
	uint32_t min, uint32_t max)
{
	size_t digits = strspn(value, "0123456789");
	unsigned long number = digits < 10 ? strtoul(value, NULL, 10) : 0;

	if (value[digits] || number < min || number > max) {
		snprintf(reader->problem, sizeof(reader->problem),
			"it has to be a number from %u to %u", min, max);
		return -EINVAL;
	}
	*field = (uint32_t)number;
	return 0;
}

static int set_max_domains(struct reader *reader, void *field, const char *value)
{
	return set_number(reader, field, value, 1, DOMAINS_MAX);
}

static int set_max_connections(struct reader *reader, void *field, const char *value)
{
	return set_number(reader, field, value, 1, JOB_CONNECTIONS_MAX);
}

static int set_timeout(struct reader *reader, void *field, const char *value)
{
	return set_number(reader, field, value, 1, TIMEOUT_MAX);
}

static int set_log_max(struct reader *reader, void *field, const char *value)
{
	return set_number(reader, field, value, LOG_MIN, LOG_MAX);
}

static int set_path(struct reader *reader, void *field, const char *value)
{
	if (value[0] != '/' || path_format(field, "%s", value))
		return wrong(reader, "it has to be an absolute path");
	return 0;
}

static int set_header(struct reader *reader, void *field, const char *value)
{
	struct job_spec spec = {};
	struct failure failure;

	if (spec_set_header(&spec, value, &failure))
		return wrong(reader, failure.text);
	memcpy(field, spec.header, sizeof(spec.header));
	return 0;
}

static int add_domain(struct reader *reader, void *field, const char *value)
{
	const char *problem = NULL;
	char shown[PRINTABLE_SIZE];

	if (!domains_add(field, value, strlen(value), &problem))
		return 0;
	snprintf(reader->problem, sizeof(reader->problem), "'%s': %s",
		printable(value, shown), problem);
	return -EINVAL;
}

static int add_allowed_domain(struct reader *reader, void *field, const char *value)
{
	if (strcmp(value, "*"))
		return add_domain(reader, field, value);
	reader->policy->allow_any_domain = true;
	return 0;
}

static int add_rule(struct reader *reader, void *field, const char *value)
{
	const char *problem = NULL;
	char shown[PRINTABLE_SIZE];

	if (!rule_declare(field, value, strlen(value), &problem))
		return 0;
	snprintf(reader->problem, sizeof(reader->problem), "'%s': %s",
		printable(value, shown), problem);
	return -EINVAL;
}

static int add_address(struct reader *reader, void *field, const char *value)
{
	struct policy *policy = reader->policy;
	struct job_spec spec = { .allowed_count = policy->allowed_address_count };
	struct failure failure;

	(void)field;
	if (spec_add_allowed(&spec, value, &failure))
		return wrong(reader, failure.text);
	policy->allowed_addresses[policy->allowed_address_count] =
		spec.allowed[policy->allowed_address_count];
	policy->allowed_address_count++;
	return 0;
}

static int add_share(struct reader *reader, void *field, const char *value)
{
	struct failure failure;

	return share_add(field, value, &failure) ? wrong(reader, failure.text) : 0;
}

static int add_nat64(struct reader *reader, void *field, const char *value)
{
	struct address_range prefixes[NAT64_PREFIXES_MAX];
	const char *before = field;
	char all[NAT64_TEXT_MAX];
	int length =
		snprintf(all, sizeof(all), "%s%s%s", before, *before ? " " : "", value);
	int error = length < (int)sizeof(all) ? nat64_parse(all, prefixes) : -EINVAL;

	if (error)
		return wrong(reader,
			error == -E2BIG
				? "there are more prefixes than 4"
				: "a prefix is IPv6-ADDRESS/BITS, of 32, 40, 48, 56, 64 or 96 bits");
	memcpy(field, all, sizeof(all));
	return 0;
}

/* Adds a line to the words that refusals end with. */
static int add_refusal_line(struct reader *reader, void *field, const char *value)
{
	char *text = field, line[REFUSAL_TEXT_SIZE];
	size_t length = strlen(text);

	if (!value[0])
		return wrong(reader, "a value is missing");
	snprintf(line, sizeof(line), "%s", value);
	make_printable(line);
	if (strcmp(line, value))
		return wrong(reader, "it has characters that can't be shown");
	if (length + strlen(line) + 2 > REFUSAL_TEXT_SIZE)
		return wrong(reader, "its lines have more than 510 bytes together");
	if (length)
		text[length++] = '\n';
	memcpy(text + length, line, strlen(line) + 1);
	return 0;
}

/* How often a key may be given, and what its setter is called with. */
enum takes {
	ONE_VALUE, /* once, with the value */
	WORDS,	   /* again and again, with each word of the value */
	LINES,	   /* again and again, with each line of the value */
};

/* A key before the first section. */
static const struct row {
	const char *key;
	size_t offset;
	setter *set;
	enum takes takes;
} rows[] = {
#define ROW(key, field, set, takes) \
	{ \
		key, offsetof(struct policy, field), set, takes \
	}
	ROW("accept", accept, set_network, ONE_VALUE),
	ROW("allow_domain", allowed_domains, add_allowed_domain, WORDS),
	ROW("deny_domain", denied_domains, add_domain, WORDS),
	ROW("default_domain", default_domains, add_domain, WORDS),
	ROW("guard_domain", guard_domains, add_domain, WORDS),
	ROW("allow_ech", ech_domains, add_domain, WORDS),
	ROW("allow_intercept", intercept_domains, add_domain, WORDS),
	ROW("intercept_guarded", intercept_guarded, set_flag, ONE_VALUE),
	ROW("upstream_ca", upstream_ca, set_path, ONE_VALUE),
	ROW("rule", rules, add_rule, LINES),
	ROW("rate", rate, set_rate, ONE_VALUE),
	ROW("max_rate", max_rate, set_rate, ONE_VALUE),
	ROW("max_domains", max_domains, set_max_domains, ONE_VALUE),
	ROW("max_connections", max_connections, set_max_connections, ONE_VALUE),
	ROW("header", header, set_header, ONE_VALUE),
	ROW("allow_address", allowed_addresses, add_address, WORDS),
	ROW("nat64_prefix", nat64_prefixes, add_nat64, WORDS),
	ROW("allow_public_suffix_wildcards", allow_public_suffix_wildcards, set_flag,
		ONE_VALUE),
	ROW("learn", learn, set_flag, ONE_VALUE),
	ROW("share", shares, add_share, WORDS),
	ROW("refusal_text", refusal_text, add_refusal_line, LINES),
	ROW("log", log, set_flag, ONE_VALUE),
	ROW("log_path", log_folder, set_path, ONE_VALUE),
	ROW("log_max", log_max, set_log_max, ONE_VALUE),
	ROW("log_paths", log_paths, set_flag, ONE_VALUE),
	ROW("probe", probe, set_path, ONE_VALUE),
	ROW("probe_timeout", probe_timeout, set_timeout, ONE_VALUE),
	ROW("trusted_keys", trusted_keys, set_path, ONE_VALUE),
#undef ROW
};

/* Calls `set` with each word of a value. */
static int set_words(struct reader *reader, setter *set, void *field, const char *value)
{
	_free_ char *words = strdup(value);
	char *rest = NULL, *word = words ? strtok_r(words, VALUE_SEPARATORS, &rest) : NULL;
	int error =
		word ? 0 : wrong(reader, words ? "a value is missing" : "out of memory");

	for (; word && !error; word = strtok_r(NULL, VALUE_SEPARATORS, &rest))
		error = set(reader, field, word);
	return error;
}

/* The last file gives a scalar its value. A list has the values of all files. */
static int note_file(struct reader *reader, size_t row)
{
	char **given_in = &reader->policy->given_in[row], *all = NULL;

	static_assert(ARRAY_SIZE(rows) <= POLICY_KEYS_MAX, "each key has its place");
	if (*given_in && strstr(*given_in, reader->name))
		return 0;
	if (rows[row].takes == ONE_VALUE || !*given_in)
		all = strdup(reader->name);
	else if (asprintf(&all, "%s and %s", *given_in, reader->name) < 0)
		all = NULL;
	if (!all)
		return wrong(reader, "out of memory");
	free(*given_in);
	*given_in = all;
	return 0;
}

static int set_key(struct reader *reader, const char *key, const char *value)
{
	char unknown[256];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		void *field = (char *)reader->policy + rows[i].offset;

		if (strcmp(rows[i].key, key))
			continue;
		if (note_file(reader, i))
			return -ENOMEM;
		if (rows[i].takes == WORDS)
			return set_words(reader, rows[i].set, field, value);
		if (rows[i].takes == ONE_VALUE && reader->seen & 1U << i)
			return wrong(reader, "it is given twice in this file");
		reader->seen |= 1U << i;
		return rows[i].set(reader, field, value);
	}
	snprintf(unknown, sizeof(unknown), "there is no such key; see %s",
		installed_document("policy.md"));
	return wrong(reader, unknown);
}

const char *policy_where(const struct policy *policy, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].key, key) && policy->given_in[i])
			return policy->given_in[i];
	return policy->file;
}

/*
 * The signer of that name, which is made if it is missing. NULL: there are too many
 * signers.
 */
static struct signer *find_signer(struct policy *policy, const char *name)
{
	struct signer *signers;

	for (size_t i = 0; i < policy->signer_count; i++)
		if (!strcmp(policy->signers[i].name, name))
			return &policy->signers[i];
	if (policy->signer_count == SIGNERS_MAX)
		return NULL;
	signers = reallocarray(policy->signers, policy->signer_count + 1, sizeof(*signers));
	if (!signers)
		return NULL;
	policy->signers = signers;
	signers += policy->signer_count++;
	*signers = (struct signer){};
	snprintf(signers->name, sizeof(signers->name), "%s", name);
	return signers;
}

static int set_signer_key(
	struct reader *reader, const char *section, const char *key, const char *value)
{
	const char *name = section + SIGNER_SECTION_LEN;
	struct signer *signer;

	if (strlen(section) >= SECTION_MAX ||
		strncmp(section, SIGNER_SECTION, SIGNER_SECTION_LEN) || !*name ||
		strpbrk(name, VALUE_SEPARATORS))
		return wrong(reader,
			"a section is [signer NAME], of at most 38 characters, [secret NAME], or none");
	if (strcmp(key, "allow_domain"))
		return wrong(reader, "the only key of a signer is allow_domain");
	signer = find_signer(reader->policy, name);
	return signer ? set_words(reader, add_domain, &signer->allowed, value)
		      : wrong(reader, "there are more signers than 64");
}

static int set_secret_key(
	struct reader *reader, const char *name, const char *key, const char *value)
{
	struct failure failure;

	return secret_grants_set(&reader->policy->secrets, name, key, value, &failure)
		       ? wrong(reader, failure.text)
		       : 0;
}

static int set_section_key(
	struct reader *reader, const char *section, const char *key, const char *value)
{
	if (!strncmp(section, SECRET_SECTION, SECRET_SECTION_LEN))
		return set_secret_key(reader, section + SECRET_SECTION_LEN, key, value);
	return set_signer_key(reader, section, key, value);
}

/* Notes the first problem, with its key and line, which the setters do not know. */
static void note(struct reader *reader, const char *key)
{
	char problem[sizeof(reader->problem)], shown[PRINTABLE_SIZE];

	memcpy(problem, reader->problem, sizeof(problem));
	snprintf(reader->problem, sizeof(reader->problem), "%.64s: %.180s",
		printable(key, shown), problem);
	reader->failed_line = reader->line;
}

/* inih takes a line that begins with a blank for more of the value before it. */
static bool is_continuation(const struct reader *reader, const char *value)
{
	return value == reader->buffer + strspn(reader->buffer, VALUE_BLANKS);
}

static bool is_setting(const char *text)
{
	const char *key_end = text + strspn(text, "abcdefghijklmnopqrstuvwxyz_");

	return key_end != text && key_end[strspn(key_end, VALUE_BLANKS)] == '=';
}

/* Characters that the author of a policy does not see in it. */
static int check_shape(struct reader *reader, const char *value)
{
	if (is_continuation(reader, value) && is_setting(value))
		return wrong(reader,
			"this line begins with a blank, and so goes on with the value of the line before; "
			"a key stands at the begin of its line");
	if (strstr(value, " #") || strstr(value, "\t#"))
		return wrong(reader,
			"a comment that begins with # has a line of its own; after a value it begins with ;");
	return 0;
}

static int handle(void *data, const char *section, const char *key, const char *value)
{
	struct reader *reader = data;

	if (reader->failed_line)
		return 0;
	if (!check_shape(reader, value) &&
		!(*section ? set_section_key(reader, section, key, value)
			   : set_key(reader, key, value)))
		return 1;
	note(reader, key);
	return 0;
}

/*
 * Returns a line to inih, as fgets(3) does. NULL at the end and after the first problem.
 */
static char *next_line(char *buffer, int size, void *data)
{
	struct reader *reader = data;
	size_t left = (size_t)(reader->end - reader->at);
	const char *end = left ? memchr(reader->at, '\n', left) : NULL;
	size_t length = end ? (size_t)(end + 1 - reader->at) : left;

	if (!left || reader->failed_line)
		return NULL;
	reader->line++;
	reader->buffer = buffer;
	if (length + 2 > (size_t)size || memchr(reader->at, '\0', length)) {
		wrong(reader, memchr(reader->at, '\0', length)
				      ? "the line has a NUL byte in it"
				      : "the line is too long");
		reader->failed_line = reader->line;
		return NULL;
	}
	memcpy(buffer, reader->at, length);
	buffer[length] = '\0';
	reader->at += length;
	return buffer;
}

int policy_parse(struct policy *policy, const char *name, const char *text, size_t length,
	struct failure *failure)
{
	struct reader reader = {
		.policy = policy, .name = name, .at = text, .end = text + length
	};
	int line = ini_parse_stream(next_line, &reader, handle, &reader);

	/* inih itself finds lines that are neither a section nor a key, and goes on. */
	if (line > 0 && line != reader.failed_line) {
		wrong(&reader, "this is neither KEY = VALUE nor a section");
		reader.failed_line = line;
	}
	if (!line && !reader.failed_line)
		return 0;
	return fail_as(failure, STATUS_POLICY,
		"%s:%d: %s: until that is mended no job is accepted", name,
		reader.failed_line, reader.problem);
}

static int read_file(
	struct policy *policy, const char *path, bool optional, struct failure *failure)
{
	_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_free_ char *text = NULL;
	size_t length = 0;
	int error;

	if (fd < 0 && errno == ENOENT && optional)
		return 0;
	error = fd < 0 ? -errno : file_read(fd, POLICY_SIZE_MAX, &text, &length);
	if (!error)
		return policy_parse(policy, path, text, length, failure);
	fail(failure, error, "cannot read the policy %s", path);
	failure->status = STATUS_POLICY;
	return error;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       !strcmp(entry->d_name + length - 5, ".conf");
}

static int read_drop_ins(struct policy *policy, struct failure *failure)
{
	char folder[PATH_SIZE], path[PATH_SIZE];
	struct dirent **entries = NULL;
	int count, error = path_format(folder, "%s.d", policy->file);

	count = error ? error : scandir(folder, &entries, is_drop_in, alphasort);
	if (count < 0 && !error)
		error = errno == ENOENT ? 0 : -errno;
	if (error) {
		fail(failure, error, "cannot read the policy %s.d", policy->file);
		failure->status = STATUS_POLICY;
	}
	for (int i = 0; entries && i < count; i++) {
		if (!error && path_format(path, "%s/%s", folder, entries[i]->d_name))
			error = fail_as(
				failure, STATUS_POLICY, "%s: the name is too long", folder);
		if (!error)
			error = read_file(policy, path, false, failure);
		free(entries[i]);
	}
	free(entries);
	return error;
}

int policy_load(struct policy *policy, const char *file, struct failure *failure)
{
	int error;

	policy_init(policy);
	policy->file = file ? file : POLICY_FILE;
	error = read_file(policy, policy->file, !file, failure);
	if (!error)
		error = read_drop_ins(policy, failure);
	/* Whoever names a policy may have written it, and may not be root. */
	if (!error && file)
		secret_grants_read_as(&policy->secrets, secret_caller());
	return error ? error : policy_finish(policy, failure);
}
