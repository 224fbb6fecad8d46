// SPDX-License-Identifier: BSD-2-Clause
/*
 * See top_screen.h. Signals are blocked but while ppoll(2) waits, so none is missed.
 * ncurses itself handles SIGTSTP and SIGWINCH.
 *
 * The screen is drawn anew after each key and each sample. ncurses sends only what changed.
 */

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/top_curses.h"
#include "cli/top_detail.h"
#include "cli/top_screen.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/moment.h"
#include "lib/printable.h"

#define HEIGHT_MIN 8
#define ESCAPE	   27
#define SHIFT	   16
#define HEAD	   4 /* lines above the jobs: sums, view, blank, header */

#define STOPPING 3 /* signals that end top */

enum page { PAGE_LIST, PAGE_DETAIL, PAGE_HELP };

struct screen {
	SCREEN *terminal;
	sigset_t before;
	struct sigaction actions[STOPPING]; /* as they were */
	uint64_t interval;		    /* ns */
	enum page page, back;		    /* `back`: where the help was asked for */
	bool typing;			    /* a filter is being typed */
	bool colour, quit;
	struct top_view view;
	/* The jobs that are shown. */
	const struct top_job **jobs;
	size_t count, all;
	char selected[JOB_NAME_MAX + 1];
	size_t at, first; /* the selected job, and the first one on the screen */
	bool chosen;	  /* a key selected it. Otherwise it is the one in the top row */
	struct top_detail detail;
	char *text;    /* of the detail or the help */
	size_t scroll; /* lines of the text above the screen */
	size_t shift;  /* columns of the text left of the screen */
};

static struct top_curses curses;

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

static const int stopping[STOPPING] = { SIGINT, SIGTERM, SIGHUP };

/* ncurses would handle these otherwise. What the caller ignores stays ignored. */
static void catch_signals(struct screen *screen)
{
	const struct sigaction action = { .sa_handler = stop };
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < STOPPING; i++)
		sigaddset(&signals, stopping[i]);
	sigprocmask(SIG_BLOCK, &signals, &screen->before);
	for (size_t i = 0; i < STOPPING; i++) {
		sigaction(stopping[i], NULL, &screen->actions[i]);
		if (screen->actions[i].sa_handler != SIG_IGN)
			sigaction(stopping[i], &action, NULL);
	}
}

static void release_signals(const struct screen *screen)
{
	for (size_t i = 0; i < STOPPING; i++)
		sigaction(stopping[i], &screen->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &screen->before, NULL);
}

static void screen_close(struct screen *screen)
{
	if (screen->terminal) {
		curses.endwin();
		curses.delscreen(screen->terminal);
		release_signals(screen);
	}
	top_detail_close(&screen->detail);
	free(screen->jobs);
	free(screen->text);
}

static int screen_open(struct screen *screen, struct failure *failure)
{
	const char *plain = getenv("NO_COLOR");
	int error = top_curses_load(&curses, failure);

	if (error)
		return error;
	setlocale(LC_CTYPE, "");
	catch_signals(screen);
	screen->terminal = curses.newterm(NULL, stdout, stdin);
	if (!screen->terminal) {
		release_signals(screen);
		return fail_as(failure, STATUS_FAILED, "the terminal can't be set up");
	}
	if (!(plain && plain[0]) && curses.has_colors() && curses.start_color() == OK) {
		curses.use_default_colors();
		screen->colour = curses.init_pair(1, COLOR_RED, -1) == OK;
	}
	curses.cbreak();
	curses.noecho();
	curses.nonl();
	curses.keypad(*curses.window, TRUE);
	curses.nodelay(*curses.window, TRUE);
	curses.set_escdelay(50);
	curses.curs_set(0);
	return 0;
}

/* Writes a line of the screen, cut at its width. */
static void put(int row, int attributes, const char *text, size_t length)
{
	char line[1024];

	if (length > (size_t)*curses.columns)
		length = (size_t)*curses.columns;
	if (length >= sizeof(line))
		length = sizeof(line) - 1;
	memcpy(line, text, length);
	line[length] = '\0';
	make_printable(line);
	curses.attron(attributes);
	curses.mvaddstr(row, 0, line);
	curses.attroff(attributes);
}

static void __attribute__((format(printf, 3, 4)))
putf(int row, int attributes, const char *format, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	put(row, attributes, line, strlen(line));
}

