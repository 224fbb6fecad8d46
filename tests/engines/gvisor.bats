#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Sandboxes of gVisor in a job's cgroup and namespace. Their kernel is a process of the
# node, so the fence sees the sockets that it makes there.

load ../lib/container

setup()
{
	lab_forget
	BUNDLE=$BATS_TEST_TMPDIR/bundle
	mkdir "$BUNDLE"
	in_lab env -C "$BUNDLE" runc spec
	job_up --domain allowed.test
	# shellcheck disable=SC2016 # jq's
	jq --arg probe "$PROBE" --arg root "$ROOT" --arg netns "$(up_says .netns)" '
		.process.terminal = false | .process.args = ["sh", "-c", $probe] | .root.path = $root |
		(.linux.namespaces[] | select(.type == "network")).path = $netns' "$BUNDLE/config.json" >"$BUNDLE/new" &&
		mv "$BUNDLE/new" "$BUNDLE/config.json"
}

# Runs the bundle in a sandbox in the job's cgroup. The arguments are options of runsc. It
# would make cgroups of its own with controllers, which a lab may not have.
run_sandbox()
{
	# shellcheck disable=SC2016 # expanded in the lab
	in_lab bash -c 'echo $$ >"$0/cgroup.procs" && exec runsc --root /run/runsc --platform=ptrace --ignore-cgroups "${@:2}" run --bundle "$1" box' \
		"$(up_says .cgroup)" "$BUNDLE" "$@"
}

@test "with the sockets of the node's kernel a sandbox has the job's network" {
	is "$(run_sandbox --network=host || true)" "$FENCED"
	is "$(received x-jobfence-job-id)" "$JOB"
	is "$(jobfence show "$JOB" --json | jq -c '[.refusals[] | {name, reason}]')" '[{"name":"denied.test","reason":"domain"}]'
}

@test "in the job's namespace, but not in its cgroup, a sandbox has no network" {
	like "$(in_lab runsc --root /run/runsc --platform=ptrace --ignore-cgroups --network=host run --bundle "$BUNDLE" box || true)" 'nc: *'
	lab_saw_nothing
}

@test "with the network stack of gVisor a sandbox has no network or does not start, and with none it has no network" {
	like "$(run_sandbox --network=sandbox 2>&1 || true)" \
		"@(*setting up network*|nc: can't connect to remote host (11.0.0.2): No route to host*)"
	like "$(run_sandbox --network=none || true)" "nc: can't connect to remote host (11.0.0.2): No route to host*"
	lab_saw_nothing
}

@test "the job's end ends its sandbox" {
	jq '.process.args = ["sh", "-c", "echo began; exec sleep 1000"]' "$BUNDLE/config.json" >"$BUNDLE/new"
	mv "$BUNDLE/new" "$BUNDLE/config.json"
	run_sandbox --network=host >"$BATS_TEST_TMPDIR/said" 2>&1 &
	await "$BATS_TEST_TMPDIR/said" began
	jobfence down "$JOB"
	! wait $! || lab_fail 'it went on'
	nothing_is_left
}
