#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Requests that one reader takes for something else than another. Each is answered by the
# proxy with an error, and nothing of it reaches a site, not even a connection or a question
# for its name.

load lib/job

setup()
{
	job_up --rate 0 --domain allowed.test
	lab_forget
}

# Fails unless what the job sends (with escapes of printf's %b) is answered 400 or 403. A
# second request on the same connection must not be answered.
refused()
{
	local bytes answer

	for bytes; do
		answer=$(converse 11.0.0.2 80 "$bytes") || lab_fail "no answer to: $bytes" || return
		like "$answer" 'HTTP/1.1 40[03] *' || lab_fail "to: $bytes" || return
		is "$(grep -c '^HTTP/1' <<<"$answer")" 1 || lab_fail "to: $bytes" || return
	done
}

# The same for fields, each in a request of its own that is honest otherwise.
refused_fields()
{
	local field

	for field; do
		refused "POST / HTTP/1.1\r\nHost: allowed.test\r\n$field\r\n\r\n$smuggled"
	done
}

refused_hosts()
{
	local host

	for host; do
		refused "GET / HTTP/1.1\r\nHost: $host\r\n\r\n"
	done
}

refused_targets()
{
	local target

	for target; do
		refused "GET $target HTTP/1.1\r\nHost: allowed.test\r\n\r\n"
	done
}

smuggled='GET /smuggled HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n'

@test "what the table's requests have in common is not what is refused" {
	like "$(converse 11.0.0.2 80 "$smuggled")" 'HTTP/1.1 200 OK*'
	is "$(requests)" 1
}

@test "two lengths are refused" {
	refused_fields 'Content-Length: 5\r\nContent-Length: 6' 'Content-Length: 6\r\nContent-Length: 5' \
		'Content-Length: 5, 6' 'Content-Length: 0\r\ncontent-length: 44'
	lab_saw_nothing
}

@test "a length and chunks are refused" {
	refused_fields 'Content-Length: 5\r\nTransfer-Encoding: chunked' \
		'Transfer-Encoding: chunked\r\nContent-Length: 5' \
		'Transfer-Encoding: chunked\r\nContent-Length: 0'
	lab_saw_nothing
}

@test "a length that is no number is refused" {
	refused_fields 'Content-Length: +5' 'Content-Length: -5' 'Content-Length: 0x5' 'Content-Length: 5 5' \
		'Content-Length: ' 'Content-Length: 5,' 'Content-Length: 99999999999999999999' \
		'Content-Length: 18446744073709551617' 'Content-Length: 5\0013' 'Content-Length: 5e0'
	lab_saw_nothing
}

@test "transfer codings other than one chunked are refused" {
	refused_fields 'Transfer-Encoding: identity' 'Transfer-Encoding: xchunked' \
		'Transfer-Encoding: chunked, identity' 'Transfer-Encoding: gzip, chunked' \
		'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity' \
		'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked' 'Transfer-Encoding: "chunked"' \
		'Transfer-Encoding: \0013chunked' 'Transfer-Encoding: chunked;a=b' 'Transfer-Encoding: '
	refused "POST / HTTP/1.0\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$smuggled"
	lab_saw_nothing
}

@test "lines that end in anything but CRLF are refused" {
	refused 'GET / HTTP/1.1\nHost: allowed.test\n\n' 'GET / HTTP/1.1\r\nHost: allowed.test\n\r\n' \
		'GET / HTTP/1.1\r\nHost: allowed.test\r\nA: b\nTransfer-Encoding: chunked\r\n\r\n' \
		'GET / HTTP/1.1\r\nHost: allowed.test\r\nA: b\rTransfer-Encoding: chunked\r\n\r\n' \
		'GET / HTTP/1.1\r\nHost: allowed.test\r\n\n' 'GET / HTTP/1.1\rHost: allowed.test\r\r'
	lab_saw_nothing
}

@test "folded lines are refused" {
	refused 'GET / HTTP/1.1\r\n Host: allowed.test\r\nHost: allowed.test\r\n\r\n'
	refused_fields 'A: b\r\n c' 'A: b\r\n\tc' 'Transfer-Encoding:\r\n chunked' \
		'A: b\r\n Content-Length: 5'
	lab_saw_nothing
}

