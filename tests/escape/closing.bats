#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Connections to sites: who closes them, what that leaves behind, and who pays for those that fail.

load ../lib/job

# Sends the bytes $1 (with escapes as in printf's %b) to the site, and a request behind them, at once. Prints all answers.
say()
{
	printf %b "$1GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n" | in_job_directly python3 -c 'import socket, sys
client = socket.create_connection(("11.0.0.2", 80), 20)
client.sendall(sys.stdin.buffer.read())
print(b"".join(iter(lambda: client.recv(65536), b"")).decode(), end="")'
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

# Leaves the node $1 ports for its connections to the site, which has one address then, another one in each test.
leave_ports()
{
	lab_name allowed.test "11.0.0.1$BATS_TEST_NUMBER"
	in_lab sysctl -q net.ipv4.ip_local_port_range="20000 $((20000 + $1 - 1))"
}

# How many connections to sites the node keeps that are closed.
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
	leave_ports 580
	job_up --rate 0 --domain allowed.test
	# 256 at once, and 256 a minute: the others are not told before their site has been silent for a second.
	is "$(in_job_directly "$LIB/many.py" tunnel 600)" '600 101
101 hello'
	[ "$(closed)" -le 512 ] || lab_fail "$(closed) are in TIME-WAIT"
	eventually no_tunnels
}

no_tunnels()
{
	[ -z "$(in_lab ss -Htan state established 'dport = :80')" ]
}

@test "a node without a port left says so" {
	leave_ports 4
	job_up --rate 0 --domain allowed.test
	mkfifo "$BATS_TEST_TMPDIR/end"
	in_job_directly "$LIB/flood.py" silence 4 <"$BATS_TEST_TMPDIR/end" >"$BATS_TEST_TMPDIR/flood" 3>&- &
	exec 8>"$BATS_TEST_TMPDIR/end"
	await "$BATS_TEST_TMPDIR/flood" 'open 4'
	eventually all_asked
	like "$(fetch -w '%{http_code}' http://allowed.test/)" '*the node has no port left for the site: 11.0.0.1*502'
	exec 8>&-
	wait
}

all_asked()
{
	[ "$(requests)" -eq 4 ]
}
