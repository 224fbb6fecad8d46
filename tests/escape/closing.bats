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