static int rows(void)
{
	return *curses.lines - HEAD - 1;
}

/*
 * Keeps the job that was chosen selected, wherever it moved, and on the screen. Until one
 * is, the top row stays selected, whichever job comes there.
 */
static void follow_selected(struct screen *screen)
{
	if (!screen->chosen)
		screen->at = 0;
	for (size_t i = 0; screen->chosen && i < screen->count; i++)
		if (!strcmp(screen->jobs[i]->name, screen->selected))
			screen->at = i;
	if (screen->at >= screen->count)
		screen->at = screen->count ? screen->count - 1 : 0;
	if (screen->at < screen->first)
		screen->first = screen->at;
	if (rows() > 0 && screen->at >= screen->first + (size_t)rows())
		screen->first = screen->at - (size_t)rows() + 1;
	if (screen->count)
		snprintf(screen->selected, sizeof(screen->selected), "%s",
			screen->jobs[screen->at]->name);
}

static void select_job(struct screen *screen, size_t at)
{
	screen->chosen |= at != screen->at;
	screen->at = at < screen->count ? at : screen->count ? screen->count - 1 : 0;
	if (screen->count)
		snprintf(screen->selected, sizeof(screen->selected), "%s",
			screen->jobs[screen->at]->name);
}

/* Takes the jobs of the last sample, or the same jobs for a view that changed. */
static int arrange(struct screen *screen, const struct top_sampler *sampler)
{
	free(screen->jobs);
	screen->count = 0;
	screen->jobs = calloc(sampler->count + 1, sizeof(const struct top_job *));
	if (!screen->jobs)
		return -ENOMEM;
	screen->all = top_jobs(sampler, screen->jobs);
	screen->count = top_view_apply(&screen->view, screen->jobs, screen->all);
	follow_selected(screen);
	return 0;
}

static void draw_head(const struct screen *screen)
{
	struct top_sums sums = top_sum(screen->jobs, screen->count);
	char time[MOMENT_TEXT_MAX], down[TOP_NUMBER_MAX], up[TOP_NUMBER_MAX];

	moment_format_real(clock_ns(CLOCK_REALTIME), time);
	top_format_number(sums.down_rate, down);
	top_format_number(sums.up_rate, up);
	putf(0, 0, "jobfence top  %zu jobs, %zu up  %sbit/s down, %sbit/s up  %llu open",
		screen->count, sums.up, down, up, (unsigned long long)sums.open);
	if (screen->typing)
		putf(1, A_BOLD, "filter: %s_", screen->view.filter);
	else
		putf(1, 0, "%s  by %s%s%s%s%s", time, top_column_name(screen->view.order),
			screen->view.reversed ? ", turned" : "",
			screen->view.busy ? ", only busy ones" : "",
			screen->view.filter[0] ? ", filter: " : "", screen->view.filter);
}

