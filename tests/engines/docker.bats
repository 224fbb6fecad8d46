#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Containers of Docker, with jobfence-runtime and with Docker's own runtime.

load ../lib/docker
load ../lib/pages

fenced=(--network none --runtime jobfence)

@test "containers in a job's cgroup have the job's network" {
	local run=(docker run "${fenced[@]}" --cgroup-parent "/jobfence/$JOB/work")

	job_up --domain allowed.test
	"${run[@]}" -d --name "$JOB" box sleep 1000
	has_the_jobs_network "docker exec $JOB" "${run[*]} --rm box"
}

@test "a container has port 80 for itself, and addresses of the families that it has" {
	local said

	job_up --domain allowed.test
	# shellcheck disable=SC2016 # expanded in the container
	said=$(docker run --rm "${fenced[@]}" --cgroup-parent "/jobfence/$JOB/work" box sh -c '
		echo own >/tmp/index.html
		httpd -h /tmp && wget -q -O - http://127.0.0.1/
		echo "of IPv6: $(grep -c ^0100 /proc/net/if_inet6)"
		nslookup allowed.test 192.0.0.8 | grep -c 100:0:0:1::8
		nslookup allowed.test 192.0.0.8 | grep -o "192.0.0.8$" | sort -u')
	like "$said" $'own\nof IPv6: @(0\n0|1\n1)\n192.0.0.8'
}

@test "a job's end ends its containers" {
	job_up --domain allowed.test
	docker run -d --name "$JOB" "${fenced[@]}" --cgroup-parent "/jobfence/$JOB/work" box sleep 1000
	jobfence down "$JOB"
	is "$(docker wait "$JOB")" 137
	nothing_is_left
}

@test "a container that nobody declared anything for has no network, and leaves nothing" {
	like "$(docker run --rm "${fenced[@]}" box sh -c "$PROBE" || true)" \
		"nc: can't connect to remote host (11.0.0.2): Operation not permitted*"
	lab_saw_nothing
	nothing_is_left
}

@test "without dockerd, containerd and the shim a container has its job's network, and no more" {
	job_up --domain allowed.test
	stays_fenced_without_docker "${fenced[@]}" --cgroup-parent "/jobfence/$JOB/work"
}

@test "without them a container of its own job has no network, and gc ends the job after it" {
	local cgroup pid name

	docker run -d --name "$JOB" "${fenced[@]}" box sh -c "$WAIT_AND_PROBE"
	pid=$(docker inspect -f '{{.State.Pid}}' "$JOB")
	for name in "${DOCKER_PROCESSES[@]}"; do
		kill_all "$name"
	done
	like "$(sees_now "$pid")" "nc: can't connect to remote host (11.0.0.2): Operation not permitted*"
	lab_saw_nothing
	cgroup=$(jobfence list --json | jq -r '.[].cgroup')
	in_lab bash -c "kill -KILL $pid; tail --pid=$pid -s 0.05 -f /dev/null"
	# As after a restart of the engine, or of the node.
	eventually in_lab rmdir "$cgroup"
	like "$(jobfence gc)" 'removed *'
	nothing_is_left
	containerd_start
	docker_start
}

@test "an image can't widen its fence" {
	docker import --change 'LABEL io.jobfence.domains=allowed.test' \
		--change 'ENV io.jobfence.domains=allowed.test' "$BATS_FILE_TMPDIR/root.tar" greedy
	like "$(docker run --rm "${fenced[@]}" greedy sh -c "$PROBE" || true)" "nc: can't connect*not permitted*"
	lab_saw_nothing
}

@test "while its job is missing or jobfence is broken a container does not start" {
	ends_with 125 docker run --rm "${fenced[@]}" --cgroup-parent /jobfence/nobody/work box sh -c "$PROBE"
	like "$ERRORS" '*there is no job nobody*'
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	ends_with 125 docker run --rm "${fenced[@]}" box sh -c "$PROBE"
	in_lab umount --lazy /run/jobfence
	is "$OUTPUT" ''
	lab_saw_nothing
}

@test "Podman's seccomp profile, for a container without CAP_AUDIT_WRITE, is narrowed" {
	job_up --domain allowed.test
	is "$(docker run --rm "${fenced[@]}" --cap-drop AUDIT_WRITE --security-opt seccomp=/usr/share/containers/seccomp.json \
		--cgroup-parent "/jobfence/$JOB/work" box sh -c "$PROBE" || true)" "$FENCED"
}

@test "health checks, and what a policy restarts, have the job's network" {
	job_up --domain allowed.test
	docker run -d --name "$JOB" "${fenced[@]}" --cgroup-parent "/jobfence/$JOB/work" \
		--health-cmd "{ $PROBE; } >/health.new; mv /health.new /health; true" --health-interval 0.2s box sleep 1000
	eventually is_health "$JOB" healthy
	is "$(docker exec "$JOB" cat /health)" "$FENCED"
	docker rm --force "$JOB"
	docker run -d --name "$JOB" "${fenced[@]}" --cgroup-parent "/jobfence/$JOB/work" --restart on-failure:1 \
		box sh -c "$PROBE; exit 3"
	eventually has_restarted 1
	is "$(docker logs "$JOB")" "$FENCED
$FENCED"
}

is_health()
{
	[ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = "$2" ]
}

# Whether the container was restarted $1 times, and has ended for good.
has_restarted()
{
	[ "$(docker inspect -f '{{.State.Status}} {{.RestartCount}}' "$JOB")" = "exited $1" ]
}

@test "a container of its own job gets a new one each time that it restarts" {
	docker run -d --name "$JOB" "${fenced[@]}" --restart on-failure:2 box sh -c "$PROBE; exit 3"
	eventually has_restarted 2
	is "$(docker logs "$JOB" | sort | uniq -c | sed 's/^ *//')" "9 nc: can't connect to remote host (11.0.0.2): Operation not permitted"
	lab_saw_nothing
	nothing_is_left
}

@test "a compose file has one job for all of its services, or one for each" {
	job_up --domain allowed.test
	write_services "/jobfence/$JOB/work" "/jobfence/$JOB/work"
	compose up -d
	is "$(services_said)" "$FENCED
$FENCED"
	is "$(jobfence list --json | jq -r '.[].job')" "$JOB"
	compose down
	jobfence up --job other --domain other.test >"$BATS_TEST_TMPDIR/other"
	write_services "/jobfence/$JOB/work" /jobfence/other/work
	compose up -d
	is "$(services_said | LC_ALL=C sort | uniq -c | sed 's/^ *//')" "1 HTTP/1.1 200 OK
3 HTTP/1.1 403 Forbidden
2 nc: can't connect to remote host (11.0.0.2): Operation not permitted
1 this is allowed.test"
	jobfence down other
	compose down
	write_services "/jobfence/$JOB/work" /jobfence/other/work
	ends_with 1 compose up -d
	like "$ERRORS" '*there is no job other*'
	compose down
}

@test "docker build: with jobfence as the default runtime each RUN is behind the fence" {
	set_default_runtime jobfence
	job_up --domain allowed.test
	is "$(build_runs --network none --cgroup-parent "/jobfence/$JOB/work")" "$FENCED"
	is "$(received x-jobfence-job-id)" "$JOB"
	is "$(build_runs | sort -u)" "nc: can't connect to remote host (11.0.0.2): Operation not permitted"
	ends_with 1 build_runs --cgroup-parent /jobfence/nobody/work
	set_default_runtime runc
}

has_made_it()
{
	docker logs "$JOB" 2>&1 | grep -qx made
}

@test "by hand: no network before the fence stands, and the job's after" {
	local pid

	docker run -d --name "$JOB" --network none --cgroup-parent /theirs box \
		sh -c "nc -w 5 11.0.0.2 80 </dev/null; mkfifo /go; echo made; read x </go; $PROBE"
	eventually has_made_it
	lab_saw_nothing
	pid=$(docker inspect -f '{{.State.Pid}}' "$JOB")
	job_up --cgroup /sys/fs/cgroup/theirs --pid "$pid" --domain allowed.test
	docker exec "$JOB" sh -c 'echo >/go'
	docker wait "$JOB"
	like "$(docker logs "$JOB" 2>/dev/null)" "*$FENCED"
}

@test "the commands of docker.md" {
	pages_up
	page_command docker "$(docker_command)"
	docker import "$(page_image)" fetching
	follow_page docker.md fetching
}
