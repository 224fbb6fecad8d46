#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# bats file_tags=vm,kernel
#
# What the programs in the kernel refuse.

load lib/fence

# Fails unless the call $2 of sockets.py ends with $1 for all of the addresses $3 and the
# ports $4, both lists of words.
across()
{
	local result=$1 call=$2 address port cases=()

	for address in $3; do
		for port in $4; do
			cases+=("$call $address $port")
		done
	done
	all_end_with "$result" "${cases[@]}"
}

everywhere='11.0.0.2 2600:1::2 ::ffff:11.0.0.2 11.0.0.1 2600:1::1 10.0.0.1 169.254.169.254 fd00:ec2::254
	2002:b00:2::1 64:ff9b::b00:2 fe80::1%1 ff02::1%1'
node='127.0.0.1 127.0.0.2 ::1 ::ffff:127.0.0.1 ::ffff:127.0.0.2 0.0.0.0 ::'

@test "the canary sees what is not fenced" {
	in_lab "$LIB/sockets.py" 'sendto 11.0.0.2 444' 'udp 2600:1::2 443' 'tcp 11.0.0.2 81'
	lab_settle
	is "$(lab_seen '.event == "packet"' .port | tr '\n' ' ')" '444 443 81 '
	! lab_saw_nothing 2>/dev/null || lab_fail 'the canary would not have been heard'
}

@test "sockets that are neither TCP nor UDP are refused" {
	local family cases=() known

	job_up --domain allowed.test
	in_fence sysctl -q net.ipv4.ping_group_range='0 2147483647' # as Docker does
	for family in INET INET6; do
		cases+=("socket $family RAW 1" "socket $family RAW 255" "socket $family RAW 6"
			"socket $family DGRAM 1" "socket $family DGRAM 58" "socket $family DGRAM 136"
			"socket $family STREAM 132" "socket $family SEQPACKET 132" "socket $family 6 33"
			"socket $family STREAM 262")
	done
	# What the kernel has no module for says so before it asks the fence.
	mapfile -t known < <(in_lab "$LIB/sockets.py" "${cases[@]}" | sed -n '/NOSUPPORT$/!s/: .*//p')
	like "${known[*]}" '*RAW 1*DGRAM 1*STREAM 262*'
	all_end_with EPERM "${known[@]}"
}

@test "families other than IP are refused" {
	job_up --domain allowed.test
	in_lab test -e "/sys/fs/bpf/jobfence/jobs/$JOB/links/socket_create" ||
		skip 'this kernel loads no LSM programs'
	all_end_with EPERM 'socket PACKET RAW 768' 'socket PACKET DGRAM 768' 'socket VSOCK STREAM 0' \
		'socket 38 SEQPACKET 0' 'socket 44 RAW 0' 'socket 29 RAW 1' 'socket 15 RAW 2' \
		'socket 30 STREAM 0' 'socket 43 STREAM 0'
	all_end_with ok 'socket UNIX STREAM 0' 'socket NETLINK RAW 0' 'socket INET STREAM 0'
}

@test "a command by run or exec gets other families, and keys of others, refused without the LSM, too" {
	local cases=('socket PACKET RAW 768' 'socket VSOCK STREAM 0' 'wide PACKET RAW 768' 'pair 30 STREAM 0' 'pair INET STREAM 0'
		request_key)

	# A kernel may have no x32.
	[ "$(uname -m)" != x86_64 ] || cases+=('socketx32 PACKET RAW 768')
	is "$(in_lab "$LIB/sockets.py" request_key)" 'request_key: ENOKEY'
	job_up --domain allowed.test
	for job in in_job 'jobfence run --domain allowed.test --'; do
		is "$($job "$LIB/sockets.py" "${cases[@]}" io_uring)" "$(printf '%s: EPERM\n' "${cases[@]}")
io_uring: ENOSYS"
	done
}