@test "field names that are no tokens are refused" {
	refused_fields 'Content-Length : 5' 'Transfer-Encoding\t: chunked' ': 5' 'Content Length: 5' \
		'Content-Length' 'Transfer-Encoding\0000: chunked' 'Content-Length\0377: 5' '(a): b' \
		'X\0001: b' '"A": b'
	lab_saw_nothing
}

@test "control bytes in a value are refused" {
	refused_fields 'A: b\0000c' 'A: \0001' 'A: b\0177' 'A: \0000'
	lab_saw_nothing
}

@test "what is refused at first is refused after a good request as well, and there is no third" {
	local bytes answer first='POST /upload HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'
	local head='POST / HTTP/1.1\r\nHost: allowed.test'

	for bytes in "$head\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" "$head\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" \
		"$head\r\nContent-Length: +5\r\n\r\n" "$head\r\nTransfer-Encoding: identity\r\n\r\n" "$head\r\nA: b\r\n c\r\n\r\n" \
		"$head\n\n" "$head\r\nA: b\0000c\r\n\r\n" "$head\r\nContent-Length : 5\r\n\r\n" "$head\r\nHost: denied.test\r\n\r\n" \
		'GET / HTTP/1.1\r\n\r\n' 'GET / HTTP/1.1\r\nHost: allowed.test\0000.denied.test\r\n\r\n' 'GET http://denied.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n' \
		'GET /a b HTTP/1.1\r\nHost: allowed.test\r\n\r\n' "${head/1.1/1.2}\r\n\r\n" 'CONNECT allowed.test:22 HTTP/1.1\r\nHost: allowed.test:22\r\n\r\n' \
		'\0026\0003\0001\0000\0004abcd'; do
		answer=$(converse 11.0.0.2 80 "$first$bytes$smuggled") || lab_fail "no end after: $bytes" || return
		is "$(grep -ao '^HTTP/1.1 [0-9]*' <<<"$answer" | sed 's/40[03]$/refused/' | xargs)" 'HTTP/1.1 200 HTTP/1.1 refused' ||
			lab_fail "to: $bytes" || return
	done
	is "$(lab_seen '.event == "request"' .line | sort -u)" '"POST /upload HTTP/1.1"'
}

@test "chunks that are malformed end the connection, and nothing after them is a request" {
	local chunks

	for chunks in '5x\r\nhello\r\n0\r\n\r\n' '0x5\r\nhello\r\n0\r\n\r\n' '-5\r\nhello\r\n0\r\n\r\n' \
		'+5\r\nhello\r\n0\r\n\r\n' '5 \r\nhello\r\n0\r\n\r\n' ' 5\r\nhello\r\n0\r\n\r\n' \
		'5\nhello\r\n0\r\n\r\n' '5\r\nhelloX\n0\r\n\r\n' '5\r\nhello0\r\n\r\n' '5;\na\r\nhello\r\n0\r\n\r\n' \
		'5\r\nhello\n0\r\n\r\n' '\r\n\r\n' 'g\r\n\r\n' 'FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n' \
		'5\r\nhello\r\n0\r\n\n' '5\r\nhello\r\n0\r\nA : b\r\n\r\n' '5\r\nhello\r\n0\r\nA: b\n\r\n'; do
		lab_forget
		converse 11.0.0.2 80 "POST /upload HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n$chunks$smuggled" \
			>"$BATS_TEST_TMPDIR/answer" || lab_fail "no answer to $chunks"
		! grep -q 'HTTP/1.1 200' "$BATS_TEST_TMPDIR/answer" || lab_fail "an answer to $chunks"
		is "$(lab_seen '.event == "body"')$(lab_seen .line | grep smuggled)" '' ||
			lab_fail "it got through: $chunks"
	done
}

@test "a host that is missing, doubled or empty is refused" {
	refused 'GET / HTTP/1.1\r\n\r\n' 'GET / HTTP/1.1\r\nHost:\r\n\r\n' \
		'GET / HTTP/1.1\r\nHost: allowed.test\r\nHost: denied.test\r\n\r\n' \
		'GET / HTTP/1.1\r\nHost: allowed.test\r\nhost: allowed.test\r\n\r\n' \
		'GET http://allowed.test/ HTTP/1.1\r\n\r\n'
	lab_saw_nothing
}

