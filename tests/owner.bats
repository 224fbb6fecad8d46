#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# A job may belong to a process: `list` says whether that is alive, and `gc` ends the job
# once it has gone.

load lib/job

# Starts a process that owns jobs, $OWNER.
start_owner()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$1" && exec sleep infinity' sh "$BATS_TEST_TMPDIR/owner" 3>&- &
	eventually grep -q . "$BATS_TEST_TMPDIR/owner"
	OWNER=$(<"$BATS_TEST_TMPDIR/owner")
}

owner_is()
{
	is "$(jobfence list --json | jq -c --arg job "$JOB" '.[] | select(.job == $job).owner')" "$1"
}

@test "a job whose owner has gone is collected, with what runs in it" {
	start_owner
	jobfence up --json --spec - <<<"{\"job\":\"$JOB\",\"owner_pid\":$OWNER}" >"$UP"
	is "$(up_says .owner.pid)" "$OWNER"
	is "$(jobfence list --json | jq .[].processes)" false
	in_job sleep infinity 3>&- &
	eventually in_lab grep -q 'populated 1' "$(up_says .cgroup)/cgroup.events"
	is "$(jobfence list --json | jq .[].processes)" true
	owner_is "{\"pid\":$OWNER,\"alive\":true}"
	jobfence show "$JOB" | grep -q "^owner      $OWNER$"
	is "$(jobfence gc --json | jq -c .removed)" '[]'
	# Who can't see the owner ends nothing.
	is "$(in_lab unshare --pid --fork --mount-proc "$JOBFENCE" list --json | jq -c '.[].owner.alive')" null
	ends_with 0 in_lab unshare --pid --fork --mount-proc "$JOBFENCE" gc
	is "$(jobfence list --json | jq -r .[].state)" up
	in_lab kill "$OWNER"
	eventually owner_is "{\"pid\":$OWNER,\"alive\":false}"
	jobfence show "$JOB" | grep -q "^owner      $OWNER, which has ended$"
	is "$(jobfence gc --json | jq -c .removed)" "[\"$JOB\"]"
	nothing_is_left
}

@test "an owner is known in another time namespace, and lives as long as one of its threads" {
	local elsewhere=(in_lab unshare --time --boottime 5000 --fork "$JOBFENCE")

	# The main thread ends at once.
	in_lab "$LIB/zombie_leader.py" "$BATS_TEST_TMPDIR/owner" 3>&- &
	eventually grep -q . "$BATS_TEST_TMPDIR/owner"
	OWNER=$(<"$BATS_TEST_TMPDIR/owner")
	eventually in_lab grep -q 'State:.*zombie' "/proc/$OWNER/status"
	job_up --owner-pid "$OWNER"
	owner_is "{\"pid\":$OWNER,\"alive\":true}"
	is "$("${elsewhere[@]}" list --json | jq -c '.[].owner.alive')" true
	ends_with 0 "${elsewhere[@]}" gc
	is "$(jobfence list --json | jq -r .[].state)" up
	jobfence down "$JOB"
	# A job that came up there.
	ends_with 0 "${elsewhere[@]}" up --job "$JOB" --owner-pid "$OWNER"
	owner_is "{\"pid\":$OWNER,\"alive\":true}"
	in_lab kill -KILL "$OWNER"
	eventually owner_is "{\"pid\":$OWNER,\"alive\":false}"
	is "$("${elsewhere[@]}" gc --json | jq -c .removed)" "[\"$JOB\"]"
	nothing_is_left
}

@test "a job without processes is up in another PID namespace, where gc leaves it" {
	local elsewhere=(in_lab unshare --pid --fork --mount-proc "$JOBFENCE")

	job_up --domain allowed.test
	is "$("${elsewhere[@]}" list --json | jq -r .[].state)" up
	is "$("${elsewhere[@]}" gc --json | jq -c .removed)" '[]'
	kill_proxy
	like "$("${elsewhere[@]}" list)" '*cut-off*'
}

@test "the option names the owner, wherever it stands, and the spec only without it" {
	local spec="{\"job\":\"$JOB\",\"owner_pid\":1}"

	start_owner
	ends_with 0 jobfence up --json --owner-pid "$OWNER" --spec - <<<"$spec"
	owner_is "{\"pid\":$OWNER,\"alive\":true}"
	jobfence down "$JOB"
	ends_with 0 jobfence up --json --spec - --owner-pid "$OWNER" <<<"$spec"
	owner_is "{\"pid\":$OWNER,\"alive\":true}"
	jobfence down "$JOB"
	ends_with 0 jobfence up --json --spec - <<<"$spec"
	is "$(jq .owner.pid <<<"$OUTPUT")" 1
	in_lab kill "$OWNER"
}

@test "a process that has the number of an owner is none, and an owner has to run" {
	start_owner
	job_up --owner-pid "$OWNER"
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'jq ".state.owner_start -= 2" "$1" >"$1.new" && mv "$1.new" "$1"' sh \
		"/run/jobfence/jobs/$JOB/spec.json"
	owner_is "{\"pid\":$OWNER,\"alive\":false}"
	is "$(jobfence gc --json | jq -c .removed)" "[\"$JOB\"]"
	in_lab kill "$OWNER"
	ends_with 1 jobfence up --json --job "$JOB" --owner-pid 999999999
	is "$(jq -c '.error | [.setting, .value]' <<<"$OUTPUT")" '["--owner-pid","999999999"]'
	ends_with 2 jobfence up --job "$JOB" --owner-pid 0
	nothing_is_left
}
