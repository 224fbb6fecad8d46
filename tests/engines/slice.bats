#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Slices of systemd as jobs, for Docker and Podman with their systemd cgroups. systemd is
# the first process of the virtual machine, or of a PID namespace elsewhere. Nothing of an
# engine is configured but the runtime.

load ../lib/systemd
load ../lib/docker
load ../lib/podman
load ../lib/pages

SLICE=jobfence-$JOB.slice
fenced=(--network none --runtime jobfence)

setup_file()
{
	mkdir "$BATS_FILE_TMPDIR/lab"
	{ lab_up "$BATS_FILE_TMPDIR/lab" ${JOBFENCE_MACHINE:+machine} && containers_up && bus_up && enter_system &&
		docker_up systemd && podman_up; } || { teardown_file && false; }
}

# No PID namespace ends with the lab in a virtual machine.
teardown_file()
{
	docker_down
	[ -z "${JOBFENCE_MACHINE:-}" ] || kill_all containerd
	lab_down
}

setup()
{
	lab_forget
}

teardown()
{
	local container

	for container in $(docker ps --all --quiet); do
		docker rm --force "$container" >/dev/null
	done
	podman_down
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	eventually nothing_is_left
	no_slice_is_left
}

no_slice_is_left()
{
	local left

	left=$(systemctl list-units --plain --no-legend 'jobfence-*.slice'
		in_lab find /sys/fs/cgroup/jobfence.slice -mindepth 1 -maxdepth 1 -type d)
	[ -z "$left" ] || lab_fail "this is left: $left"
}

# bats test_tags=vm
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

# bats test_tags=vm
@test "up leaves no slice when it fails, and takes no slice of others" {
	ends_with 1 jobfence up --job "$JOB" --slice --netns /nowhere
	no_slice_is_left
	ends_with 2 jobfence up --job "$JOB" --slice --cgroup /sys/fs/cgroup/theirs
	ends_with 2 jobfence up --job "a$(printf -- '-%.0s' {1..62})" --slice
	no_slice_is_left
	in_lab systemd-run --quiet --collect --slice "$SLICE" --unit "theirs-$JOB" sleep 1000
	ends_with 1 jobfence up --job "$JOB" --slice
	like "$ERRORS" "*there is a slice $SLICE already*systemctl stop*"
	is "$(systemctl is-active "theirs-$JOB")" active
	systemctl stop "$SLICE"
}

# bats test_tags=vm
@test "an operator's file for the slice counts, and so do limits that are set later" {
	local cgroup

	[ -n "${JOBFENCE_MACHINE:-}" ] || skip 'the cgroups of version 2 may have no controllers'
	printf '[Slice]\nMemoryMax=1G\n' >"/run/units/$SLICE"
	systemctl daemon-reload
	job_up --slice
	cgroup=$(up_says .cgroup)
	is "$(in_lab cat "$cgroup/memory.max")" 1073741824
	systemctl set-property --runtime "$SLICE" TasksMax=100
	is "$(in_lab cat "$cgroup/pids.max")" 100
	jobfence down "$JOB"
	no_slice_is_left
	systemctl revert "$SLICE"
	rm -f "/run/units/$SLICE"
	systemctl daemon-reload
}