@test "a host that is none is refused" {
	refused_hosts 'allowed.test\0000.denied.test' 'denied.test\0000.allowed.test' 'allowed.test\0000' \
		'user@allowed.test' 'allowed.test@denied.test' '[allowed.test]' '[[allowed.test]]' \
		'allowed%2etest' 'allowed.test/' 'allowed.test#' 'allowed.test?' 'allowed.test\0134' \
		'allowed.test denied.test' 'allowed.test, denied.test' 'allowed.test;' 'allowed.test:80:80' \
		'allowed.test:0' 'allowed.test:65536' ':' ':80' 'allowed.test:+80' 'allowed.test:80x' \
		'.allowed.test' 'allowed..test' 'allowed.test..' '*.test' '[::1' '::1' \
		'[::ffff:11.0.0.2%25eth0]' '0x0b.0.0.2' '11.2' '184549378' '011.0.0.2' 'allo\0303\0251.test'
	lab_saw_nothing
}

@test "an absolute target and a host that differ are refused" {
	refused_targets http://denied.test/ http://allowed.test:8080/ http://allowed.test.denied.test/ \
		http://allowed.test:443/ http://denied.test:80/
	lab_saw_nothing
}

@test "a target that is none is refused" {
	refused_targets http://user@allowed.test/ http://allowed.test@denied.test/ ftp://allowed.test/ \
		http:///allowed.test 'http://[allowed.test]/' http://allowed.test%00.denied.test/ \
		'http://allowed.test\0134@denied.test/' 'allowed.test' '*' '/a\0000b' '/\0001' '/a b' \
		'/a\tb' 'http://'
	lab_saw_nothing
}

@test "a request line that is malformed is refused" {
	local host='\r\nHost: allowed.test\r\n\r\n'

	refused "GET  / HTTP/1.1$host" "GET /  HTTP/1.1$host" "GET\t/\tHTTP/1.1$host" "GET /$host" \
		"GET / HTTP/2.0$host" "GET / HTTP/1.2$host" "GET / http/1.1$host" "GET / HTTP/1.1 $host" \
		" GET / HTTP/1.1$host" "G(T / HTTP/1.1$host" "connect / HTTP/1.1$host" "Connect allowed.test:443 HTTP/1.1$host" "GET / HTTP/01.1$host" 'SSH-2.0-OpenSSH_9.2\r\n\r\n' \
		'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
	lab_saw_nothing
}

@test "what is longer than its limit is refused" {
	local long fields

	printf -v long '%040000d' 7
	printf -v fields 'A%d: b\\r\\n' {1..2000}
	like "$(converse 11.0.0.2 80 "GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close$(printf ',%.0s' {1..40})\r\n\r\n")" \
		'HTTP/1.1 431 *X-Jobfence-Denied: limit*tokens in Connection*'
	for bytes in "GET /$long HTTP/1.1\r\nHost: allowed.test\r\n\r\n" "GET / HTTP/1.1\r\nHost: $long\r\n\r\n" \
		"G$long / HTTP/1.1\r\nHost: allowed.test\r\n\r\n" "GET / HTTP/1.1\r\n$long: a\r\nHost: allowed.test\r\n\r\n" \
		"GET / HTTP/1.1\r\n${fields}Host: allowed.test\r\n\r\n"; do
		like "$(converse 11.0.0.2 80 "$bytes")" 'HTTP/1.1 4[03][01] *' || lab_fail "to: ${bytes:0:40}"
	done
	lab_saw_nothing
}

@test "a tunnel whose target is malformed is refused" {
	local target

	for target in allowed.test allowed.test: allowed.test:22 allowed.test:444 http://allowed.test:443 \
		/ user@allowed.test:443 '[allowed.test]:443' 'allowed.test\0000:443' '*:443' :443; do
		refused "CONNECT $target HTTP/1.1\r\nHost: $target\r\n\r\n"
	done
	refused 'CONNECT allowed.test:443 HTTP/1.1\r\nHost: denied.test:443\r\n\r\n' \
		'CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:443\r\nContent-Length: 5\r\n\r\nhello' \
		'CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:443\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
	lab_saw_nothing
}
