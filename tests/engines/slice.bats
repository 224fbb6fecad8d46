#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# bats file_tags=vm
#
# Slices of systemd as jobs, for Docker and Podman with their systemd cgroups. systemd is
# the first process of the virtual machine. Nothing of an engine is configured but the
# runtime.

load ../lib/systemd
load ../lib/docker

SLICE=jobfence-$JOB.slice
fenced=(--network none --runtime jobfence)

setup_file()
{
	[ -n "${JOBFENCE_MACHINE:-}" ] || return 0
	mkdir "$BATS_FILE_TMPDIR/lab"
	{ lab_up "$BATS_FILE_TMPDIR/lab" machine && containers_up && bus_up &&
		docker_up systemd && podman_up; } || { teardown_file && false; }
}

# No PID namespace ends with the lab here.
teardown_file()
{
	local pid

	[ -n "${JOBFENCE_MACHINE:-}" ] || return 0
	docker_down
	pid=$(in_lab pgrep -x containerd) && in_lab bash -c "kill $pid; tail --pid=$pid -s 0.05 -f /dev/null"
	lab_down
}

podman_up()
{
	printf 'FROM scratch\nCOPY . /\n' >"$BATS_FILE_TMPDIR/plain" &&
		podman build -q -t localhost/box -f "$BATS_FILE_TMPDIR/plain" "$ROOT"
}

podman()
{
	# Descriptor 3 is closed, since processes that outlive the command would keep it.
	in_lab podman --root "$BATS_FILE_TMPDIR/podman" --runroot /run/podman --storage-driver vfs \
		--events-backend none "$@"
}

setup()
{
	[ -n "${JOBFENCE_MACHINE:-}" ] || skip 'containers and systemd have to see the same processes'
	lab_forget
}

teardown()
{
	local container

	[ -n "${JOBFENCE_MACHINE:-}" ] || return 0
	for container in $(docker ps --all --quiet); do
		docker rm --force "$container" >/dev/null
	done
	podman pod rm --all --force --time 0 >/dev/null
	for container in $(podman ps --all --quiet); do
		podman rm --force --time 0 "$container" >/dev/null
	done
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	nothing_is_left
	no_slice_is_left
}

no_slice_is_left()
{
	local left

	left=$(systemctl list-units --plain --no-legend 'jobfence-*.slice'
		in_lab find /sys/fs/cgroup/jobfence.slice -mindepth 1 -maxdepth 1 -type d)
	[ -z "$left" ] || lab_fail "this is left: $left"
}

@test "up makes a slice and tells its name, and down removes it" {
	local name='a-b.c--D_'

	is "$(jobfence up --job "$name" --slice --json | jq -r '.slice, .cgroup')" \
		'jobfence-a\x2db.c\x2d\x2dD_.slice
/sys/fs/cgroup/jobfence.slice/jobfence-a\x2db.c\x2d\x2dD_.slice'
	is "$(jobfence show "$name" --json | jq -r '.slice, .state')" 'jobfence-a\x2db.c\x2d\x2dD_.slice
up'
	is "$(systemctl is-active "jobfence-$(systemd-escape "$name").slice")" active
	ends_with 5 jobfence up --job "$name" --slice
	jobfence down "$name"
	no_slice_is_left
	is "$(jobfence up --job "$JOB" --json | jq .slice)" null
}

@test "a spec may ask for a slice" {
	jobfence up --job "$JOB" --json --spec - <<<'{"slice": true}' >"$UP"
	is "$(up_says .slice)" "$SLICE"
}

@test "up leaves no slice when it fails, and takes no slice of others" {
	ends_with 1 jobfence up --job "$JOB" --slice --netns /nowhere
	no_slice_is_left
	ends_with 2 jobfence up --job "$JOB" --slice --cgroup /sys/fs/cgroup/theirs
	ends_with 2 jobfence up --job "a$(printf -- '-%.0s' {1..62})" --slice
	no_slice_is_left
	in_lab systemd-run --quiet --slice "$SLICE" --unit "theirs-$JOB" sleep 1000
	ends_with 1 jobfence up --job "$JOB" --slice
	like "$ERRORS" "*there is a slice $SLICE already*systemctl stop*"
	is "$(systemctl is-active "theirs-$JOB")" active
	systemctl stop "$SLICE"
}

@test "an operator's file for the slice counts, and so do limits that are set later" {
	local cgroup

	printf '[Slice]\nMemoryMax=1G\n' >"/run/units/$SLICE"
	systemctl daemon-reload
	job_up --slice
	cgroup=$(up_says .cgroup)
	is "$(in_lab cat "$cgroup/memory.max")" 1073741824
	systemctl set-property --runtime "$SLICE" TasksMax=100
	is "$(in_lab cat "$cgroup/pids.max")" 100
	jobfence down "$JOB"
	no_slice_is_left
	rm "/run/units/$SLICE"
	systemctl daemon-reload
}

