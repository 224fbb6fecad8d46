// SPDX-License-Identifier: BSD-2-Clause
/*
 * See news.h. The lines are written before the event, so a reader who sees the event finds
 * them. Several commands may write at once: each writes its line in one piece to the end of
 * the file.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "job/jobs.h"
#include "job/news.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/files.h"
#include "node/journal.h"

#define NEWS_PATH    RUN_FOLDER "/events"
#define DETAILS_PATH RUN_FOLDER "/events.details"
#define OLD	     ".1"
#define NEWS_SIZE    (1UL << 20)  /* bytes of one file */
#define LABELS_SIZE  1024	  /* bytes of labels beside a name */
#define REPORT_SIZE  (16UL << 10) /* bytes of a report in a line */
#define ID_TEXT_MAX  24

/*
 * Gives a full file its other name. The lock is tried and never waited for. Another command
 * that has it does the same.
 */
static void make_room(int fd, const char *path, const char *old)
{
	struct stat opened, there;

	if (fstat(fd, &opened) || (size_t)opened.st_size < NEWS_SIZE)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return;
	if (!stat(path, &there) && there.st_ino == opened.st_ino)
		(void)rename(path, old);
}

static json_t *make_line(const struct job *job, const struct event *event, const char *what,
	const json_t *labels)
{
	return json_pack("{s:I, s:I, s:i, s:s, s:s?, s:O?}", "id", (json_int_t)event->job,
		"time", (json_int_t)event->time, "kind", (int)event->kind, "job",
		job->spec.name, "what", what, "labels", labels);
}

/* What a line of names is too short for. */
static json_t *make_details(
	const struct event *event, const json_t *labels, const json_t *report)
{
	return json_pack("{s:I, s:I, s:i, s:O*, s:O*}", "id", (json_int_t)event->job,
		"time", (json_int_t)event->time, "kind", (int)event->kind, "labels", labels,
		"report", report);
}

/* Halves a list of a report, which has the most frequent first. Returns whether it did. */
static bool halve(json_t *report, const char *list)
{
	json_t *array = json_object_get(report, list);
	size_t count = json_array_size(array);

	for (size_t i = count; i > count / 2; i--)
		json_array_remove(array, i - 1);
	return count;
}

static bool is_short(const json_t *report)
{
	return json_dumpb(report, NULL, 0, JSON_COMPACT) <= REPORT_SIZE;
}

/*
 * The report, a shorter copy, or NULL. A job chooses how many names it asks for, and must
 * not push out what is known of others.
 */
static json_t *short_report(json_t *report)
{
	_json_ json_t *copy = NULL;

	if (!report || is_short(report))
		return json_incref(report);
	copy = json_deep_copy(report);
	while (copy && !is_short(copy))
		if (!halve(copy, "refusals") && !halve(copy, "learned") &&
			!halve(copy, "learned_rules"))
			return NULL;
	return TAKE_POINTER(copy);
}

/* Ends a line that the file system had no room for. A reader passes over it. */
static int end_last_line(int fd)
{
	struct stat state;
	char last = '\n';

	if (fstat(fd, &state))
		return -errno;
	if (state.st_size && pread(fd, &last, 1, state.st_size - 1) != 1)
		return -EIO;
	return last == '\n' || write(fd, "\n", 1) == 1 ? 0 : -ENOSPC;
}

/* Takes the line over. */
static void write_line(json_t *line, const char *path, const char *old)
{
	_fd_ int fd =
		open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	_free_ char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	_free_ char *ended = NULL;
	int length = text ? asprintf(&ended, "%s\n", text) : -1;

	json_decref(line);
	if (length < 0)
		ended = NULL;
	if (!ended || fd < 0 || end_last_line(fd))
		return;
	if (write(fd, ended, (size_t)length) >= 0)
		make_room(fd, path, old);
}

void news_tell(
	const struct job *job, enum event_kind kind, const char *what, json_t *report)
{
	struct event event = { .time = clock_ns(CLOCK_BOOTTIME),
		.job = job->id,
		.pid = (__u32)getpid(),
		.kind = (__u16)kind,
		.comm = "jobfence" };
	_json_ json_t *kept = short_report(report);
	const json_t *labels = job->spec.labels;
	bool apart = labels && json_dumpb(labels, NULL, 0, JSON_COMPACT) > LABELS_SIZE;

	snprintf(event.name, sizeof(event.name), "%s", job->spec.name);
	/* First, so that a reader of a name finds what belongs to it. */
	if (apart || kept)
		write_line(make_details(&event, apart ? labels : NULL, kept), DETAILS_PATH,
			DETAILS_PATH OLD);
	write_line(make_line(job, &event, what, apart ? NULL : labels), NEWS_PATH,
		NEWS_PATH OLD);
	(void)journal_write(&event);
}

static void id_format(uint64_t id, char text[ID_TEXT_MAX])
{
	snprintf(text, ID_TEXT_MAX, "%llu", (unsigned long long)id);
}

