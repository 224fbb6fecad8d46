#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Connections to sites: the side that closes them, leftovers of a close, and the charge for
# failed ones.

load ../lib/job

# Sends the bytes $1 (with escapes as in printf's %b) to the site, and a request right
# after them. Prints all answers.
say()
{
	converse 11.0.0.2 80 "$1GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n"
}

@test "a site that does not read a body does not take it for a request" {
	local inner='POST /jobs HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 0\r\n\r\n' length method

	job_up --rate 0 --domain allowed.test
	printf -v length %b "$inner"
	length=${#length}
	for method in GET HEAD POST; do
		lab_forget
		like "$(say "$method /unread HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: $length\r\n\r\n$inner")" \
			'HTTP/1.1 200 OK*HTTP/1.1 200 OK*this is allowed.test'
		is "$(lab_seen '.event == "request"' .line | xargs -d '\n')" "\"$method /unread HTTP/1.1\" \"GET / HTTP/1.1\"" ||
			lab_fail "by $method" || return
	done
	like "$(say "GET /unread HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")" \
		'*unread*this is allowed.test'
	is "$(lab_seen '.event == "error"')" ''
}

# Leaves the node $1 ports for its connections to the site. The site has a single address
# then, a different one in each test.
leave_ports()
{
	lab_name allowed.test "11.0.0.1$BATS_TEST_NUMBER"
	in_lab sysctl -q net.ipv4.ip_local_port_range="20000 $((20000 + $1 - 1))"
}

# Prints how many closed connections to sites the node still keeps.
closed()
{
	in_lab ss -Htan state time-wait 'dport = :80' | wc -l
}

@test "requests of one job leave the node's ports to the others" {
	local kind

	leave_ports 200
	job_up --rate 0 --domain allowed.test
	for kind in empty body early; do
		is "$(in_job_directly "$LIB/many.py" $kind 400)" '400 200'
		[ "$(closed)" -lt 20 ] || lab_fail "$kind: $(closed) are in TIME-WAIT" || return
	done
}

@test "tunnels that the job ends leave a bounded number, and all that was said gets there" {
	leave_ports 700
	job_up --rate 0 --domain allowed.test
	# The client may end 256 tunnels at once, and 256 a minute. The sites of the others
	# learn of the end only after they have been silent for a second.
	is "$(in_job_directly "$LIB/many.py" tunnel 600)" '600 101
101 hello'
	[ "$(closed)" -le 512 ] || lab_fail "$(closed) are in TIME-WAIT"
	eventually no_tunnels
}

@test "a site that reads late gets all that a tunnel said before the job ended it, and too many others" {
	lab_name allowed.test 11.0.0.61
	job_up --rate 0 --domain allowed.test
	in_internet "$LIB/late.py" site 11.0.0.61 >"$BATS_TEST_TMPDIR/site" 2>&1 3>&- &
	await "$BATS_TEST_TMPDIR/site" ready
	in_job_directly "$LIB/late.py" job 11.0.0.61
	await "$BATS_TEST_TMPDIR/site" 'done'
	is "$(sort "$BATS_TEST_TMPDIR/site" | uniq -c | xargs)" '1 done 20 got 24000 1 ready'
}

no_tunnels()
{
	[ -z "$(in_lab ss -Htan state established 'dport = :80')" ]
}

@test "a node without a port left says so" {
	local flooding

	leave_ports 4
	job_up --rate 0 --domain allowed.test
	mkfifo "$BATS_TEST_TMPDIR/end"
	in_job_directly "$LIB/flood.py" silence 4 <"$BATS_TEST_TMPDIR/end" >"$BATS_TEST_TMPDIR/flood" 3>&- &
	flooding=$!
	exec 8>"$BATS_TEST_TMPDIR/end"
	await "$BATS_TEST_TMPDIR/flood" 'open 4'
	eventually all_asked
	like "$(fetch -w '%{http_code}' http://allowed.test/)" '*the node has no port left for the site: 11.0.0.1*502'
	exec 8>&-
	wait $flooding
}

all_asked()
{
	[ "$(requests)" -eq 4 ]
}

# Prints how many connections the node has begun.
begun()
{
	# shellcheck disable=SC2016 # expanded by awk
	in_lab awk '$1 == "Tcp:" { count = $6 } END { print count }' /proc/net/snmp
}

# Fails unless the remaining arguments, run as a command, take $1 ms or longer.
takes()
{
	local least=$1 begin=${EPOCHREALTIME/./} took

	shift
	"$@" || return
	took=$(((${EPOCHREALTIME/./} - begin) / 1000))
	[ "$took" -ge "$least" ] || lab_fail "this took $took ms, and not $least: $*"
}

# Makes a network behind the Internet, 11.0.7.0/24, whose hosts refuse every connection.
# An ICMP error may arrive while connect(2) runs, as over a veth. The kernel then notices
# the error only with the second SYN.
refusing_network()
{
	in_internet bash -ec 'ip netns add refusing
		ip link add refusing type veth peer name eth0 netns refusing
		ip address add 10.9.9.1/30 dev refusing
		ip link set refusing up
		sysctl -q net.ipv4.conf.refusing.forwarding=1
		ip -n refusing link set lo up
		ip -n refusing address add 10.9.9.2/30 dev eth0
		ip -n refusing link set eth0 up
		ip -n refusing route add default via 10.9.9.1
		ip -n refusing route add local 11.0.7.0/24 dev lo
		ip rule add pref 1 to 10.9.9.2 lookup main
		ip rule add pref 1 to 11.0.7.0/24 lookup 7
		ip route add 11.0.7.0/24 via 10.9.9.2 table 7'
}

# Requests each of the hosts, one after another over one connection. Fails unless each
# answer is a 502.
ask_in_vain()
{
	local request host

	for host; do
		printf -v request '%sHEAD / HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n' "$request" "$host"
	done
	is "$(converse 11.0.0.2 80 "${request}GET http://end.wild.test/ HTTP/1.1\r\nConnection: close\r\n\r\n" | grep -c '^HTTP/1.1 502')" $#
}

@test "tries to connect take their share of the rate" {
	local names=() before i

	refusing_network
	for i in {1..40}; do
		names+=("n$i.wild.test")
		lab_name "n$i.wild.test" 11.0.7.{1,2,3,4,5,6,7,8}
	done
	job_up --rate 64kbit --domain '*.wild.test'
	before=$(begun)
	# 320 connections of 208 bytes. Five seconds of them are free.
	takes 3000 ask_in_vain "${names[@]}"
	is $(($(begun) - before)) 320
	in_internet ip netns delete refusing
}

@test "a site that can not be connected rests for a moment" {
	local before refusal # three times the same, for one try

	lab_name allowed.test 11.0.9.1
	job_up --rate 0 --domain allowed.test
	before=$(begun)
	refusal='jobfence: network: job '$JOB': allowed.test: there is no route to the site: 11.0.9.1'
	is "$(fetch http://allowed.test/{1,2,3})" "$refusal
$refusal
$refusal"
	is $(($(begun) - before)) 1
	: >"$LAB/zone"
	eventually fetch -fo /dev/null http://allowed.test/
}

@test "a request that is repeated takes its share of the rate again" {
	job_up --rate 512kbit --domain allowed.test
	# The site gets 240 KB. A quarter of a second of them is free.
	takes 2800 in_job_directly "$LIB/large_heads.py"
	is "$(requests)" 59
}

@test "a job begins a bounded number of connections to sites" {
	leave_ports 28000
	job_up --rate 0 --domain allowed.test
	# A thousand at once and 200 a second are allowed.
	takes 2900 in_job_directly "$LIB/many.py" empty 1600
}
