#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Sandboxes of gVisor in a job's cgroup and namespace. Their kernel is a process of the
# node, so the fence sees the sockets that it makes there.

load ../lib/container
load ../lib/pages

setup()
{
	lab_forget
	job_up --domain allowed.test
}

# Makes the bundle of the sandbox $1, in the network namespace $2. A command follows.
make_bundle()
{
	local bundle=$BATS_TEST_TMPDIR/$1

	mkdir "$bundle" && in_lab env -C "$bundle" runc spec || return
	# shellcheck disable=SC2016 # jq's
	jq --arg root "$ROOT" --arg netns "$2" '
		.process.terminal = false | .process.args = $ARGS.positional | .root.path = $root |
		(.linux.namespaces[] | select(.type == "network")).path = $netns' "$bundle/config.json" --args -- "${@:3}" >"$bundle/new" &&
		mv "$bundle/new" "$bundle/config.json"
}

# Runs a command in the sandbox $1, in the job's cgroup and namespace. $2 is its --network.
# runsc would make cgroups of its own with controllers, which a lab may not have.
run_sandbox()
{
	make_bundle "$1" "$(up_says .netns)" "${@:3}" || return
	# shellcheck disable=SC2016 # expanded in the lab
	in_lab bash -c 'echo $$ >"$0/cgroup.procs" && exec runsc --root /run/runsc --platform=ptrace --ignore-cgroups "${@:3}" run --bundle "$1" "$2"' \
		"${CGROUP:-$(up_says .cgroup)}" "$BATS_TEST_TMPDIR/$1" "$1" "--network=$2"
}

# Starts the sandbox $JOB, which runs this script of the shell and prints a line first.
begin_sandbox()
{
	run_sandbox "$JOB" host sh -c "echo began; $1" >"$BATS_TEST_TMPDIR/said" 2>&1 &
	await "$BATS_TEST_TMPDIR/said" began
}

@test "with the sockets of the node's kernel sandboxes have the job's network" {
	begin_sandbox 'exec sleep 1000'
	has_the_jobs_network "in_lab runsc --root /run/runsc exec $JOB" "run_sandbox $JOB-other host"
	is "$(jobfence show "$JOB" --json | jq -c '[.refusals[] | {name, reason}] | unique')" '[{"name":"denied.test","reason":"domain"}]'
}

@test "in the job's namespace, but not in its cgroup, a sandbox has no network" {
	like "$(CGROUP=/sys/fs/cgroup/node run_sandbox "$JOB" host sh -c "$PROBE" || true)" 'nc: *'
	lab_saw_nothing
}

@test "with the network stack of gVisor a sandbox has no network or does not start, and with none it has no network" {
	like "$(run_sandbox "$JOB" sandbox sh -c "$PROBE" 2>&1 || true)" \
		"@(*setting up network*|nc: can't connect to remote host (11.0.0.2): No route to host*)"
	like "$(run_sandbox "$JOB-none" none sh -c "$PROBE" || true)" "nc: can't connect to remote host (11.0.0.2): No route to host*"
	lab_saw_nothing
}

@test "without a job no sandbox starts" {
	jobfence down "$JOB"
	ends_with 1 run_sandbox "$JOB" host sh -c "$PROBE"
	is "$OUTPUT" ''
	lab_saw_nothing
}

@test "the job's end ends its sandbox" {
	begin_sandbox 'exec sleep 1000'
	jobfence down "$JOB"
	! wait $! || lab_fail 'it went on'
	nothing_is_left
}

@test "a killed runsc takes its sandbox with it" {
	begin_sandbox 'exec sleep 1000'
	# shellcheck disable=SC2016 # expanded in the lab
	in_lab bash -c 'kill -KILL $(pgrep -f "^runsc .* run ")'
	! wait $! || lab_fail 'runsc went on'
	eventually in_lab grep -q 'populated 0' "$(up_says .cgroup)/cgroup.events"
	lab_saw_nothing
}

@test "the commands of gvisor.md" {
	jobfence down "$JOB"
	pages_up
	page_command runsc '/usr/bin/runsc --root /run/runsc --platform=ptrace'
	make_bundle j1 /none fetch
	HERE=$BATS_TEST_TMPDIR/j1 follow_page gvisor.md none
}
