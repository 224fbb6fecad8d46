#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Engines that are killed while containers run: the fence holds without them.

load ../lib/docker

fenced=(--network none --runtime jobfence)

setup()
{
	# No PID namespace ends with the lab there.
	[ -z "${JOBFENCE_MACHINE:-}" ] || skip 'the daemons of this file have to end with its lab'
	BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR/file
	mkdir -p "$BATS_FILE_TMPDIR"
	lab_with containers_up docker_up
}

setup_file()
{
	:
}

# Kills the daemons and the shims. Containers go on without them.
kill_engine()
{
	local name pid

	for name in dockerd containerd containerd-shim; do
		in_lab pgrep -x "$name" >"$BATS_TEST_TMPDIR/pids" || lab_fail "there is no $name" || return
		for pid in $(<"$BATS_TEST_TMPDIR/pids"); do
			in_lab bash -c "kill -KILL $pid; tail --pid=$pid -s 0.05 -f /dev/null"
		done
	done
}

# Starts a container that waits for a word. The arguments are Docker's. $PID is its process.
start_waiting()
{
	docker run -d --name "$JOB" "${fenced[@]}" "$@" box sh -c "$WAIT_AND_PROBE"
	PID=$(docker inspect -f '{{.State.Pid}}' "$JOB")
}

teardown()
{
	[ -z "${JOBFENCE_MACHINE:-}" ] || return 0
	lab_down
}

teardown_file()
{
	:
}

@test "without dockerd, containerd and the shim a container has its job's network, and no more" {
	job_up --domain allowed.test
	start_waiting --cgroup-parent "/jobfence/$JOB/work"
	kill_engine
	is "$(sees_now "$PID")" "$FENCED"
	jobfence down "$JOB"
	nothing_is_left
	ends_with 1 in_lab kill -0 "$PID"
}

@test "without them a container of its own job has no network, and gc ends the job after it" {
	local cgroup

	start_waiting
	kill_engine
	like "$(sees_now "$PID")" "nc: can't connect to remote host (11.0.0.2): Operation not permitted*"
	lab_saw_nothing
	cgroup=$(jobfence list --json | jq -r '.[].cgroup')
	in_lab bash -c "kill -KILL $PID; tail --pid=$PID -s 0.05 -f /dev/null"
	# As after a restart of the engine, or of the node.
	eventually in_lab rmdir "$cgroup"
	like "$(jobfence gc)" 'removed *'
	nothing_is_left
}
