# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A file of tests with containers of Docker: a lab with a daemon, and containers that end
# with their test.

# shellcheck source=tests/lib/container.bash
. "${BASH_SOURCE[0]%/*}/container.bash"

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
	nothing_is_left
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
	in_lab dockerd --config-file "$folder/daemon.json" >"$folder/log" 2>&1 3>&- &
	await "$folder/log" 'API listen' || { cat "$folder/log" && return 1; }
	tar -C "$ROOT" -cf "$BATS_FILE_TMPDIR/root.tar" . &&
		docker import "$BATS_FILE_TMPDIR/root.tar" box
}

docker()
{
	in_lab env DOCKER_CONFIG="$BATS_FILE_TMPDIR" /usr/bin/docker -H unix:///run/docker.sock "$@"
}

# Tells the daemon to end, and waits until it has removed its mounts.
docker_down()
{
	local pid

	pid=$(in_lab cat /run/docker.pid) || return 0
	in_lab bash -c "kill $pid; tail --pid=$pid -s 0.05 -f /dev/null"
}
