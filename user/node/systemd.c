// SPDX-License-Identifier: BSD-2-Clause
/*
 * See systemd.h. The functions of sd-bus(3) are declared here, since nothing else of the
 * library's headers is needed. Their binary interface is stable.
 */

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/files.h"
#include "lib/library.h"
#include "node/systemd.h"

#define LIBRARY	     "libsystemd.so.0"
#define BOOTED	     "/run/systemd/system" /* sd_booted(3) */
#define DIRECT	     "unix:path=/run/systemd/private"
#define DESTINATION  "org.freedesktop.systemd1"
#define OBJECT	     "/org/freedesktop/systemd1"
#define MANAGER	     "org.freedesktop.systemd1.Manager"
#define NO_SUCH_UNIT "org.freedesktop.systemd1.NoSuchUnit"
#define UNIT_EXISTS  "org.freedesktop.systemd1.UnitExists"
#define PATIENCE     60000	/* ms that a job of systemd has to end */
#define LOOK_AGAIN   1000000ULL /* us */
#define RESULT_SIZE  32
#define OBJECT_SIZE  128

typedef struct sd_bus sd_bus;
typedef struct sd_bus_message sd_bus_message;
typedef struct sd_bus_slot sd_bus_slot;
typedef struct {
	const char *name, *message;
	int need_free;
} sd_bus_error;
typedef int sd_bus_handler(sd_bus_message *message, void *data, sd_bus_error *error);

static struct {
	int (*open_system)(sd_bus **bus);
	int (*create)(sd_bus **bus);
	int (*set_address)(sd_bus *bus, const char *address);
	int (*start)(sd_bus *bus);
	sd_bus *(*close)(sd_bus *bus);
	int (*match_signal)(sd_bus *bus, sd_bus_slot **slot, const char *sender,
		const char *path, const char *interface, const char *member,
		sd_bus_handler *handler, void *data);
	int (*call)(sd_bus *bus, const char *destination, const char *path,
		const char *interface, const char *member, sd_bus_error *error,
		sd_bus_message **reply, const char *types, ...);
	int (*read)(sd_bus_message *message, const char *types, ...);
	sd_bus_message *(*unref)(sd_bus_message *message);
	void (*error_free)(sd_bus_error *error);
	int (*process)(sd_bus *bus, sd_bus_message **message);
	int (*wait)(sd_bus *bus, uint64_t microseconds);
} library;

static void close_bus(sd_bus **bus)
{
	if (*bus)
		library.close(*bus);
}

static void free_message(sd_bus_message **message)
{
	if (*message)
		library.unref(*message);
}

/* A job of systemd, and how it ended. */
struct ending {
	char job[OBJECT_SIZE];	  /* empty: not known yet */
	char result[RESULT_SIZE]; /* empty: it has not ended */
};

int systemd_load(struct failure *failure)
{
	const struct library_function functions[] = {
		{ "sd_bus_open_system", (void **)&library.open_system },
		{ "sd_bus_new", (void **)&library.create },
		{ "sd_bus_set_address", (void **)&library.set_address },
		{ "sd_bus_start", (void **)&library.start },
		{ "sd_bus_flush_close_unref", (void **)&library.close },
		{ "sd_bus_match_signal", (void **)&library.match_signal },
		{ "sd_bus_call_method", (void **)&library.call },
		{ "sd_bus_message_read", (void **)&library.read },
		{ "sd_bus_message_unref", (void **)&library.unref },
		{ "sd_bus_error_free", (void **)&library.error_free },
		{ "sd_bus_process", (void **)&library.process },
		{ "sd_bus_wait", (void **)&library.wait },
	};

	if (!file_exists(BOOTED))
		return fail_as(failure, STATUS_FAILED,
			"--slice needs systemd as the first process of the node, and it is another; "
			"leave --slice out: the job's cgroup is then jobfence's own");
	return library_load(LIBRARY, "--slice", functions, ARRAY_SIZE(functions), failure);
}

/* Connects to systemd's own socket, which is there without a daemon of D-Bus as well. */
static int connect_directly(sd_bus **bus)
{
	int error = library.create(bus);

	if (error >= 0)
		error = library.set_address(*bus, DIRECT);
	return error < 0 ? error : library.start(*bus);
}

/* Notes how a job of systemd ended. Only one is awaited, and it is the last one. */
static int note_end(sd_bus_message *message, void *data, sd_bus_error *error)
{
	const char *job, *unit, *result;
	struct ending *ending = data;
	uint32_t id;

	(void)error;
	if (library.read(message, "uoss", &id, &job, &unit, &result) >= 0 &&
		!strcmp(job, ending->job))
		snprintf(ending->result, sizeof(ending->result), "%s", result);
	return 0;
}

