# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A file of tests with containers of Docker: a lab with a daemon, and containers that end
# with their test.

# shellcheck source=tests/lib/container.bash
. "${BASH_SOURCE[0]%/*}/container.bash"

DOCKER_PROCESSES=(dockerd containerd containerd-shim)

setup_file()
{
	lab_with containers_up docker_up
}

teardown_file()
{
	docker_down
	lab_down
}

# Ends the containers first: `down` refuses while any is in a cgroup of Docker's.
teardown()
{
	local container

	for container in $(docker ps --all --quiet); do
		docker rm --force "$container" >/dev/null
	done
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	# Docker waits ten seconds for the end of a container. Hooks may run after that.
	eventually nothing_is_left
}

# A daemon of Docker in the lab, with the cgroup driver $1 (cgroupfs); `docker` is its
# client.
docker_up()
{
	local folder=$BATS_FILE_TMPDIR/docker

	containerd_up || return
	mkdir "$folder"
	cat >"$folder/daemon.json" <<-END
		{"data-root": "$folder/data", "exec-root": "/run/docker", "pidfile": "/run/docker.pid",
		 "hosts": ["unix:///run/docker.sock"], "containerd": "/run/containerd/containerd.sock",
		 "bridge": "none", "iptables": false, "ip6tables": false,
		 "storage-driver": "vfs", "exec-opts": ["native.cgroupdriver=${1:-cgroupfs}"],
		 "runtimes": {"jobfence": {"path": "$RUNTIME"}}}
	END
	# Where the kernel has AppArmor, Docker wants its parser as well.
	! in_lab mountpoint -q /sys/kernel/security || in_lab umount /sys/kernel/security
	docker_start && tar -C "$ROOT" -cf "$BATS_FILE_TMPDIR/root.tar" . &&
		docker import "$BATS_FILE_TMPDIR/root.tar" box
}

# Starts the daemon, also again.
docker_start()
{
	local folder=$BATS_FILE_TMPDIR/docker

	: >"$folder/log"
	in_lab dockerd --config-file "$folder/daemon.json" >>"$folder/log" 2>&1 3>&- &
	await "$folder/log" 'API listen' || { cat "$folder/log" && false; }
}

# Fails unless a container of this test's job has its network while nothing of Docker runs,
# and ends with the job. The arguments are Docker's, and place the container. Starts Docker
# again.
stays_fenced_without_docker()
{
	docker run -d --name "$JOB" "$@" box sh -c "$WAIT_AND_PROBE"
	stays_fenced_without "$(docker inspect -f '{{.State.Pid}}' "$JOB")" "${DOCKER_PROCESSES[@]}" &&
		containerd_start && docker_start
}

docker()
{
	# shellcheck disable=SC2046 # words
	in_lab $(docker_command) "$@"
}

docker_command()
{
	echo env DOCKER_CONFIG="$BATS_FILE_TMPDIR" DOCKER_HOST=unix:///run/docker.sock /usr/bin/docker
}

# Tells the daemon to end, and waits until it has removed its mounts.
docker_down()
{
	local pid

	pid=$(in_lab cat /run/docker.pid) || return 0
	in_lab bash -c "kill $pid; tail --pid=$pid -s 0.05 -f /dev/null"
	# A daemon that was killed leaves a mount of its folder, and the next one keeps it.
	# shellcheck disable=SC2016 # of awk
	in_lab awk -v folder="$BATS_FILE_TMPDIR/docker" 'index($2, folder) == 1 { print $2 }' /proc/self/mounts |
		sort -r | in_lab xargs --no-run-if-empty umount
}

# Makes $1 the runtime of containers that name none, and waits until the daemon knows it.
set_default_runtime()
{
	local config=$BATS_FILE_TMPDIR/docker/daemon.json log=$BATS_FILE_TMPDIR/docker/log before

	jq --arg name "$1" '.["default-runtime"] = $name' "$config" >"$config.new" && mv "$config.new" "$config" || return
	before=$(grep -c 'Reloaded configuration' "$log" || :)
	# shellcheck disable=SC2016 # expanded in the lab
	in_lab bash -c 'kill -HUP "$(</run/docker.pid)"'
	eventually has_lines "$log" 'Reloaded configuration' $((before + 1))
}

has_lines()
{
	[ "$(grep -c "$2" "$1")" -ge "$3" ]
}

# shellcheck disable=SC2120 # it is given some
# Builds an image by Docker's old builder, and prints what its only RUN says of its network.
# The arguments are Docker's.
build_runs()
{
	local context=$BATS_TEST_TMPDIR/context said

	mkdir -p "$context"
	echo "$PROBE" >"$context/probe"
	printf 'FROM box\nCOPY probe /\nRUN sh /probe || true\n' >"$context/Dockerfile"
	said=$(in_lab env DOCKER_BUILDKIT=0 DOCKER_CONFIG="$BATS_FILE_TMPDIR" docker -H unix:///run/docker.sock build --no-cache "$@" \
		"$context") || return
	grep -E '^(HTTP/|this is|nc:)' <<<"$said"
}

# Writes a compose file of two services that show their network, in these cgroups.
write_services()
{
	jq -n --arg probe "$PROBE" '$ARGS.positional | to_entries | {version: "2.4", services: (map({key: "s\(.key)", value: {
		image: "box", runtime: "jobfence", network_mode: "none", cgroup_parent: .value,
		command: ["sh", "-c", ($probe | gsub("[$]"; "$$"))]}}) | from_entries)}' --args "$@" >"$BATS_TEST_TMPDIR/compose.yml"
}

# A plugin of `docker` in newer versions, which may also be a command.
compose()
{
	# shellcheck disable=SC2046 # words
	in_lab $(compose_command) -p "$JOB" -f "$BATS_TEST_TMPDIR/compose.yml" "$@"
}

compose_command()
{
	local command='/usr/bin/docker compose'

	[ ! -e /usr/bin/docker-compose ] || command=/usr/bin/docker-compose
	docker_command | sed "s|/usr/bin/docker$|$command|"
}

# Prints what the services printed.
services_said()
{
	local container

	for container in $(compose ps --all --quiet); do
		docker wait "$container" >/dev/null
		docker logs "$container"
	done
}
