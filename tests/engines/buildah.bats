#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# buildah with jobfence-runtime: each RUN of a build is a container behind a fence.

load ../lib/container
load ../lib/pages

CONTEXT=$BATS_FILE_TMPDIR/context

setup_file()
{
	lab_with containers_up context_up
}

# What is built: two RUNs that show their network.
# shellcheck disable=SC2016 # expanded in the container
context_up()
{
	# Newer versions would raise limits, which a lab may not.
	printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n' >"$BATS_FILE_TMPDIR/containers.conf"
	mkdir "$CONTEXT" && cp -r "$ROOT" "$CONTEXT/root" && echo "$PROBE" >"$CONTEXT/probe" && echo "$MEASURE" >"$CONTEXT/measure" && echo "$WAIT_AND_PROBE" >"$CONTEXT/wait" &&
		printf 'FROM scratch\nCOPY root /\nCOPY probe /\nRUN sh /probe || true\nRUN sh /probe || true\n' >"$CONTEXT/Containerfile"
}

teardown()
{
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	nothing_is_left
}

# shellcheck disable=SC2120 # `ends_with` gives it some
# Builds the image. The arguments are those of `buildah bud`.
build()
{
	# shellcheck disable=SC2046 # words
	in_lab $(buildah_command) bud --isolation oci --runtime "$RUNTIME" "$@" "$CONTEXT"
}

buildah_command()
{
	echo env CONTAINERS_CONF="$BATS_FILE_TMPDIR/containers.conf" /usr/bin/buildah --root "$BATS_FILE_TMPDIR/buildah" \
		--runroot /run/buildah --storage-driver vfs
}

# Builds an image of one RUN in the cgroup of this test's job. $1 is the command.
build_one()
{
	printf 'FROM scratch\nCOPY root /\nCOPY measure wait /\nRUN %s\n' "$1" >"$BATS_TEST_TMPDIR/Containerfile"
	build --cgroup-parent "/jobfence/$JOB/work/build" --network none -f "$BATS_TEST_TMPDIR/Containerfile"
}

# Prints what the RUNs of a build printed.
runs()
{
	grep -E '^(HTTP/|this is|nc:)' <<<"$1"
}

@test "each RUN of a build in a job's cgroup has the job's network" {
	local said

	job_up --domain allowed.test
	said=$(build --cgroup-parent "/jobfence/$JOB/work/build" --network none)
	is "$(runs "$said")" "$FENCED
$FENCED"
	is "$(received x-jobfence-job-id)" "$JOB"
	is "$(jobfence list --json | jq -r '.[] | .job + " " + .state')" "$JOB up"
	said=$(build_one 'nslookup allowed.test 192.0.0.8 && echo measured && sh /measure')
	like "$said" '*allowed.test*192.0.0.8*measured*'
	has_the_rate "$(sed '1,/^measured/d' <<<"$said" | head -n 2)"
}

@test "a RUN without a job has no network, even on the node's, and leaves nothing" {
	local network said

	for network in none host; do
		said=$(build --network "$network")
		is "$(runs "$said" | sort -u)" "nc: can't connect to remote host (11.0.0.2): Operation not permitted" || return
	done
	lab_saw_nothing
	nothing_is_left
}

@test "without its job, or while jobfence is broken, no RUN begins" {
	ends_with 1 build --cgroup-parent /jobfence/nobody/work/build --network none
	like "$ERRORS" '*there is no job nobody*'
	is "$(runs "$OUTPUT" || :)" ''
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	ends_with 1 build --network none
	in_lab umount --lazy /run/jobfence
	is "$(runs "$OUTPUT" || :)" ''
	lab_saw_nothing
	jobfence gc
}

@test "a job's end ends its build" {
	local pid

	job_up --domain allowed.test
	build_one 'echo began; exec sleep 1000' >"$BATS_TEST_TMPDIR/said" 2>&1 &
	pid=$!
	await "$BATS_TEST_TMPDIR/said" ^began
	jobfence down "$JOB"
	! wait "$pid" || lab_fail "the build went on: $(<"$BATS_TEST_TMPDIR/said")"
}

@test "without buildah a RUN has the job's network, and no more" {
	job_up --domain allowed.test
	build_one 'echo began && exec sh /wait' >"$BATS_TEST_TMPDIR/said" 2>&1 &
	await "$BATS_TEST_TMPDIR/said" ^began
	stays_fenced_without "$(eventually in_lab pgrep -x -f 'sh /wait')" buildah
}

@test "the commands of buildah.md" {
	pages_up
	page_command buildah "$(buildah_command)"
	cp "$ROOT/bin/fetch" "$CONTEXT/root/bin/fetch"
	printf 'FROM scratch\nCOPY root /\nRUN fetch\n' >"$CONTEXT/Containerfile"
	HERE=$CONTEXT follow_page buildah.md none
}