@test "a command by run or exec is no freer as a 32-bit program" {
	local cases=('socket32 PACKET RAW 768' 'socket32 VSOCK STREAM 0' 'socketcall PACKET RAW 768'
		'socketcall INET STREAM 0' 'tcp_socketcall 11.0.0.2 80' request_key32)

	needs_calls32
	like "$(in_lab "$LIB/sockets.py" 'socketcall PACKET RAW 768' 'socket32 PACKET RAW 768' 'tcp_socketcall 11.0.0.2 80' io_uring32 request_key32)" \
		'*768: ok*768: ok*80: ok*: ok*: ENOKEY'
	lab_forget
	job_up --domain allowed.test
	for job in in_job 'jobfence run --domain allowed.test --'; do
		is "$($job "$LIB/sockets.py" "${cases[@]}" io_uring32)" "$(printf '%s: EPERM\n' "${cases[@]}")
io_uring32: ENOSYS"
	done
	all_end_with EPERM 'tcp_socketcall 11.0.0.2 81' 'tcp_socketcall 2600:1::2 444' 'socketcall INET RAW 255' \
		'socketcall INET STREAM 262' 'socket32 INET RAW 255'
	all_end_with ok 'tcp_socketcall 11.0.0.2 80'
	lab_saw_nothing
}

@test "TCP is refused on every port but 80, 443 and 53" {
	job_up --domain allowed.test
	across EPERM tcp "$everywhere" '1 22 52 54 79 81 442 444 853 8080 65535'
	across ok tcp "${everywhere%ff02*}" '80 443 53'
	lab_saw_nothing
}

@test "fast open is no way around" {
	job_up --domain allowed.test
	across EPERM fastopen "$everywhere" '79 81 442 444'
	lab_saw_nothing
}

@test "UDP is refused on every port but 53, connected or not" {
	job_up --domain allowed.test
	for call in udp sendto sendmmsg reconnected connected_again loosened; do
		across EPERM "$call" '11.0.0.2 2600:1::2 ::ffff:11.0.0.2 169.254.169.254' '52 54 80 123 443 444'
	done
	across EPERM mixed '11.0.0.2 169.254.169.254' '52 54 80 123 443 444'
	lab_saw_nothing
}

@test "a packet with options in its header is refused" {
	up_on_node
	all_end_with EPERM 'headed DGRAM nop 11.0.0.53 53'
	lab_saw_nothing
}

@test "a job without a network has its own loopback only" {
	job_up
	across EPERM tcp "$everywhere" '53 80 443 8080'
	across EPERM sendto "$everywhere" '53 443'
	all_end_with ok 'loopback 127.0.0.1 8080' 'loopback ::1 8080'
	lab_saw_nothing
}

@test "the loopback of a job's own namespace is free" {
	job_up --domain allowed.test
	across ok loopback '127.0.0.1 127.0.0.2 ::1 ::ffff:127.0.0.1' '80 443 5353 8080'
	all_end_with ok 'loopback 0.0.0.0 8080' 'loopback :: 8080'
	across ECONNREFUSED tcp "$node" '81 8080'
}

# bats test_tags=long
@test "every port is the job's own, with every wildcard" {
	local port

	job_up --domain allowed.test
	is "$(in_fence "$LIB/own_ports.py" all ${EMULATED:+61})" ''
	# Those that the proxy and the stub have, of which a wildcard is the loopback.
	across ok loopback '127.0.0.1 ::1' '1 2'
	all_end_with ok 'loopback 0.0.0.0 1' 'loopback :: 2'
	for port in 1 2; do
		across EADDRINUSE 'bind STREAM' '192.0.0.8 100:0:0:1::8 ::ffff:192.0.0.8' "$port"
	done
	jobfence down "$JOB"
	# A namespace without IPv6 has wildcards of it nevertheless.
	in_lab ip netns add "$JOB-own"
	in_lab ip netns exec "$JOB-own" sysctl -q net.ipv6.conf.all.disable_ipv6=1
	job_up --netns "/run/netns/$JOB-own" --domain allowed.test
	across ok 'bind STREAM' '0.0.0.0 ::' '1 2 53 80 443'
	jobfence down "$JOB"
	in_lab ip netns del "$JOB-own"
}

