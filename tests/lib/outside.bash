# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Processes outside the job, which a command of the job may try to use.

# shellcheck source=tests/lib/job.bash
. "${BASH_SOURCE[0]%/*}/job.bash"

# The cases that such a command tries. It is a copy, since $LIB may be where only root can
# read.
OUTSIDE=/srv/attacks/outside.py

setup()
{
	lab_forget
	chmod 777 "$BATS_TEST_TMPDIR"
	in_lab install -D -m 755 -t "${OUTSIDE%/*}" "$LIB"/{outside,sockets}.py
}

# Ends the process that a test left outside, then the job.
teardown()
{
	[ -z "${HELPER:-}" ] || in_lab kill "$HELPER"
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	nothing_is_left
}

# Starts the command as a process outside the job, HELPER in the lab. It prints "ready"
# once it is ready.
helper_up()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$0" && exec "$@"' "$BATS_TEST_TMPDIR/helper" "$@" >"$BATS_TEST_TMPDIR/said" 3>&- &
	await "$BATS_TEST_TMPDIR/said" ready
	HELPER=$(<"$BATS_TEST_TMPDIR/helper")
}

# Starts a process that does nothing as the user $1, with all rights of that user.
victim_up()
{
	helper_up setpriv --reuid "$1" --clear-groups --bounding-set -all --inh-caps -all \
		sh -c 'echo ready && exec sleep 1000'
}

# Starts a service at the Unix sockets, which anybody may use (serve_unix.py).
service_up()
{
	helper_up "$LIB/serve_unix.py" "$@"
}