/*
 * Loads the library, and opens a connection that hears of the ends of jobs. The sender is
 * only known if there is a daemon between.
 */
static int open_bus(sd_bus **bus, struct ending *ending, struct failure *failure)
{
	const char *sender = DESTINATION;
	int error = systemd_load(failure);

	if (error)
		return error;
	error = library.open_system(bus);
	if (error < 0) {
		sender = NULL;
		error = connect_directly(bus);
	}
	if (error >= 0)
		error = library.match_signal(*bus, NULL, sender, OBJECT, MANAGER,
			"JobRemoved", note_end, ending);
	if (error >= 0)
		error = library.call(
			*bus, DESTINATION, OBJECT, MANAGER, "Subscribe", NULL, NULL, "");
	return error < 0 ? fail(failure, error, "cannot reach systemd by D-Bus") : 0;
}

static int await_end(sd_bus *bus, const struct ending *ending)
{
	const int64_t end = clock_ms(CLOCK_MONOTONIC) + PATIENCE;
	int done = 1;

	while (!ending->result[0] && done >= 0) {
		if (clock_ms(CLOCK_MONOTONIC) > end)
			return -ETIMEDOUT;
		done = library.process(bus, NULL);
		if (!done)
			done = library.wait(bus, LOOK_AGAIN);
	}
	return done < 0 ? done : 0;
}

/* Waits for the end of the job that systemd's reply names. */
static int finish(sd_bus *bus, sd_bus_message *reply, struct ending *ending,
	const char *verb, const char *unit, struct failure *failure)
{
	const char *job;
	int error = library.read(reply, "o", &job);

	if (error >= 0) {
		snprintf(ending->job, sizeof(ending->job), "%s", job);
		error = await_end(bus, ending);
	}
	if (error < 0)
		return fail(failure, error, "cannot %s %s", verb, unit);
	return strcmp(ending->result, "done")
		       ? fail_as(failure, STATUS_FAILED,
				 "systemd did not %s %s: its job ended with '%s'", verb,
				 unit, ending->result)
		       : 0;
}

/* Whether systemd answered with that error. In that case the error is freed. */
static bool says(sd_bus_error *error, const char *name)
{
	if (!error->name || strcmp(error->name, name) != 0)
		return false;
	library.error_free(error);
	return true;
}

static int refused(const char *verb, const char *unit, int error, sd_bus_error *why,
	struct failure *failure)
{
	error = fail(failure, error, "systemd does not %s %s: %s", verb, unit,
		why->message ? why->message : "it gives no reason");
	library.error_free(why);
	return error;
}

int systemd_start_slice(const char *unit, struct failure *failure)
{
	_cleanup_(close_bus) sd_bus *bus = NULL;
	_cleanup_(free_message) sd_bus_message *reply = NULL;
	struct ending ending = {};
	sd_bus_error why = {};
	int error = open_bus(&bus, &ending, failure);

	if (error)
		return error;
	/*
	 * systemd delegates no slices. Accounting brings the controllers, with which
	 * engines limit what they start in it.
	 */
	error = library.call(bus, DESTINATION, OBJECT, MANAGER, "StartTransientUnit", &why,
		&reply, "ssa(sv)a(sa(sv))", unit, "fail", 6, "Description", "s",
		"Job behind a network fence", "CollectMode", "s", "inactive-or-failed",
		"CPUAccounting", "b", 1, "MemoryAccounting", "b", 1, "IOAccounting", "b", 1,
		"TasksAccounting", "b", 1, 0);
	/*
	 * systemd may not have forgotten the slice of an earlier job, or has a file for it.
	 */
	if (error < 0 && says(&why, UNIT_EXISTS))
		error = library.call(bus, DESTINATION, OBJECT, MANAGER, "StartUnit", &why,
			&reply, "ss", unit, "fail");
	if (error < 0)
		return refused("start", unit, error, &why, failure);
	return finish(bus, reply, &ending, "start", unit, failure);
}

int systemd_stop_slice(const char *unit, struct failure *failure)
{
	_cleanup_(close_bus) sd_bus *bus = NULL;
	_cleanup_(free_message) sd_bus_message *reply = NULL;
	struct ending ending = {};
	sd_bus_error why = {};
	int error = open_bus(&bus, &ending, failure);

	if (error)
		return error;
	error = library.call(bus, DESTINATION, OBJECT, MANAGER, "StopUnit", &why, &reply,
		"ss", unit, "replace");
	if (error < 0 && says(&why, NO_SUCH_UNIT))
		return 0;
	if (error < 0)
		return refused("stop", unit, error, &why, failure);
	return finish(bus, reply, &ending, "stop", unit, failure);
}