# bats test_tags=vm
@test "gc ends a job with its slice" {
	in_lab systemd-run --quiet --collect --unit "owner-$JOB" sleep 1000
	job_up --slice --owner-pid "$(systemctl show --value --property MainPID "owner-$JOB")"
	systemctl stop "owner-$JOB"
	in_lab systemd-run --quiet --collect --slice "$SLICE" --unit "first-$JOB" sleep 1000
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

# bats test_tags=vm
@test "Docker: containers in the slice have the job's network" {
	local run=(docker run "${fenced[@]}" --cgroup-parent "$SLICE")

	job_up --slice --domain allowed.test
	"${run[@]}" -d --name "$JOB" box sleep 1000
	has_the_jobs_network "docker exec $JOB" "${run[*]} --rm box"
	like "$(in_lab cat "/proc/$(docker inspect -f '{{.State.Pid}}' "$JOB")/cgroup")" \
		"*/jobfence.slice/$SLICE/docker-*.scope"
}

@test "Docker: without dockerd, containerd and the shim a container in the slice has the job's network" {
	job_up --slice --domain allowed.test
	stays_fenced_without_docker "${fenced[@]}" --cgroup-parent "$SLICE"
	no_slice_is_left
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

# bats test_tags=vm
@test "containerd: with systemd's cgroups tasks in the slice have the job's network, one without a job none" {
	local run=(in_lab ctr run --cpu-shares 0 --env PATH=/bin --runc-systemd-cgroup --runc-binary "$RUNTIME" --rootfs)

	job_up --slice --domain allowed.test
	"${run[@]}" --detach --cgroup "$SLICE:ctr:$JOB" "$ROOT" "$JOB" sh -c "$WAIT_AND_PROBE"
	has_the_jobs_network "in_lab ctr task exec --exec-id probe $JOB" "${run[*]} --rm --cgroup $SLICE:ctr:other $ROOT other"
	like "$("${run[@]}" --rm --cgroup system.slice:ctr:own "$ROOT" own sh -c "$PROBE" || true)" \
		"nc: can't connect to remote host (11.0.0.2): Operation not permitted*"
	ends_with 1 "${run[@]}" --rm --cgroup jobfence-nobody.slice:ctr:own "$ROOT" own sh -c "$PROBE"
	like "$ERRORS" '*there is no job nobody*'
	stays_fenced_without "$(in_lab ctr task list | awk -v job="$JOB" '$1 == job { print $2 }')" "${DOCKER_PROCESSES[@]}"
	containerd_start
	docker_start
	in_lab ctr container delete "$JOB"
}

# Whether jobfence refused to start the container. A restart may overtake `down`, whose job
# is then half removed.
is_refused()
{
	[[ $(docker inspect -f '{{.State.Error}}' "$JOB") = *"jobfence: "*"job $JOB"* ]]
}

@test "Docker: a job's end ends its containers, and none restarts without it" {
	job_up --slice --domain allowed.test
	docker run -d --name "$JOB" --restart always "${fenced[@]}" --cgroup-parent "$SLICE" box sleep 1000
	jobfence down "$JOB"
	# The daemon sees the end of the container a moment later, and starts it again.
	eventually is_refused
	nothing_is_left
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

# bats test_tags=vm
@test "Docker: without a job, or in a slice that is not the job's, a container does not start" {
	ends_with 125 docker run --rm "${fenced[@]}" --cgroup-parent jobfence-nobody.slice box sh -c "$PROBE"
	like "$ERRORS" '*there is no job nobody*'
	job_up --domain allowed.test
	ends_with 125 docker run --rm "${fenced[@]}" --cgroup-parent "$SLICE" box sh -c "$PROBE"
	like "$ERRORS" '*up --slice*'
	systemctl stop "$SLICE"
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	ends_with 125 docker run --rm "${fenced[@]}" box sh -c "$PROBE"
	in_lab umount --lazy /run/jobfence
	is "$OUTPUT" ''
	lab_saw_nothing
}

# bats test_tags=vm
@test "Docker: a container without a slice gets a job of its own in its scope, and leaves nothing" {
	docker run -d --name "$JOB" "${fenced[@]}" box sleep 1000
	like "$(jobfence list --json | jq -r '.[].cgroup')" '/sys/fs/cgroup/system.slice/docker-*.scope'
	like "$(docker exec "$JOB" sh -c "$PROBE" || true)" \
		"nc: can't connect to remote host (11.0.0.2): Operation not permitted*"
	lab_saw_nothing
	docker rm --force "$JOB"
	eventually nothing_is_left
}

# bats test_tags=vm
@test "Podman: containers in the slice and the namespace have the job's network" {
	local place="--network ns:/run/netns/jobfence-$JOB --cgroup-parent $SLICE" pid

	job_up --slice --domain allowed.test
	# shellcheck disable=SC2086 # words
	podman run -d --name "$JOB" $place localhost/box sleep 1000
	has_the_jobs_network "podman exec $JOB" "podman --hooks-dir $(hooks) run --rm $place localhost/box"
	pid=$(podman inspect --format '{{.State.Pid}}' "$JOB")
	jobfence down "$JOB"
	nothing_is_left
	no_slice_is_left
	ends_with 1 in_lab kill -0 "$pid"
}

@test "Podman: with jobfence-runtime containers in the slice have the job's network, also without conmon" {
	local place="--network none --cgroup-parent $SLICE"

	job_up --slice --domain allowed.test
	# shellcheck disable=SC2086 # words
	podman_fenced run -d --name "$JOB" $place localhost/box sh -c "$WAIT_AND_PROBE"
	has_the_jobs_network "podman_fenced exec $JOB" "podman_fenced run --rm $place localhost/box"
	ends_with 126 podman_fenced run --rm --network none --cgroup-parent jobfence-nobody.slice localhost/box true
	like "$ERRORS" '*there is no job nobody*'
	systemctl stop jobfence-nobody.slice
	stays_fenced_without "$(podman inspect --format '{{.State.Pid}}' "$JOB")" conmon
	no_slice_is_left
}

# bats test_tags=vm
@test "Podman: the containers of a pod in the slice have the job's network, also without conmon" {
	job_up --slice --domain allowed.test
	pod_has_the_jobs_network "$SLICE"
	no_slice_is_left
}

@test "Podman: a container of a pod in the slice of no job does not start" {
	pod_container_does_not_start jobfence-nobody.slice
	podman_down
	systemctl stop jobfence-nobody.slice
}

# bats test_tags=vm
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
	like "$ERRORS" '*hook*'
}

@test "the commands of docker.md, buildah.md, oci.md, podman.md and systemd.md" {
	local here=$BATS_TEST_TMPDIR/here

	mkdir "$here"
	pages_up
	page_command docker "$(docker_command)"
	page_command docker-compose "$(compose_command)"
	page_command podman "$(podman_command)"
	docker import "$(page_image)" fetching
	take_blocks "$PAGES/docker.md" "$here" configuration
	sed 's/IMAGE/fetching/; s/COMMAND/fetch/' "$(grep -l ^services: "$here"/*)" >"$here/docker-compose.yml"
	printf 'FROM fetching\nRUN fetch\n' >"$here/Dockerfile"
	HERE=$here follow_page docker.md fetching
	set_default_runtime jobfence
	HERE=$here follow_page buildah.md fetching
	set_default_runtime runc
	follow_page oci.md "--env PATH=/bin --cpu-shares 0 --rootfs $ROOT"
	cp "$ROOT/bin/fetch" "$here/fetch"
	printf "FROM localhost/box\nCOPY fetch /bin/fetch\n" >"$here/Containerfile"
	podman build -q -t localhost/fetching -f "$here/Containerfile" "$here"
	follow_page podman.md localhost/fetching
	COMMAND=$ROOT/bin/fetch follow_page systemd.md none
}
