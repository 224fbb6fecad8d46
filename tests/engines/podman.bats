#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Containers of Podman: in a job's cgroup and namespace, and with hooks.

load ../lib/podman

setup_file()
{
	lab_with containers_up images_up
}

# Makes a plain image, and one that asks for more rights in every way that an image can.
images_up()
{
	# shellcheck disable=SC2016 # expanded in the lab
	in_lab bash -c 'for controller in $(</sys/fs/cgroup/cgroup.controllers); do
		echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
	done' || return
	podman_up 'cgroup_manager = "cgroupfs"' || return
	printf 'LABEL %s\nENV %s\n' io.jobfence.domains=denied.test io.jobfence.domains=denied.test |
		cat "$BATS_FILE_TMPDIR/plain" - >"$BATS_FILE_TMPDIR/greedy" &&
		podman build -q -t localhost/greedy --format oci --annotation io.jobfence.domains=denied.test \
			-f "$BATS_FILE_TMPDIR/greedy" "$ROOT"
}

teardown()
{
	podman_down
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	nothing_is_left
}

# Runs a container of the image $1 that shows its network. The other arguments are
# Podman's.
probe()
{
	podman "${global[@]}" run --rm "${@:2}" "localhost/$1" sh -c "$PROBE" || true
}

has_nothing()
{
	like "$1" "nc: can't connect to remote host (11.0.0.2): *"
	lab_saw_nothing
}

# Whether the files in the folder $1 are of a later authority than what up printed.
has_another_authority()
{
	[ "$(in_lab cat "$1/ca.pem")" != "$(up_says .trust.ca)" ]
}

@test "a container has the certificates of a job that was made before, also once they are renewed" {
	local trust

	in_lab sh -c 'echo "allow_intercept = allowed.test" >>/etc/jobfence/jobfence.conf'
	job_up --domain allowed.test --intercept allowed.test
	trust=$(up_says .trust.folder)
	up_says '.trust.env | to_entries[] | .key + "=" + .value' >"$BATS_TEST_TMPDIR/variables"
	podman run --detach --name job --network "ns:/run/netns/jobfence-$JOB" --cgroup-parent "/jobfence/$JOB/work" \
		--volume "$trust:/run/jobfence/trust:ro" --env-file "$BATS_TEST_TMPDIR/variables" localhost/box sleep 1000 >/dev/null
	# shellcheck disable=SC2016 # expanded in the container
	is "$(podman exec job sh -c 'cat "$NODE_EXTRA_CA_CERTS"')" "$(up_says .trust.ca)"
	in_lab kill -HUP "$(up_says .proxy.pid)"
	eventually has_another_authority "$trust"
	is "$(podman exec job cat /run/jobfence/trust/ca.pem)" "$(in_lab cat "$trust/ca.pem")"
}

@test "containers in a job's cgroup and namespace have the job's network" {
	local place="--network ns:/run/netns/jobfence-$JOB --cgroup-parent /jobfence/$JOB/work"

	job_up --domain allowed.test
	# shellcheck disable=SC2086 # words
	podman run -d --name "$JOB" $place localhost/box sleep 1000
	has_the_jobs_network "podman exec $JOB" "podman run --rm $place localhost/box"
}

@test "in a job's namespace only, or in its cgroup only, it has no network" {
	job_up --domain allowed.test
	has_nothing "$(probe box --network "ns:/run/netns/jobfence-$JOB")"
	has_nothing "$(probe box --network none --cgroup-parent "/jobfence/$JOB/work")"
}

@test "a job's end ends its containers" {
	job_up --domain allowed.test
	podman run -d --name "$JOB" --network "ns:/run/netns/jobfence-$JOB" \
		--cgroup-parent "/jobfence/$JOB/work" localhost/box sleep 1000
	jobfence down "$JOB"
	nothing_is_left
	like "$(podman inspect --format '{{.State.Status}}' "$JOB")" '[!r]*'
}

@test "jobfence-runtime is Podman's runtime, with the profile and the capabilities that Podman gives" {
	local global=(--runtime "$RUNTIME") place="--network none --cgroup-parent /jobfence/$JOB/work"

	job_up --domain allowed.test
	# shellcheck disable=SC2086 # words
	podman_fenced run -d --name "$JOB" $place localhost/box sleep 1000
	has_the_jobs_network "podman_fenced exec $JOB" "podman_fenced run --rm $place localhost/box"
	is "$(podman exec "$JOB" grep ^Seccomp: /proc/self/status)" $'Seccomp:\t2'
	lab_forget
	has_nothing "$(probe box --network none)"
	ends_with 126 podman_fenced run --rm --network none --cgroup-parent /jobfence/nobody/work localhost/box true
	like "$ERRORS" '*there is no job nobody*'
	jobfence gc
}

@test "without conmon a container has its job's network, and no more" {
	job_up --domain allowed.test
	podman_fenced run -d --name "$JOB" --network none --cgroup-parent "/jobfence/$JOB/work" \
		localhost/box sh -c "$WAIT_AND_PROBE"
	stays_fenced_without "$(podman inspect --format '{{.State.Pid}}' "$JOB")" conmon
}

@test "the containers of a pod in a job's cgroup have the job's network, also without conmon" {
	job_up --domain allowed.test
	pod_has_the_jobs_network "/jobfence/$JOB/work"
}

@test "a container of a pod in the cgroup of no job does not start" {
	pod_container_does_not_start /jobfence/nobody/work
	podman_down
	jobfence gc
}

@test "hooks: a container in a job's cgroup has its network, in another namespace it does not start" {
	local global=(--hooks-dir "$(hooks)")

	job_up --domain allowed.test
	is "$(probe box --network "ns:/run/netns/jobfence-$JOB" --cgroup-parent "/jobfence/$JOB/work")" "$FENCED"
	ends_with 126 podman "${global[@]}" run --rm --network none --cgroup-parent "/jobfence/$JOB/work" \
		localhost/box true
	like "$ERRORS" '*hook*'
}

@test "hooks: what nobody declared anything for has no network, even on the node's, and leaves nothing" {
	local global=(--hooks-dir "$(hooks)")

	has_nothing "$(probe box --network none)"
	has_nothing "$(probe box --network host)"
	nothing_is_left
}

@test "hooks: an image can't widen its fence, whatever it says of itself" {
	local global=(--hooks-dir "$(hooks)")

	job_up --domain allowed.test
	is "$(probe greedy --network "ns:/run/netns/jobfence-$JOB" --cgroup-parent "/jobfence/$JOB/work")" "$FENCED"
	# Podman 5 hands annotations of an image on no more. So the job asks for nothing.
	if [[ $(in_lab podman --version) = *' 4.'* ]]; then
		ends_with 126 podman "${global[@]}" run --rm --network none localhost/greedy sh -c "$PROBE"
		like "$ERRORS" '*hook*'
		is "$OUTPUT" ''
	else
		lab_forget
		has_nothing "$(probe greedy --network none)"
	fi
}

@test "hooks: while jobfence is broken a container does not start" {
	local global=(--hooks-dir "$(hooks)")

	ends_with 126 podman "${global[@]}" run --rm --network host --cgroup-parent /jobfence/nobody/work \
		localhost/box sh -c "$PROBE"
	like "$ERRORS" '*hook*'
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	ends_with 126 podman "${global[@]}" run --rm --network host localhost/box sh -c "$PROBE"
	in_lab umount --lazy /run/jobfence
	is "$OUTPUT" ''
	lab_saw_nothing
	# Podman made the cgroup /jobfence/nobody, which gc removes.
	is "$(jobfence gc)" 'removed nobody'
}