@test "servers of a job at the ports of the web and of DNS meet nothing but its own loopback" {
	local seen=$BATS_TEST_TMPDIR/seen

	mkfifo "$BATS_TEST_TMPDIR/end"
	job_up --domain allowed.test
	in_fence "$LIB/own_ports.py" serve <"$BATS_TEST_TMPDIR/end" >"$seen" 3>&- &
	exec 5>"$BATS_TEST_TMPDIR/end"
	await "$seen" ready
	for address in 11.0.0.2 2600:1::2 192.0.0.8 100:0:0:1::8; do
		is "$(in_fence curl --max-time 60 -sS --connect-to "::[$address]:" http://allowed.test/)" 'this is allowed.test'
		is "$(in_fence curl --max-time 60 -sS --connect-to "::[$address]:" https://allowed.test/)" 'this is allowed.test'
		is "$(in_fence dig +tries=1 +time=20 +short "@$address" allowed.test)" 192.0.0.8
		is "$(in_fence dig +tries=1 +time=20 +short +tcp "@$address" allowed.test)" 192.0.0.8
	done
	is "$(in_fence curl --max-time 60 -sS --proxy http://192.0.0.8:80 http://allowed.test/)" 'this is allowed.test'
	for address in 127.0.0.1 ::1 127.0.0.2; do
		is "$(in_fence timeout 60 bash -c "cat </dev/tcp/$address/80")" own
	done
	all_end_with ok 'udp 127.0.0.1 53' 'udp ::1 443'
	exec 5>&-
	wait $!
	is "$(tail -n 1 "$seen")" 'seen 5'
}

@test "a datagram socket connects to where the job sees its proxy, but sends nothing there" {
	local own='192.0.0.8 100:0:0:1::8 ::ffff:192.0.0.8'

	for up in 'job_up --domain allowed.test' up_on_node; do
		$up
		across ok aim "$([ "$up" = up_on_node ] && echo 192.0.0.8 || echo "$own")" '0 9 80 443'
		is "$(jobfence show --json "$JOB" | jq -c .upload.refused)" '{}'
		across EPERM udp "$([ "$up" = up_on_node ] && echo 192.0.0.8 || echo "$own")" '9 80 443'
		across EPERM sendto "$own" '9 80 443'
		across EPERM aim '11.0.0.2 2600:1::2 169.254.169.254' '0 9 80 443'
		is "$(jobfence show --json "$JOB" | jq -c '.upload.refused | keys')" '["datagram"]'
		lab_saw_nothing
		jobfence down "$JOB"
	done
	job_up
	across EPERM aim "$own" '9 80 443'
}

@test "the loopback of the node is refused, in all its spellings" {
	up_on_node
	across EPERM tcp "$node" '53 80 443 8080'
	across EPERM sendto "$node" '53 443'
	lab_saw_nothing
}

@test "the ports of the node are refused" {
	up_on_node
	all_end_with EPERM 'bind STREAM 0.0.0.0 8080' 'bind STREAM 11.0.0.1 8080' \
		'bind DGRAM :: 8080' 'bind DGRAM 127.0.0.1 8080'
	all_end_with ok 'bind STREAM 0.0.0.0 0' 'bind DGRAM :: 0'
}

@test "in the node's namespace everything else is refused as well" {
	up_on_node
	across EPERM tcp "$everywhere" '79 81 442 444 8080'
	across EPERM sendto "$everywhere" '54 443'
	lab_saw_nothing
	is "$(in_fence curl --max-time 60 -sS http://allowed.test/)" 'this is allowed.test'
}

# Runs, by the command given, a program that listens, at ports it chooses, and says so when
# anybody comes. Sets UDP and TCP.
listen_by()
{
	: >"$BATS_TEST_TMPDIR/listener" # not to take the words of an earlier one for its
	"$@" python3 -uc 'import select, socket
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("0.0.0.0", 0))
streams = socket.create_server(("0.0.0.0", 0))
print("ready", datagrams.getsockname()[1], streams.getsockname()[1])
while True:
	for ready in select.select([datagrams, streams], [], [])[0]:
		print("datagram" if ready is datagrams else "stream", (ready.recvfrom(9) if ready is datagrams else ready.accept())[1][0])' \
		>"$BATS_TEST_TMPDIR/listener" 3>&- &
	await "$BATS_TEST_TMPDIR/listener" ready
	read -r _ UDP TCP <"$BATS_TEST_TMPDIR/listener"
}