@test "gc ends a job with its slice" {
	in_lab systemd-run --quiet --unit "owner-$JOB" sleep 1000
	job_up --slice --owner-pid "$(systemctl show --value --property MainPID "owner-$JOB")"
	systemctl stop "owner-$JOB"
	in_lab systemd-run --quiet --slice "$SLICE" --unit "first-$JOB" sleep 1000
	is "$(jobfence gc)" "removed $JOB"
	no_slice_is_left
	job_up --slice
	in_lab rm "/run/jobfence/jobs/$JOB/spec.json"
	is "$(jobfence gc)" "removed $JOB"
	no_slice_is_left
	job_up --slice
	systemctl stop "$SLICE"
	is "$(jobfence list --json | jq -r '.[].state')" gone
	is "$(jobfence gc)" "removed $JOB"
}

@test "exec says that a slice's processes belong into units" {
	job_up --slice
	ends_with 125 jobfence exec "$JOB" true
	like "$ERRORS" '*slice*'
}

# Fails unless containers of the engine $1 in the job's slice have its network. The image is
# $2. The other arguments place a container in the job.
has_the_jobs_network()
{
	local engine=$1 image=$2 place=("${@:3}")

	job_up --slice --domain allowed.test --rate 2mbit
	"$engine" run -d --name "$JOB" "${place[@]}" "$image" sleep 1000
	is "$("$engine" exec "$JOB" sh -c "$PROBE" || true)" "$FENCED" || return
	is "$(received x-jobfence-job-id)" "$JOB" || return
	is "$("$engine" run --rm "${place[@]}" "$image" sh -c "$PROBE" || true)" "$FENCED" || return
	like "$("$engine" exec "$JOB" nslookup allowed.test 192.0.0.8)" '*192.0.0.8*' || return
	is "$(jobfence show "$JOB" --json | jq -c '[.rate.bits_per_second, .download.paced_packets > 0 or .rate.pacing == "proxy"]')" \
		'[2000000,true]' || return
	is "$(jobfence list --json | jq -r '.[].job')" "$JOB"
}

@test "Docker: containers in the slice have the job's network" {
	has_the_jobs_network docker box "${fenced[@]}" --cgroup-parent "$SLICE"
	like "$(in_lab cat "/proc/$(docker inspect -f '{{.State.Pid}}' "$JOB")/cgroup")" \
		"*/jobfence.slice/$SLICE/docker-*.scope"
}

@test "Docker: each service of a compose file has the network of its slice" {
	job_up --slice --domain allowed.test
	jobfence up --job other --slice --domain other.test
	write_services "$SLICE" jobfence-other.slice
	compose up -d
	is "$(services_said | grep -c '200 OK')" 1
	compose down
	jobfence down other
}

@test "Docker: a RUN of docker build has the job's network, with jobfence as the default runtime" {
	set_default_runtime jobfence
	job_up --slice --domain allowed.test
	is "$(build_runs --network none --cgroup-parent "$SLICE")" "$FENCED"
	is "$(build_runs | sort -u)" "nc: can't connect to remote host (11.0.0.2): Operation not permitted"
	set_default_runtime runc
}

@test "containerd: with systemd's cgroups a task in the slice has the job's network, one without a job none" {
	local task=(ctr run --rm --env PATH=/bin --runc-systemd-cgroup --runc-binary "$RUNTIME")

	job_up --slice --domain allowed.test
	is "$(in_lab "${task[@]}" --cgroup "$SLICE:ctr:$JOB" --rootfs "$ROOT" "$JOB" sh -c "$PROBE" || true)" "$FENCED"
	like "$(in_lab "${task[@]}" --cgroup system.slice:ctr:own --rootfs "$ROOT" own sh -c "$PROBE" || true)" \
		"nc: can't connect to remote host (11.0.0.2): Operation not permitted*"
	ends_with 1 in_lab "${task[@]}" --cgroup jobfence-nobody.slice:ctr:own --rootfs "$ROOT" own sh -c "$PROBE"
	like "$ERRORS" '*there is no job nobody*'
}

@test "Docker: a job's end ends its containers, and none restarts without it" {
	job_up --slice --domain allowed.test
	docker run -d --name "$JOB" --restart always "${fenced[@]}" --cgroup-parent "$SLICE" box sleep 1000
	jobfence down "$JOB"
	nothing_is_left
	docker stop -t 0 "$JOB"
	like "$(docker inspect -f '{{.State.Error}}' "$JOB")" "*there is no job $JOB*"
}

