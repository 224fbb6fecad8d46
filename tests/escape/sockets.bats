#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Sockets that change after the fence checked them, and packets that no TCP or UDP socket
# made. The job is in its own namespace, and in the node's.

load ../lib/fence

# Level and number of the options of include/jobfence/option.h.
refused_options=('0 35' '0 39' '0 41' '0 42' '0 46' '0 48' '0 51' '41 20' '41 27' '41 42' '41 46' '41 48')

@test "a socket that was connected to its proxy and is connected anew is decided anew" {
	for up in 'job_up --domain allowed.test' up_on_node; do
		$up
		all_end_with EPERM 'disconnected 11.0.0.2 81' 'disconnected 2600:1::2 444' \
			'disconnected ::ffff:11.0.0.2 22' 'disconnected 11.0.0.1 8080'
		all_end_with ok 'disconnected 11.0.0.2 443'
		lab_saw_nothing
		jobfence down "$JOB"
	done
}

@test "a socket that was accepted, and is connected then, is decided as any" {
	job_up --domain allowed.test
	all_end_with EPERM 'accepted 11.0.0.2 81' 'accepted 2600:1::2 444' 'accepted ::ffff:11.0.0.2 22'
	all_end_with ok 'accepted 11.0.0.2 80'
	lab_saw_nothing
}

@test "neither a device nor a strange source nor a source route leads around the fence" {
	job_up --domain allowed.test
	all_end_with EPERM 'device lo 11.0.0.2 81' 'transparent 11.0.0.2 81' 'routed 11.0.0.2 81'
	jobfence down "$JOB"
	up_on_node
	all_end_with EPERM 'device uplink 11.0.0.2 81' 'transparent 11.0.0.2 81' 'routed 11.0.0.2 81'
	# These packets may be on their way to the proxy. They do not get out either.
	in_fence timeout 2 "$LIB/sockets.py" 'device uplink 11.0.0.2 80' || true
	in_fence timeout 2 "$LIB/sockets.py" 'transparent 11.0.0.2 80' || true
	in_fence timeout 2 "$LIB/sockets.py" 'routed 11.0.0.2 80' || true
	lab_saw_nothing
}

@test "the kernel answers nobody elsewhere for a job, whose address that was" {
	local up

	for up in 'job_up --domain allowed.test' job_up; do
		$up
		all_end_with EPERM 'foreign 2600:1::77 ::1 9999' 'foreign 100::8 ::1 80'
		all_end_with ok 'foreign ::1 ::1 9999'
		jobfence down "$JOB"
	done
}

@test "the kernel tells a job of no other peer than it asked for" {
	local up seen

	for up in 'job_up --domain allowed.test' up_on_node; do
		$up
		seen=$(in_fence "$LIB/sockets.py" 'original 11.0.0.2 80' 'original 2600:1::2 443')
		# No packet was translated, whether or not netfilter keeps a table.
		is "$(grep -c ': \(ENOPROTOOPT\|ENOENT\)$' <<<"$seen")" 2 || lab_fail "$seen"
		jobfence down "$JOB"
	done
}