@test "nobody outside reaches a socket of the job" {
	listen_by in_lab
	in_internet "$LIB/sockets.py" "sendto 11.0.0.1 $UDP" "tcp 11.0.0.1 $TCP"
	await "$BATS_TEST_TMPDIR/listener" 'datagram 11.0.0.2'
	await "$BATS_TEST_TMPDIR/listener" 'stream 11.0.0.2'
	up_on_node
	listen_by in_fence
	is "$(in_internet env PATIENCE=3 "$LIB/sockets.py" "sendto 11.0.0.1 $UDP" "tcp 11.0.0.1 $TCP")" \
		"$(printf '%s\n' "sendto 11.0.0.1 $UDP: ok" "tcp 11.0.0.1 $TCP: silence")"
	is "$(in_lab env PATIENCE=3 "$LIB/sockets.py" "sendto 127.0.0.1 $UDP" "tcp 127.0.0.1 $TCP")" \
		"$(printf '%s\n' "sendto 127.0.0.1 $UDP: ok" "tcp 127.0.0.1 $TCP: silence")"
	lab_settle
	is "$(wc -l <"$BATS_TEST_TMPDIR/listener")" 1
}

@test "a child cgroup is in the fence of its parent" {
	local child

	up_on_node
	child=$(up_says .cgroup)/child
	in_lab mkdir -p "$child/grandchild"
	for child in "$child" "$child/grandchild"; do
		is "$(enter "$child" "$LIB/sockets.py" 'tcp 11.0.0.2 444' 'sendto 11.0.0.2 443')" \
			$'tcp 11.0.0.2 444: EPERM\nsendto 11.0.0.2 443: EPERM'
		is "$(enter "$child" curl --max-time 60 -sS http://allowed.test/)" 'this is allowed.test'
	done
}

@test "a program that a job attaches to a cgroup of its own does not undo the fence" {
	local child

	up_on_node
	child=$(up_says .cgroup)/child
	in_lab mkdir "$child"
	is "$(in_lab "$LIB/outside.py" "attach $child")" "attach $child: ok"
	# The program makes it port 80, so the fence leads it to the proxy.
	is "$(enter "$child" "$LIB/sockets.py" 'tcp 11.0.0.2 444' 'tcp 2600:1::2 444' 'sendto 11.0.0.2 443' 'tcp 127.0.0.1 444')" \
		$'tcp 11.0.0.2 444: ok\ntcp 2600:1::2 444: EPERM\nsendto 11.0.0.2 443: EPERM\ntcp 127.0.0.1 444: EPERM'
	lab_saw_nothing
}

@test "a working directory that the job does not see is named" {
	in_lab mkdir /run/of-the-node
	# shellcheck disable=SC2016 # expanded by the inner shell
	ends_with 125 in_lab sh -c 'cd /run/of-the-node && exec "$1" run -- true' folder "$JOBFENCE"
	like "$ERRORS" "jobfence: the job can't enter the working directory /run/of-the-node; *--share*"
	in_lab rmdir /run/of-the-node
}

@test "run and exec hand no descriptor on but the standard three" {
	job_up
	for job in in_job 'jobfence run --'; do
		# The last is that of the folder.
		is "$($job ls /proc/self/fd 5<>/dev/udp/127.0.0.1/444 9>"$BATS_TEST_TMPDIR/file" 1000<&9)" $'0\n1\n2\n3'
	done
}

@test "the packet filter alone lets nothing out" {
	up_on_node
	only_packet_filter
	in_fence "$LIB/sockets.py" 'sendto 11.0.0.2 444' 'sendto 2600:1::2 443' 'udp 11.0.0.2 53' \
		'sendto 127.0.0.1 53' 'sendto ::ffff:11.0.0.2 123'
	in_fence timeout 2 bash -c ': >/dev/tcp/11.0.0.2/80' || true
	in_fence timeout 2 bash -c ': >/dev/tcp/11.0.0.1/80' || true
	lab_saw_nothing
}