/* Adds a line, which it takes over. Returns 0 or -ENOMEM. */
static int add(json_t *lines, uint64_t id, json_t *line)
{
	char key[ID_TEXT_MAX];
	json_t *of_job;

	id_format(id, key);
	of_job = json_object_get(lines, key);
	if (!of_job && json_object_set_new(lines, key, json_array())) {
		json_decref(line);
		return -ENOMEM;
	}
	of_job = json_object_get(lines, key);
	return json_array_append_new(of_job, line) ? -ENOMEM : 0;
}

/* Adds what a line has to the one of the same moment. Without that one it says nothing. */
static int add_details(json_t *lines, uint64_t id, json_t *details)
{
	char key[ID_TEXT_MAX];
	int error = 0;
	json_t *line;
	size_t i;

	id_format(id, key);
	json_array_foreach (json_object_get(lines, key), i, line)
		if (json_equal(json_object_get(line, "time"),
			    json_object_get(details, "time")) &&
			json_equal(json_object_get(line, "kind"),
				json_object_get(details, "kind")) &&
			json_object_update(line, details))
			error = -ENOMEM;
	json_decref(details);
	return error;
}

static bool is_line(const json_t *line, bool details)
{
	return json_is_integer(json_object_get(line, "id")) &&
	       json_is_integer(json_object_get(line, "time")) &&
	       (details || json_is_string(json_object_get(line, "job")));
}

/* Lines that are cut, or of another version, are passed over. */
static int read_lines(json_t *lines, FILE *file, bool details)
{
	_free_ char *text = NULL;
	size_t size = 0;
	int error = 0;

	while (!error && file && getline(&text, &size, file) > 0) {
		json_t *line = json_loads(text, 0, NULL);

		uint64_t id = (uint64_t)json_integer_value(json_object_get(line, "id"));

		if (!is_line(line, details))
			json_decref(line);
		else
			error = details ? add_details(lines, id, line)
					: add(lines, id, line);
	}
	return error;
}

/* Returns NULL if there is no such file. */
static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_file_ FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	struct stat state;

	if (fd >= 0 && !file)
		close(fd);
	if (!file || fstat(fd, &state) || !S_ISREG(state.st_mode))
		return NULL;
	return TAKE_POINTER(file);
}

static bool is_same(FILE *one, FILE *other)
{
	struct stat first, second;

	return one && other && !fstat(fileno(one), &first) &&
	       !fstat(fileno(other), &second) && first.st_ino == second.st_ino;
}

/* In this order nothing is missed if the file becomes the old one meanwhile. */
static int read_both(json_t *lines, const char *path, const char *older, bool details)
{
	_file_ FILE *file = open_file(path);
	_file_ FILE *old = open_file(older);
	int error = is_same(old, file) ? 0 : read_lines(lines, old, details);

	return error ? error : read_lines(lines, file, details);
}

int news_read(struct news *news)
{
	struct stat now = {};
	_json_ json_t *lines = NULL;
	int error;

	if (lstat(NEWS_PATH, &now))
		now = (struct stat){};
	if (news->lines && now.st_ino == news->file.st_ino &&
		now.st_size == news->file.st_size)
		return 0;
	lines = json_object();
	error = lines ? read_both(lines, NEWS_PATH, NEWS_PATH OLD, false) : -ENOMEM;
	if (!error)
		error = read_both(lines, DETAILS_PATH, DETAILS_PATH OLD, true);
	if (error)
		return error;
	news_free(news);
	*news = (struct news){ .lines = TAKE_POINTER(lines), .file = now };
	return 0;
}

void news_free(struct news *news)
{
	json_decref(news->lines);
	*news = (struct news){};
}

static uint64_t time_of(const json_t *line)
{
	return (uint64_t)json_integer_value(json_object_get(line, "time"));
}

static bool is_end(const json_t *line)
{
	return json_integer_value(json_object_get(line, "kind")) == EVENT_ENDED;
}

/*
 * A cgroup of others may have one job after another. The last line before the event is of
 * the job that the event is of. After the end of a job the next one is already coming up.
 */
static const json_t *choose(const json_t *of_job, const struct event *event)
{
	const json_t *line, *best = NULL;
	size_t i;

	json_array_foreach ((json_t *)of_job, i, line) {
		bool later = time_of(line) > event->time;

		if (later && best && (!is_end(best) || time_of(best) == event->time))
			break;
		best = line;
		if (later)
			break;
	}
	return best;
}

static int remember(const struct job *job, void *data)
{
	const struct event event = { .job = job->id };
	struct news *news = data;
	char key[ID_TEXT_MAX];
	json_t *line;

	id_format(job->id, key);
	if (json_array_size(json_object_get(news->lines, key)))
		return 0;
	line = make_line(job, &event, NULL, job->spec.labels);
	return line ? add(news->lines, job->id, line) : -ENOMEM;
}

const json_t *news_find(struct news *news, const struct event *event)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);
	struct failure ignored;
	char key[ID_TEXT_MAX];

	id_format(event->job, key);
	if (!json_object_get(news->lines, key) && now - news->searched >= SECOND) {
		news->searched = now;
		job_each(remember, news, &ignored);
	}
	return choose(json_object_get(news->lines, key), event);
}
