#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Docker's containers over their life, with Docker's own runtime and behind the fence.

load ../lib/docker

# Starts a container with the given options and prints its state over its life. It is
# healthy, restarts, runs a second command, stops, starts again, and restarts by itself.
lives()
{
	local name=$JOB

	docker run -d --name "$name" --network none --health-cmd 'test -e /tmp/healthy' --health-interval 0.2s --health-retries 1 "$@" \
		box sh -c 'touch /tmp/healthy; nc -ll -p 80 -e echo served & echo started; trap "exit 5" TERM; wait' >/dev/null
	wait_for "$name" healthy
	docker exec "$name" sh -c 'nc 127.0.0.1 80 </dev/null; id -u; echo $0; exit 4' || echo "exec $?"
	docker exec "$name" rm /tmp/healthy
	wait_for "$name" unhealthy
	docker restart -t 10 "$name" >/dev/null
	wait_for "$name" healthy
	docker pause "$name" >/dev/null && docker unpause "$name" >/dev/null
	docker stop -t 10 "$name" >/dev/null
	docker wait "$name"
	docker start "$name" >/dev/null
	wait_for "$name" healthy
	docker kill "$name" >/dev/null
	docker wait "$name"
	docker logs "$name"
	docker rm "$name" >/dev/null
	docker run --name "$name" --network none --restart on-failure:2 "$@" box sh -c 'echo tried; exit 3' || echo "run $?"
	docker wait "$name"
	docker inspect -f '{{.RestartCount}}' "$name"
	docker rm -f "$name" >/dev/null
}

# Waits until the container $1 is $2. The daemon tells of it before it says so.
wait_for()
{
	eventually is_in_health "$@" && echo "$2"
}

is_in_health()
{
	[ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = "$2" ]
}

@test "health checks, restarts, exec, pause, stop and kill are as without the fence" {
	local control

	control=$(lives)
	like "$control" '*healthy*served*unhealthy*started*'
	is "$(lives --runtime jobfence)" "$control"
	job_up
	is "$(lives --runtime jobfence --cgroup-parent "/jobfence/$JOB/work")" "$control"
}