static void draw_list(const struct screen *screen)
{
	char line[TOP_WIDTH_MAX + 1];

	draw_head(screen);
	top_format_header(line, *curses.columns);
	put(3, A_BOLD, line, strlen(line));
	for (int i = 0; i < rows() && screen->first + (size_t)i < screen->count; i++) {
		size_t at = screen->first + (size_t)i;
		const struct top_job *job = screen->jobs[at];
		int attributes = at == screen->at ? A_REVERSE : 0;

		if (screen->colour && strcmp(job->state, "up") != 0)
			attributes |= curses.COLOR_PAIR(1);
		top_format_job(job, line, *curses.columns);
		put(HEAD + i, attributes, line, strlen(line));
	}
	if (!screen->count)
		put(HEAD, 0, "no jobs", 7);
	putf(*curses.lines - 1, 0,
		"h help  enter detail  / filter  i busy ones  sort: d u c r f t m n s l  q quit");
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; text && (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

/* Draws the text from the line on that `scroll` says. */
static void draw_text(struct screen *screen)
{
	const char *text = screen->text;
	size_t shown = (size_t)*curses.lines - 3, lines = count_lines(text);

	if (screen->scroll + shown > lines)
		screen->scroll = lines > shown ? lines - shown : 0;
	for (size_t i = 0; i < screen->scroll; i++)
		text = strchr(text, '\n') + 1;
	for (int row = 2; row < *curses.lines - 1 && text && *text; row++) {
		size_t length = strcspn(text, "\n");

		if (length > screen->shift)
			put(row, 0, text + screen->shift, length - screen->shift);
		text += length + (text[length] == '\n');
	}
	put(*curses.lines - 1, 0, "q back  arrows scroll", 21);
}

static void draw(struct screen *screen)
{
	curses.erase();
	if (*curses.columns < TOP_WIDTH_MIN || *curses.lines < HEIGHT_MIN) {
		putf(0, 0, "top needs %d columns", TOP_WIDTH_MIN);
		putf(1, 0, "and %d lines, not %dx%d", HEIGHT_MIN, *curses.columns,
			*curses.lines);
		putf(2, 0, "q quit; or: --batch");
	} else if (screen->page == PAGE_LIST) {
		follow_selected(screen);
		draw_list(screen);
	} else {
		putf(0, A_REVERSE, "%-*s", *curses.columns > 255 ? 255 : *curses.columns,
			screen->page == PAGE_HELP ? "jobfence top: keys"
						  : screen->detail.name);
		draw_text(screen);
	}
	curses.refresh();
}

/* Writes the text of the page anew. */
static int write_text(struct screen *screen)
{
	const struct top_job *row = NULL;
	size_t length;
	FILE *to;

	free(TAKE_POINTER(screen->text));
	to = open_memstream(&screen->text, &length);
	if (!to)
		return -errno;
	for (size_t i = 0; i < screen->all; i++)
		if (!strcmp(screen->jobs[i]->name, screen->detail.name))
			row = screen->jobs[i];
	if (screen->page == PAGE_DETAIL)
		top_detail_write(&screen->detail, row, to);
	for (int i = 0; screen->page == PAGE_HELP && i < TOP_COLUMNS; i++)
		fprintf(to, "  %c          sort by %s; again: turn the order\n",
			top_column_key((enum top_column)i),
			top_column_name((enum top_column)i));
	if (screen->page == PAGE_HELP)
		fputs("  arrows     select a job; also j, k, page up, page down, home, end\n"
		      "  enter      one job in detail\n"
		      "  /          show only jobs with this in their name or state\n"
		      "  escape     show all jobs again\n"
		      "  i          only jobs with a connection or traffic, and back\n"
		      "  space      take a sample now\n"
		      "  q          quit, or back to the list\n",
			to);
	return fclose(to) ? -errno : 0;
}

static int turn_to(struct screen *screen, enum page page)
{
	screen->page = page;
	screen->scroll = screen->shift = 0;
	return page == PAGE_LIST ? 0 : write_text(screen);
}

static int open_detail(struct screen *screen)
{
	if (!screen->count)
		return 0;
	screen->chosen = true;
	top_detail_close(&screen->detail);
	top_detail_open(&screen->detail, screen->selected);
	return turn_to(screen, PAGE_DETAIL);
}

/* Edits the filter. It holds while it is typed. */
static void type(struct screen *screen, int key)
{
	char *filter = screen->view.filter;
	size_t length = strlen(filter);

	if (key == '\r' || key == '\n' || key == KEY_ENTER) {
		screen->typing = false;
	} else if (key == ESCAPE) {
		screen->typing = false;
		filter[0] = '\0';
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		if (length)
			filter[length - 1] = '\0';
	} else if (key > ' ' && key <= '~' && length + 1 < TOP_FILTER_MAX) {
		filter[length] = (char)key;
		filter[length + 1] = '\0';
	}
}

/* Returns where a key moves to, from a place. */
static size_t moved(int key, size_t at, size_t page, size_t end)
{
	switch (key) {
	case KEY_UP:
	case 'k':
		return at ? at - 1 : 0;
	case KEY_DOWN:
	case 'j':
		return at + 1;
	case KEY_PPAGE:
		return at > page ? at - page : 0;
	case KEY_NPAGE:
		return at + page;
	case KEY_HOME:
		return 0;
	case KEY_END:
		return end;
	default:
		return at;
	}
}

static int take_list_key(struct screen *screen, int key)
{
	switch (key) {
	case 'q':
		screen->quit = true;
		return 0;
	case '/':
		screen->typing = true;
		return 0;
	case ESCAPE:
		screen->view.filter[0] = '\0';
		return 0;
	case 'i':
		screen->view.busy = !screen->view.busy;
		return 0;
	case '\r':
	case '\n':
	case KEY_ENTER:
		return open_detail(screen);
	default:
		for (int i = 0; i < TOP_COLUMNS; i++)
			if (key == top_column_key((enum top_column)i))
				top_view_sort(&screen->view, (enum top_column)i);
		select_job(screen, moved(key, screen->at, (size_t)rows(), screen->count));
		return 0;
	}
}

static int take_text_key(struct screen *screen, int key)
{
	if (key == KEY_RIGHT)
		screen->shift += SHIFT;
	else if (key == KEY_LEFT && screen->shift)
		screen->shift -= SHIFT;
	if (key != 'q' && key != ESCAPE) {
		screen->scroll = moved(key, screen->scroll, (size_t)*curses.lines - 3,
			count_lines(screen->text));
		return 0;
	}
	return turn_to(screen, screen->page == PAGE_HELP ? screen->back : PAGE_LIST);
}

static int take_key(struct screen *screen, int key)
{
	if (key == KEY_RESIZE)
		return 0;
	if (*curses.columns < TOP_WIDTH_MIN || *curses.lines < HEIGHT_MIN) {
		screen->quit = key == 'q';
		return 0;
	}
	if (screen->typing) {
		type(screen, key);
		return 0;
	}
	if ((key == 'h' || key == '?') && screen->page != PAGE_HELP) {
		screen->back = screen->page;
		return turn_to(screen, PAGE_HELP);
	}
	return screen->page == PAGE_LIST ? take_list_key(screen, key)
					 : take_text_key(screen, key);
}

/* Waits for a key, a signal or the time. Returns 0, or -EIO if the terminal went away. */
static int wait_until(const struct screen *screen, uint64_t time)
{
	struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now = clock_ns(CLOCK_MONOTONIC), left = time > now ? time - now : 0;
	const struct timespec timeout = { .tv_sec = (time_t)(left / SECOND),
		.tv_nsec = (long)(left % SECOND) };

	if (ppoll(&keys, 1, &timeout, &screen->before) < 0)
		return errno == EINTR ? 0 : -errno;
	return (keys.revents & (POLLHUP | POLLERR | POLLNVAL)) ? -EIO : 0;
}

/* Takes all keys that were pressed. Returns 0, 1 for a sample at once, or -errno. */
static int take_keys(struct screen *screen, const struct top_sampler *sampler)
{
	int key, error = 0, sample = 0;

	while (!error && !screen->quit && (key = curses.getch()) != ERR) {
		sample |= key == ' ' && !screen->typing;
		error = take_key(screen, key);
		if (!error)
			error = arrange(screen, sampler);
	}
	return error ? error : sample;
}

static int take_sample(
	struct screen *screen, struct top_sampler *sampler, struct failure *failure)
{
	int error = top_sample(sampler, screen->interval / TOP_CLOSELY, failure);

	if (error)
		return error;
	error = arrange(screen, sampler);
	if (!error && screen->page != PAGE_LIST)
		error = write_text(screen);
	return error ? fail(failure, error, "cannot show the jobs") : 0;
}

static int show(struct screen *screen, struct top_sampler *sampler, struct failure *failure)
{
	uint64_t next = clock_ns(CLOCK_MONOTONIC);
	int error = 0;

	while (!error && !stopped && !screen->quit) {
		if (clock_ns(CLOCK_MONOTONIC) >= next) {
			error = take_sample(screen, sampler, failure);
			if (error)
				return error;
			next = clock_ns(CLOCK_MONOTONIC) + screen->interval;
		}
		draw(screen);
		error = wait_until(screen, next);
		if (!error)
			error = take_keys(screen, sampler);
		if (error > 0)
			next = error = 0;
	}
	return error ? fail(failure, error, "the terminal can't be used any more") : 0;
}

int top_screen(struct top_sampler *sampler, const struct options *options, int *signal,
	struct failure *failure)
{
	_cleanup_(screen_close) struct screen screen = { .interval = options->interval,
		.view = { .order = TOP_DOWN },
		.detail = { .log = LOG_READER_CLOSED } };
	int error = screen_open(&screen, failure);

	if (!error)
		error = show(&screen, sampler, failure);
	*signal = stopped == SIGINT ? 0 : stopped;
	return error;
}
