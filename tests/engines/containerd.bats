#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Containers of containerd. The binary of its runtime io.containerd.runc.v2 is
# jobfence-runtime, or containerd's own for comparison.

load ../lib/container
load ../lib/pages

setup_file()
{
	lab_with containers_up annotated_runtime containerd_up
}

# A runtime that reads annotations, since containerd copies none of an image.
annotated_runtime()
{
	printf '#!/bin/sh\nexec %s --annotations "$@"\n' "$RUNTIME" >"$RUNTIME-annotations"
	chmod +x "$RUNTIME-annotations"
}

teardown()
{
	local container

	for container in $(ctr task list -q); do
		ctr task delete --force "$container" >/dev/null
	done
	for container in $(ctr container list -q); do
		ctr container delete "$container"
	done
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	nothing_is_left
}

ctr()
{
	in_lab ctr "$@"
}

# Runs a container. The arguments are options of `ctr run`. The lab may have no controllers
# that could enforce CPU shares.
run_container()
{
	ctr run --rm --cpu-shares 0 --env PATH=/bin "$@" --rootfs "$ROOT" "$JOB" sh -c "$PROBE"
}

# shellcheck disable=SC2120 # `ends_with` gives it some
# Runs a container with jobfence-runtime.
run_fenced()
{
	run_container --runc-binary "$RUNTIME" "$@"
}

# Fails unless a container is refused with an error like $1. The other arguments are those
# of run_fenced.
refused_to_start()
{
	ends_with 1 run_fenced "${@:2}"
	is "$OUTPUT" ''
	like "$ERRORS" "*$1*"
	lab_saw_nothing
}

# Starts the container $JOB in the cgroup of this test's job. The arguments are its command.
begin_fenced()
{
	job_up --domain allowed.test
	ctr run --detach --cpu-shares 0 --env PATH=/bin --runc-binary "$RUNTIME" --cgroup "/jobfence/$JOB/work/box" --rootfs "$ROOT" "$JOB" "$@"
}

@test "containers in a job's cgroup have the job's network" {
	begin_fenced sleep 1000
	has_the_jobs_network "ctr task exec --exec-id probe $JOB" "ctr run --rm --cpu-shares 0 --env PATH=/bin
		--runc-binary $RUNTIME --cgroup /jobfence/$JOB/work/other --rootfs $ROOT other"
}

@test "without containerd and the shim a container has its job's network, and no more" {
	begin_fenced sh -c "$WAIT_AND_PROBE"
	stays_fenced_without "$(ctr task list | awk -v job="$JOB" '$1 == job { print $2 }')" containerd containerd-shim
	containerd_start
}

@test "a job's end ends its containers" {
	begin_fenced sleep 1000
	is "$(ctr task list | awk -v job="$JOB" '$1 == job { print $3 }')" RUNNING
	jobfence down "$JOB"
	nothing_is_left
}

@test "a container that nobody declared anything for has no network, and leaves nothing" {
	like "$(run_fenced || true)" "nc: can't connect to remote host (11.0.0.2): Operation not permitted*"
	lab_saw_nothing
	nothing_is_left
}

@test "annotations count where the runtime is told so" {
	refused_to_start '*--annotations*' --annotation io.jobfence.domains=allowed.test
	is "$(run_container --runc-binary "$RUNTIME-annotations" --annotation io.jobfence.domains=allowed.test ||
		true)" "$FENCED"
	nothing_is_left
}

@test "the node's network and variables give a container nothing" {
	like "$(run_fenced --net-host --env io.jobfence.domains=allowed.test || true)" "nc: can't connect*not permitted*"
	lab_saw_nothing
}

@test "while its job is missing or jobfence is broken a container does not start" {
	refused_to_start 'there is no job nobody' --cgroup /jobfence/nobody/work/box
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	refused_to_start 'jobfence'
	in_lab umount --lazy /run/jobfence
}

@test "hooks in the bundle fence a container of containerd's own runtime" {
	in_lab env -C "$BATS_TEST_TMPDIR" runc spec
	jq --arg jobfence "$JOBFENCE" --arg probe "$PROBE" --arg root "$ROOT" '
		.process.terminal = false | .process.args = ["sh", "-c", $probe] | .root.path = $root |
		.annotations = {"io.jobfence.domains": "allowed.test"} |
		.hooks = ([("createRuntime", "poststop") as $hook | {key: $hook, value: [
			{path: $jobfence, args: ["jobfence", "oci-hook", "--annotations", $hook], timeout: 30}]}] |
			from_entries)' "$BATS_TEST_TMPDIR/config.json" >"$BATS_TEST_TMPDIR/fenced.json"
	is "$(ctr run --rm --config "$BATS_TEST_TMPDIR/fenced.json" "$JOB" || true)" "$FENCED"
	nothing_is_left
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	ends_with 1 ctr run --rm --config "$BATS_TEST_TMPDIR/fenced.json" "$JOB"
	in_lab umount --lazy /run/jobfence
	is "$OUTPUT" ''
}

@test "the command of oci.md" {
	pages_up
	follow_page oci.md "--env PATH=/bin --cpu-shares 0 --rootfs $ROOT"
}
