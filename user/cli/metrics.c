// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence metrics`. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/metrics_server.h"
#include "cli/metrics_text.h"
#include "lib/cleanup.h"

/* Writes the metrics to a new file. The caller removes it after a failure. */
static int write_new(int fd, struct failure *failure)
{
	FILE *out = fdopen(fd, "w");
	int error = out ? metrics_write(out, false, failure) : -errno;

	if (!out)
		close(fd);
	else if (!error && (fflush(out) || ferror(out) || fchmod(fd, 0644)))
		error = -errno;
	if (out && fclose(out) && !error)
		error = -errno;
	return error;
}

/*
 * node_exporter may read the file at any time. So it is written beside and renamed. The new
 * file has another ending, as node_exporter reads all that end with .prom.
 */
static int write_textfile(const char *path, struct failure *failure)
{
	char fresh[PATH_SIZE];
	int fd, error;

	if (path_format(fresh, "%s.XXXXXX", path))
		return fail(failure, -ENAMETOOLONG, "cannot write %s", path);
	fd = mkostemp(fresh, O_CLOEXEC);
	if (fd < 0)
		return fail(failure, -errno, "cannot write %s", path);
	error = write_new(fd, failure);
	if (!error && rename(fresh, path))
		error = -errno;
	if (!error)
		return 0;
	unlink(fresh);
	return failure->text[0] ? error : fail(failure, error, "cannot write %s", path);
}

int metrics_command(struct options *options, int *status, struct failure *failure)
{
	_fd_ int listener = -1;

	(void)status;
	if (options->count || (options->textfile && options->listen))
		return fail_as(failure, STATUS_USAGE,
			"metrics takes no names, and one of --textfile and --listen");
	if (options->textfile)
		return write_textfile(options->textfile, failure);
	listener = options->listen ? metrics_listen(options->listen, failure)
				   : metrics_inherited_socket();
	if (options->listen && listener < 0)
		return listener;
	return listener < 0 ? metrics_write(stdout, true, failure)
			    : metrics_serve(listener, failure);
}
