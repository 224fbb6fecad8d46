#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The same attempts from a real container, by root with Docker's default capabilities, CAP_NET_RAW among them, and
# Docker's own filter of system calls. The node's /usr is there to have a Python.

load ../lib/docker

# Runs a command in a container of the job.
contained()
{
	docker run --rm --network none --runtime jobfence --cgroup-parent "/jobfence/$JOB/work" -v /usr:/usr:ro \
		-v /usr/lib:/lib:ro -v /usr/lib64:/lib64:ro -v "$LIB:$LIB:ro" box "$@"
}

@test "no socket of a container gets out" {
	job_up --domain allowed.test
	contained "$LIB/sockets.py" 'tcp 11.0.0.2 81' 'tcp ::ffff:11.0.0.2 22' 'tcp 11.0.0.1 8080' 'udp 11.0.0.2 443' \
		'sendto 2600:1::2 443' 'sendmmsg 11.0.0.2 444' 'fastopen 11.0.0.2 81' 'disconnected 11.0.0.2 81' \
		'device lo 11.0.0.2 81' 'routed 11.0.0.2 81' 'socket INET RAW 1' 'socket INET RAW 255' \
		'socket INET DGRAM 1' 'socket INET STREAM 262' >"$BATS_TEST_TMPDIR/seen"
	is "$(grep -vc ': EPERM$' "$BATS_TEST_TMPDIR/seen")" 0 || lab_fail "$(<"$BATS_TEST_TMPDIR/seen")"
	is "$(wc -l <"$BATS_TEST_TMPDIR/seen")" 14
	lab_saw_nothing
}

@test "no packet of a container gets out, nor into the proxy" {
	local hush

	job_up --domain allowed.test
	in_lab nsenter --net="$(up_says .netns)" sysctl -q net.ipv4.conf.{all,lo}.{accept_local,route_localnet}=1
	# From outside of the container, where to attach the filter that it takes may be refused.
	in_lab nsenter --net="$(up_says .netns)" "$LIB/packets.py" 'hush 192.0.0.8 40000' >"$BATS_TEST_TMPDIR/hush" 3>&- &
	hush=$!
	await "$BATS_TEST_TMPDIR/hush" ready
	contained "$LIB/packets.py" 'stream 192.0.0.8 40000 192.0.0.8 80' 'inject 11.0.0.2 444' \
		'inject 169.254.169.254 80' >"$BATS_TEST_TMPDIR/seen"
	kill "$hush"
	# There are no packet sockets. What the proxy does where there are is in sockets.bats.
	is "$(grep -c ': EPERM$' "$BATS_TEST_TMPDIR/seen")" 3
	lab_saw_nothing
}

@test "a container reaches no cgroup, program, pin or process of the node" {
	job_up --domain allowed.test
	contained "$LIB/outside.py" load "pin /sys/fs/bpf/jobfence/jobs/$JOB/links/egress" cgroups \
		'join /sys/fs/cgroup' 'clone /sys/fs/cgroup' "signal $(<"$LAB/internet.pid")" >"$BATS_TEST_TMPDIR/seen" || true
	! grep ': ok$' "$BATS_TEST_TMPDIR/seen" || lab_fail 'it could'
	is "$(wc -l <"$BATS_TEST_TMPDIR/seen")" 6
}