@test "without any program a namespace of its own has no way out" {
	job_up --domain allowed.test
	detach '*'
	all_end_with ENETUNREACH 'tcp 11.0.0.2 80' 'tcp 2600:1::2 80' 'sendto 11.0.0.2 53' \
		'tcp 11.0.0.1 80' 'sendto 169.254.169.254 80'
	lab_saw_nothing
}

@test "the metadata service is out of reach, by any name" {
	lab_name metadata.google.internal 169.254.169.254
	lab_name metadata.nip.test fd00:ec2::254
	job_up --domain allowed.test --domain 169.254.169.254 --domain fd00:ec2::254 --domain metadata.google.internal \
		--domain metadata.nip.test
	for url in http://169.254.169.254/latest/ 'http://[fd00:ec2::254]/' http://metadata.google.internal/ \
		http://metadata.nip.test/ http://2852039166/ http://0xa9.0xfe.0xa9.0xfe/ http://169.16689662/ \
		'http://[::ffff:169.254.169.254]/'; do
		like "$(in_fence curl --max-time 60 -sSg -o /dev/null -w '%{http_code}' "$url")" 403
	done
	lab_settle
	is "$(lab_seen '.event == "connection" or .event == "packet"')" ''
}

# Where the proxy and the stub of the job $1 listen, as "ADDRESS PORT" a line.
listeners_of()
{
	in_lab jq -r '.state | .proxy4, .proxy6, .dns4, .dns6' "/run/jobfence/jobs/$1/spec.json" | sort -u
}

@test "one job does not reach the proxy of another, nor its stub" {
	local other=$JOB-other cases=() one

	up_on_node
	jobfence up --job "$other" --netns /proc/self/ns/net --domain denied.test
	while read -r one; do
		cases+=("tcp $one" "sendto $one" "udp $one")
		[[ $one = *:* ]] || cases+=("tcp ::ffff:$one" "sendto ::ffff:$one")
	done < <(listeners_of "$other")
	is "${#cases[@]}" 16
	all_end_with EPERM "${cases[@]}"
}

@test "a connection that did not come through the fence is closed by the proxy, and by its stub" {
	local up enter address port seen

	for up in up_on_node 'job_up --domain allowed.test'; do
		$up
		enter=(nsenter --net="$(up_says '.netns // "/proc/self/ns/net"')")
		while read -r address port; do
			seen=$(in_lab "${enter[@]}" "$LIB/sockets.py" "bound $address $address $port")
			# An end of the connection or a reset, as it happens.
			like "$seen" '*: @(0 bytes|ECONNRESET|EPIPE)'
		done < <(listeners_of "$JOB")
		lab_saw_nothing
		# Out of the cgroup a process is still in the namespace, if the job has one.
		[ "$up" = up_on_node ] ||
			is "$(in_lab "${enter[@]}" "$LIB/sockets.py" 'tcp 11.0.0.2 80')" 'tcp 11.0.0.2 80: ENETUNREACH'
		jobfence down "$JOB"
	done
}

@test "the proxy is fenced too" {
	local cases=('tcp 11.0.0.2 81' 'tcp 10.0.0.1 80' 'tcp 11.0.0.1 8080' 'tcp 127.0.0.1 80'
		'tcp 169.254.169.254 80' 'tcp ::ffff:10.0.0.1 80' 'tcp 11.0.0.3 53'
		'sendto 11.0.0.2 443' 'sendto 11.0.0.3 53' 'udp 127.0.0.1 53' 'socket INET RAW 1'
		'socket INET STREAM 262')

	up_on_node
	is "$(enter "$(up_says '.cgroup | rtrimstr("/work")')/proxy" "$LIB/sockets.py" "${cases[@]}")" \
		"$(printf '%s: EPERM\n' "${cases[@]}")"
	lab_saw_nothing
	cases=('tcp 11.0.0.2 80' 'tcp 2600:1::2 443' 'udp 11.0.0.53 53' 'tcp 11.0.0.53 53')
	is "$(enter "$(up_says '.cgroup | rtrimstr("/work")')/proxy" "$LIB/sockets.py" "${cases[@]}")" \
		"$(printf '%s: ok\n' "${cases[@]}")"
}
