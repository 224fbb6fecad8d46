#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Job control by a shell that starts jobfence, and by a shell inside the job.

load ../lib/job

# Fails unless the dialogue $1 of terminal.py goes the same with the fence and without it.
same_dialogue()
{
	local control

	job_up
	control=$(in_lab "$LIB/terminal.py" "$1")
	is "$(in_lab "$LIB/terminal.py" "$1" "$JOBFENCE" run --)" "$control"
	is "$(in_lab "$LIB/terminal.py" "$1" "$JOBFENCE" exec "$JOB" --)" "$control"
}

@test "^C, ^Z, ^\\, fg, bg and TOSTOP by the shell that calls jobfence" {
	same_dialogue outside
}

@test "^C, ^Z, ^\\, fg, bg, TOSTOP and the window's size by a shell in the job" {
	same_dialogue inside
}

# Waits until only the test's own job is there, and no process is in it.
is_alone()
{
	local tries=0

	until [ "$(jobfence list --json | jq -r '.[].job')" = "$JOB" ] && ! in_lab pgrep -x sleep >"$BATS_TEST_TMPDIR/left"; do
		[ $((++tries)) -le 100 ] || lab_fail "this is left: $(jobfence list --json; cat "$BATS_TEST_TMPDIR/left")" || return
	done
}

@test "a terminal that goes away takes run and exec and their commands with it" {
	local dialogue

	job_up
	for dialogue in hangup hangup_inside; do
		in_lab "$LIB/terminal.py" $dialogue
		is_alone
		in_lab "$LIB/terminal.py" $dialogue "$JOBFENCE" run --
		is_alone
		in_lab "$LIB/terminal.py" $dialogue "$JOBFENCE" exec "$JOB" --
		is_alone
	done
}
