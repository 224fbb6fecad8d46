#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The same attempts from a real container. Root has Docker's default capabilities,
# including CAP_NET_RAW, and Docker's own filter of system calls. The node's /usr provides
# Python.

load ../lib/docker

# Runs a command in a container of the job. NETWORK is the network that Docker gives it.
contained()
{
	docker run --rm --network "${NETWORK:-none}" --runtime jobfence --cgroup-parent "/jobfence/$JOB/work" -v /usr:/usr:ro \
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

# Makes a job in its own namespace. With $1 `host` the job is in the node's, where packets
# have a route out.
up_for()
{
	NETWORK=$1
	if [ "$1" = host ]; then
		job_up --netns /proc/self/ns/net "${@:2}"
		# As Docker does in a namespace of its own.
		in_lab sysctl -q net.ipv4.ping_group_range='0 2147483647'
	else
		job_up "${@:2}"
	fi
	lab_forget
}

@test "no address leads a container out, by any protocol" {
	local network cases=('tcp 2600:1::2 81' 'tcp fd00:ec2::254 8080' 'tcp 169.254.169.254 8080' 'tcp 10.0.0.1 22'
		'sendto 169.254.169.254 80' 'sendto fd00:ec2::254 80' 'sendto 11.0.0.2 443' 'udp 2600:1::2 443'
		'mixed 11.0.0.2 443' 'sendmmsg 2600:1::2 443' 'connected_again 11.0.0.2 443' 'loosened 11.0.0.2 443'
		'sendto 224.0.0.251 5353' 'sendto ff02::fb%1 5353' 'large 11.0.0.2 444' 'headed DGRAM hop 2600:1::2 444'
		'along destination 2600:1::2 444' 'headed STREAM loose 11.0.0.2 444' 'socket INET6 RAW 58' 'socket INET DGRAM 1'
		'socket INET6 DGRAM 58' 'socket INET6 RAW 255')

	for network in none host; do
		up_for $network --domain allowed.test
		is "$(contained "$LIB/sockets.py" "${cases[@]}")" "$(printf '%s: EPERM\n' "${cases[@]}")"
		contained sh -c 'ping -c 1 -W 1 11.0.0.2; ping -c 1 -W 1 169.254.169.254; ping6 -c 1 -W 1 2600:1::2' \
			>"$BATS_TEST_TMPDIR/seen" 2>&1 || true
		is "$(grep -c 'permission denied' "$BATS_TEST_TMPDIR/seen")" 3 || lab_fail "$(<"$BATS_TEST_TMPDIR/seen")"
		lab_saw_nothing
		jobfence down "$JOB"
	done
}

@test "a container asks no server but the stub for a name, and gets no metadata" {
	local network url servers=(11.0.0.53 8.8.8.8 169.254.169.254) urls=(http://169.254.169.254/latest/ http://2852039166/)

	for network in none host; do
		up_for $network --domain allowed.test --domain 169.254.169.254 --domain fd00:ec2::254
		# Docker 28 disables IPv6 in a container's namespace.
		[ $network = none ] || { servers+=(2600:1::53) && urls+=('http://[fd00:ec2::254]/'); }
		# shellcheck disable=SC2016 # expanded in the container
		is "$(contained sh -c 'for server; do
			for transport in +notcp +tcp; do
				dig +tries=1 +time=20 +short $transport @$server allowed.test
				dig +tries=1 +time=20 $transport @$server leak.denied.test | grep -o NXDOMAIN
			done
		done' ask "${servers[@]}")" "$(printf '192.0.0.8\nNXDOMAIN\n192.0.0.8\nNXDOMAIN\n%.0s' "${servers[@]}")"
		for url in "${urls[@]}"; do
			is "$(contained curl --max-time 60 -sSg -o /dev/null -w '%{http_code}' "$url")" 403
		done
		lab_saw_nothing
		jobfence down "$JOB"
	done
}

@test "no packet of a container gets out, nor into the proxy" {
	local hush

	job_up --domain allowed.test
	in_lab nsenter --net="$(up_says .netns)" sysctl -q net.ipv4.conf.{all,lo}.{accept_local,route_localnet}=1
	# Run this outside the container. Inside, attaching the filter may be refused.
	in_lab nsenter --net="$(up_says .netns)" "$LIB/packets.py" 'hush 192.0.0.8 40000' >"$BATS_TEST_TMPDIR/hush" 3>&- &
	hush=$!
	await "$BATS_TEST_TMPDIR/hush" ready
	contained "$LIB/packets.py" "stream 192.0.0.8 40000 192.0.0.8 $(listener_port)" 'inject 11.0.0.2 444' \
		'inject 169.254.169.254 80' >"$BATS_TEST_TMPDIR/seen"
	kill "$hush"
	# Packet sockets are refused here. sockets.bats tests the proxy where a job has
	# them.
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