# bats test_tags=vm,kernel
@test "the kernel reports no groups for a job, and narrows no choice of ports" {
	local joins=('join 239.1.2.3 uplink' 'join ff0e::1:2:3 uplink' 'join 239.1.2.3 lo' 'join ff0e::1:2:3 lo')
	local options=() option

	# The kernel repeats reports of groups. On the loopback it sends none.
	is "$(in_lab "$LIB/sockets.py" "${joins[@]:2}" | grep -c ': ok$')" 2
	up_on_node
	for option in "${refused_options[@]}"; do
		options+=("option INET6 DGRAM $option" "option INET6 STREAM $option")
		[[ $option != 0* ]] || options+=("option INET DGRAM $option" "option INET STREAM $option")
	done
	# Without a job no option ends with EPERM, so the fence is the cause of EPERM
	# below.
	is "$(in_lab "$LIB/sockets.py" "${options[@]}" | grep -c ': EPERM$')" 0
	all_end_with EPERM "${joins[@]}" "${options[@]}"
	is "$(jobfence show "$JOB" --json | jq .upload.refused.option)" $((${#joins[@]} + ${#options[@]}))
	lab_saw_nothing
}

# bats test_tags=vm,kernel
@test "nor for a 32-bit program, whose calls the hook does not see" {
	local joins=('join32 239.1.2.3 lo' 'join32 ff0e::1:2:3 lo') cases=() option

	needs_calls32
	is "$(in_lab "$LIB/sockets.py" "${joins[@]}")" "$(printf '%s: ok\n' "${joins[@]}")"
	cases=("${joins[@]}" "${joins[@]/% lo/ uplink}")
	for option in "${refused_options[@]}"; do
		cases+=("option32 INET6 DGRAM $option")
	done
	up_on_node
	is "$(in_job "$LIB/sockets.py" "${cases[@]}" 'option32 INET STREAM 1 2' 'option32 INET6 STREAM 6 1')" \
		"$(printf '%s: EPERM\n' "${cases[@]}")
option32 INET STREAM 1 2: ok
option32 INET6 STREAM 6 1: ok"
	lab_saw_nothing
	in_lab test -e "/sys/fs/bpf/jobfence/jobs/$JOB/links/socket_option" || return 0
	all_end_with EPERM "${cases[@]}"
	is "$(jobfence show "$JOB" --json | jq .upload.refused.option)" ${#cases[@]}
	lab_saw_nothing
}

@test "nor by the x32 table of calls" {
	local cases=("${refused_options[@]/#/optionx32 INET6 STREAM }")

	[ "$(uname -m)" = x86_64 ] || skip 'these calls are of x86'
	up_on_node
	is "$(in_job "$LIB/sockets.py" "${cases[@]}")" "$(printf '%s: EPERM\n' "${cases[@]}")"
	lab_saw_nothing
}

@test "other options go to the kernel as they are, long ones too" {
	local options

	job_up --domain allowed.test
	# SO_REUSEADDR, IP_TOS, IPV6_UNICAST_HOPS, TCP_NODELAY, SO_BINDTODEVICE, and an
	# unknown option.
	options=('option INET STREAM 1 2' 'option INET DGRAM 0 1' 'option INET6 DGRAM 41 16' 'option INET STREAM 6 1'
		'option INET STREAM 1 25' 'option INET STREAM 9999 1')
	is "$(in_fence "$LIB/sockets.py" "${options[@]}")" "$(in_lab "$LIB/sockets.py" "${options[@]}")"
	in_fence python3 "$LIB/long_option.py"
}

# bats test_tags=vm,kernel
@test "io_uring connects and sends to where connect(2) and sendmsg(2) may" {
	up_on_node
	is "$(in_lab "$LIB/sockets.py" 'ring 11.0.0.2 80')" 'ring 11.0.0.2 80: ok'
	lab_forget
	all_end_with EPERM 'ring 11.0.0.2 22' 'ring 2600:1::2 444' 'ring 11.0.0.1 8080' 'ring 127.0.0.1 80'
	all_end_with ok 'ring 11.0.0.2 80'
	all_end_with EPERM 'ring_send 11.0.0.2 443' 'ring_send 2600:1::2 444' 'ring_send ::ffff:11.0.0.2 54' \
		'ring_socket INET RAW 255' 'ring_socket INET STREAM 262'
	lab_saw_nothing
}

@test "the proxy reached as if it were the loopback answers nothing" {
	local seen

	job_up --domain allowed.test
	is "$(in_fence "$LIB/sockets.py" 'bound 192.0.0.8 11.0.0.2 80' | grep -c 'bytes$')" 1
	lab_forget
	# A packet from the proxy's address to the unspecified address goes to the proxy's
	# address.
	seen=$(in_fence "$LIB/sockets.py" "bound 192.0.0.8 0.0.0.0 $(listener_port)")
	like "$seen" '*: @(0 bytes|ECONNRESET|EPIPE)'
	lab_saw_nothing
}

@test "the job can be no proxy of its own while there is one, nor at its other ports" {
	job_up --domain allowed.test
	for address in 192.0.0.8 100:0:0:1::8 ::ffff:192.0.0.8; do
		all_end_with EADDRINUSE "bind STREAM $address $(listener_port)" "bind STREAM $address $(listener_port dns4)" \
			"bind DGRAM $address $(listener_port dns4)"
	done
	all_end_with EPERM 'loopback 192.0.0.8 8080' 'loopback 100:0:0:1::8 8080'
}

@test "a job that took its dead proxy's place gets nothing by it, not even itself" {
	local proxy

	job_up --domain allowed.test
	proxy=$(up_says '.cgroup | rtrimstr("/work")')/proxy
	# shellcheck disable=SC2046 # a list of words
	# The worker ends with its supervisor.
	in_lab kill -KILL $(in_lab cat "$proxy/cgroup.procs") || :
	# The job can't bind the proxy's ports, nor take its connections by a wildcard
	# address.
	all_end_with EADDRINUSE "bind STREAM 192.0.0.8 $(listener_port)" "bind STREAM 100:0:0:1::8 $(listener_port)"
	in_fence python3 "$LIB/trick_server.py" "$(listener_port)" \
		>"$BATS_TEST_TMPDIR/squatter" 3>&- &
	await "$BATS_TEST_TMPDIR/squatter" ready
	ends_with 7 in_fence curl --max-time 20 -sS --resolve allowed.test:80:11.0.0.2 http://allowed.test
	is "$OUTPUT" ''
	ends_with 7 in_fence curl --max-time 20 -sS --resolve 'allowed.test:80:[2600:1::2]' http://allowed.test
	is "$OUTPUT" ''
	lab_saw_nothing
	jobfence repair "$JOB"
	is "$(in_fence curl --max-time 20 -sS http://allowed.test)" 'this is allowed.test'
}

@test "in namespaces of its own a job is no freer" {
	job_up --domain allowed.test
	for job in in_fence 'in_job_directly'; do
		# shellcheck disable=SC2016 # expanded by the inner shell
		is "$($job unshare -Urn bash -c 'ip link set lo up && exec "$@"' own "$LIB/sockets.py" \
			'tcp 11.0.0.2 81' 'sendto 11.0.0.2 443' 'tcp 127.0.0.1 81' 'socket INET RAW 255')" \
			$'tcp 11.0.0.2 81: EPERM\nsendto 11.0.0.2 443: EPERM\ntcp 127.0.0.1 81: ECONNREFUSED\nsocket INET RAW 255: EPERM'
	done
	jobfence down "$JOB"
	up_on_node
	is "$(in_fence unshare -Urn "$LIB/sockets.py" 'tcp 11.0.0.2 81' 'tcp 127.0.0.1 81')" \
		$'tcp 11.0.0.2 81: EPERM\ntcp 127.0.0.1 81: EPERM'
	lab_saw_nothing
}

# bats test_tags=vm,kernel
@test "a TCP of the job's own on a packet socket is not let in by the proxy" {
	local seen

	job_up --rate 0 --domain allowed.test
	in_lab nsenter --net="$(up_says .netns)" sysctl -q net.ipv4.conf.{all,lo}.{accept_local,route_localnet}=1
	seen=$(in_fence "$LIB/packets.py" "spoof 192.0.0.8 40000 192.0.0.8 $(listener_port)" \
		"spoof 127.0.0.1 40001 192.0.0.8 $(listener_port)" 'inject 11.0.0.2 444' 'inject 169.254.169.254 80')
	if in_lab test -e "/sys/fs/bpf/jobfence/jobs/$JOB/links/socket_create"; then
		is "$(grep -c ': EPERM$' <<<"$seen")" 4
	else
		is "$(grep -cE ': (closed|reset)$' <<<"$seen")" 2
	fi
	lab_saw_nothing
	is "$(in_fence curl --max-time 20 -sS http://allowed.test)" 'this is allowed.test'
}

@test "a device of the job's own leads nowhere, and around no throttle" {
	local port

	in_lab test -c /dev/net/tun || skip 'there is no tun'
	job_up --domain allowed.test
	# Begin a connection in another namespace, from the same address. It stands for a
	# connection that came through the fence.
	port=$(listener_port)
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab unshare -n bash -c 'ip link set lo up && ip address add 192.0.0.8 dev lo && ip address add 11.0.0.2 dev lo && exec "$@"' own \
		python3 "$LIB/join_late.py" "$port" "$(up_says .cgroup)" >"$BATS_TEST_TMPDIR/inner" 2>&1 3>&- &
	await "$BATS_TEST_TMPDIR/inner" ready
	is "$(in_fence "$LIB/packets.py" "tunnel 11.0.0.2 80 192.0.0.8 $port")" "tunnel 11.0.0.2 80 192.0.0.8 $port: silence"
	lab_settle
	is "$(lab_seen '.event != "marker"')" ''
}

@test "a socket handed over by somebody outside is that somebody's, and a job's own stays fenced" {
	job_up --domain allowed.test
	in_fence python3 "$LIB/passed_socket.py"
	lab_saw_nothing
}

# Makes the job give sockets to another job, runs the arguments as a command, and ends the
# job. Fails if a packet gets out by these sockets afterwards.
gives_sockets_away()
{
	local other port

	jobfence up --job "$JOB-other" --json --netns /proc/self/ns/net --domain allowed.test >"$BATS_TEST_TMPDIR/other"
	up_on_node
	other=$(jq -r .cgroup "$BATS_TEST_TMPDIR/other")
	port=$(listener_port)
	mkfifo "$BATS_TEST_TMPDIR/turn"
	enter "$other" python3 -uc 'import socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
print("ready")
fds = socket.recv_fds(listening.accept()[0], 1, 3)[1]
print("received", len(fds))
open(sys.argv[2]).read()
for fd, address in zip(fds, (("11.0.0.2", 4444), ("11.0.0.2", 80), ("127.0.0.1", int(sys.argv[3])))):
	made = socket.socket(fileno=fd)
	made.settimeout(1)
	try:
		made.connect(address)
		made.send(b"leak")
		print("sent", address)
	except OSError as error:
		print(error)
print("done")' "$BATS_TEST_TMPDIR/socket" "$BATS_TEST_TMPDIR/turn" "$port" >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	await "$BATS_TEST_TMPDIR/said" ready
	in_fence python3 "$LIB/pass_sockets.py" "$BATS_TEST_TMPDIR/socket"
	await "$BATS_TEST_TMPDIR/said" 'received 3'
	"$@"
	jobfence down "$JOB"
	# Another process gets the port that was the proxy's.
	in_lab timeout 20 python3 "$LIB/listen.py" 127.0.0.1 "$port" sh -c 'echo listening; exec sleep 20' >"$BATS_TEST_TMPDIR/heard" 3>&- &
	await "$BATS_TEST_TMPDIR/heard" listening
	echo >"$BATS_TEST_TMPDIR/turn"
	await "$BATS_TEST_TMPDIR/said" '^done'
	! grep sent "$BATS_TEST_TMPDIR/said" || lab_fail "$(<"$BATS_TEST_TMPDIR/said")"
	lab_saw_nothing
	jobfence down "$JOB-other"
}

@test "a socket that a job gave to another is fenced when its own job is gone" {
	gives_sockets_away true
}

@test "a socket that a job gave to another is fenced when its own job is gone, whose record could not be read" {
	gives_sockets_away in_lab truncate -s 0 "/run/jobfence/jobs/$JOB/spec.json"
}
