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

# Whether only the test's own job is there, and no process is in it.
is_alone()
{
	[ "$(jobfence list --json | jq -r '.[].job')" = "$JOB" ] && ! in_lab pgrep -x sleep
}

@test "a terminal that goes away takes run and exec and their commands with it" {
	local dialogue

	job_up
	for dialogue in hangup hangup_inside; do
		in_lab "$LIB/terminal.py" $dialogue
		eventually is_alone
		in_lab "$LIB/terminal.py" $dialogue "$JOBFENCE" run --
		eventually is_alone
		in_lab "$LIB/terminal.py" $dialogue "$JOBFENCE" exec "$JOB" --
		eventually is_alone
	done
}