@test "Docker: the examples of an executor use slices, also for names with a dash" {
	local folder=$BATS_TEST_TMPDIR/jobs kind

	mkdir -p "$folder/queue"
	printf '#!/bin/sh\nexec /usr/bin/docker -H unix:///run/docker.sock "$@"\n' >"$BATS_TEST_TMPDIR/docker"
	chmod +x "$BATS_TEST_TMPDIR/docker"
	ln -s "$JOBFENCE" "$BATS_TEST_TMPDIR/jobfence"
	for kind in sh py; do
		jq -n --arg command "$PROBE; cat /proc/self/cgroup" '{image: "box", command: ["sh", "-c", $command],
			fence: {network: {type: "http", domains: ["allowed.test"]}}}' >"$folder/queue/$kind.json"
		in_lab env PATH="$BATS_TEST_TMPDIR:$PATH" DOCKER_CONFIG="$BATS_FILE_TMPDIR" "$LIB/../../examples/executor.$kind" "$folder" e1
		like "$(<"$folder/done/$kind.log")" "$FENCED*" || return
		is "$(<"$folder/done/$kind.status")" 0 || return
		is "$(jq -r .slice "$folder/done/$kind.report")" "jobfence-e1\\x2d$kind.slice" || return
	done
}

@test "Docker: without a job, or in a slice that is not the job's, a container does not start" {
	ends_with 125 docker run --rm "${fenced[@]}" --cgroup-parent jobfence-nobody.slice box sh -c "$PROBE"
	like "$ERRORS" '*there is no job nobody*'
	job_up --domain allowed.test
	ends_with 125 docker run --rm "${fenced[@]}" --cgroup-parent "$SLICE" box sh -c "$PROBE"
	like "$ERRORS" '*up --slice*'
	systemctl stop "$SLICE"
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	ends_with 125 docker run --rm "${fenced[@]}" box sh -c "$PROBE"
	in_lab umount /run/jobfence
	is "$OUTPUT" ''
	lab_saw_nothing
}

@test "Docker: a container without a slice gets a job of its own in its scope, and leaves nothing" {
	docker run -d --name "$JOB" "${fenced[@]}" box sleep 1000
	like "$(jobfence list --json | jq -r '.[].cgroup')" '/sys/fs/cgroup/system.slice/docker-*.scope'
	like "$(docker exec "$JOB" sh -c "$PROBE" || true)" \
		"nc: can't connect to remote host (11.0.0.2): Operation not permitted*"
	lab_saw_nothing
	docker rm --force "$JOB"
	nothing_is_left
}

@test "Podman: containers in the slice and the namespace have the job's network" {
	local place=(--network "ns:/run/netns/jobfence-$JOB" --cgroup-parent "$SLICE")

	job_up --slice --domain allowed.test
	podman run -d --name "$JOB" "${place[@]}" localhost/box sleep 1000
	is "$(podman exec "$JOB" sh -c "$PROBE" || true)" "$FENCED"
	is "$(received x-jobfence-job-id)" "$JOB"
	is "$(podman --hooks-dir "$(hooks)" run --rm "${place[@]}" localhost/box sh -c "$PROBE" || true)" "$FENCED"
	jobfence down "$JOB"
	nothing_is_left
	no_slice_is_left
	like "$(podman inspect --format '{{.State.Status}}' "$JOB")" '[!r]*'
}

@test "Podman: with jobfence-runtime containers in the slice have the job's network" {
	podman_fenced()
	{
		podman --runtime "$RUNTIME" "$@"
	}

	has_the_jobs_network podman_fenced localhost/box --network none --cgroup-parent "$SLICE"
	ends_with 126 podman_fenced run --rm --network none --cgroup-parent jobfence-nobody.slice localhost/box true
	like "$ERRORS" '*there is no job nobody*'
	jobfence down "$JOB"
	nothing_is_left
	no_slice_is_left
}

@test "Podman: the containers of a pod in the slice have the job's network" {
	local in_pod

	job_up --slice --domain allowed.test
	in_pod=(--runtime "$RUNTIME" run --pod "pod-$JOB" --cgroup-parent "$SLICE")
	podman --runtime "$RUNTIME" pod create --name "pod-$JOB" --network none --share-parent=false --infra-image localhost/box \
		--infra-command 'sleep 1000'
	podman "${in_pod[@]}" -d --name "$JOB" localhost/box sleep 1000
	is "$(podman exec "$JOB" sh -c "$PROBE" || true)" "$FENCED"
	is "$(podman "${in_pod[@]}" --rm localhost/box sh -c "$PROBE" || true)" "$FENCED"
	is "$(jobfence list --json | jq -c '[.[] | select(.job != $job) | .network]' --arg job "$JOB")" '["none"]'
	podman pod rm --force --time 0 "pod-$JOB"
}

@test "Podman: hooks fence a container in its scope, and one in the slice only does not start" {
	local global=(--hooks-dir "$(hooks)")

	podman "${global[@]}" run -d --name "$JOB" --network none localhost/box sleep 1000
	like "$(podman exec "$JOB" sh -c "$PROBE" || true)" "nc: can't connect to remote host (11.0.0.2): *"
	like "$(jobfence list --json | jq -r '.[].cgroup')" '/sys/fs/cgroup/machine.slice/libpod-*'
	lab_saw_nothing
	podman rm --force --time 0 "$JOB"
	nothing_is_left
	job_up --slice --domain allowed.test
	ends_with 126 podman "${global[@]}" run --rm --network none --cgroup-parent "$SLICE" localhost/box true
	like "$ERRORS" '*error executing hook*'
}
