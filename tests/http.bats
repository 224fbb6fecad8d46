#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# HTTP through a job's proxy, by every way there is, and what the web server received.

load lib/job

site=http://allowed.test

up()
{
	job_up --rate 0 --domain allowed.test "$@"
}

# The most memory that each process of the proxy ever used, in KiB.
memory_peak()
{
	local pid

	# shellcheck disable=SC2016 # expanded by awk
	for pid in $(proxy_processes); do
		in_lab awk '$1 == "VmHWM:" { print $2 }' "/proc/$pid/status"
	done | sort -n | tail -n 1
}

@test "a program that knows of no proxy gets to the site, by IPv4 and IPv6" {
	up
	for version in -4 -6; do
		is "$(fetch "$version" $site)" 'this is allowed.test'
	done
	is "$(received host)" allowed.test
}

@test "a request in absolute form gets to the site" {
	up
	is "$(fetch_by_proxy $site)" 'this is allowed.test'
	like "$(lab_seen '.event == "request"' .line)" '"GET / HTTP/1.1"'
}

@test "a tunnel to port 443 carries TLS, one to port 80 HTTP with the header" {
	up
	is "$(fetch_by_proxy https://allowed.test)" 'this is allowed.test'
	is "$(fetch_by_proxy --proxytunnel $site)" 'this is allowed.test'
	is "$(received x-jobfence-job-id)" "$JOB"
}

@test "the proxy dials what the checked name resolves to, not where the job was going" {
	up
	is "$(fetch --connect-to ::9.9.9.9:80 $site)" 'this is allowed.test'
	is "$(fetch -H 'Host: ALLOWED.test.' $site)" 'this is allowed.test'
	like "$(lab_seen '.event == "connection"' .to | sort -u | tr '\n' ' ')" '"*0.0.2"*'
	is "$(lab_seen '.event == "connection" and .to == "9.9.9.9"')" ''
}

@test "connections are kept, to the job and to the site" {
	up
	is "$(fetch -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects} ' \
		$site/status/201 $site/bytes/5 $site)" '1 0 0 '
	is "$(lab_seen '.event == "connection"' | wc -l)" 1
}

@test "pipelined requests are answered in their order, each with the header" {
	local answers bytes request='GET /status/%s HTTP/1.1\r\nHost: allowed.test\r\n%s\r\n'

	up
	# shellcheck disable=SC2059 # the format is above
	printf -v bytes "$request$request$request" 201 '' 202 '' 203 'Connection: close\r\n'
	answers=$(converse 11.0.0.2 80 "$bytes")
	is "$(grep -o '^HTTP/1.1 20.' <<<"$answers" | tr '\n' ' ')" 'HTTP/1.1 201 HTTP/1.1 202 HTTP/1.1 203 '
	is "$(lab_seen '.event == "request"' .head | grep -c "X-Jobfence-Job-ID: $JOB")" 3
}

@test "bodies go through chunked in both directions" {
	up
	is "$(fetch $site/chunked/1000000 | sha256sum)" "$(in_lab curl -sS $site/chunked/1000000 | sha256sum)"
	is "$(fetch -H 'Transfer-Encoding: chunked' -d "$(printf '%05000d' 7)" $site/upload)" \
		"5000 $(printf '%05000d' 7 | sha256sum | cut -d ' ' -f 1)"
}

@test "bodies of chunks of one byte go through, both ways" {
	up
	is "$(fetch $site/crumbs/20000 | sha256sum)" "$(in_lab curl -sS $site/bytes/20000 | sha256sum)"
	# shellcheck disable=SC2016 # expanded by the inner shell
	is "$(in_job_directly python3 "$LIB/tiny_chunks.py")" \
		"5000 $(printf '%5000s' '' | tr ' ' a | sha256sum | cut -d ' ' -f 1)"
}

@test "a body that ends with its connection arrives whole" {
	up
	is "$(fetch $site/until-close/100000 | wc -c)" 100000
}

@test "a body that is cut is not taken for a whole one" {
	up
	ends_with 56 fetch -o /dev/null $site/until-reset/1000
	ends_with 56 fetch -o /dev/null --http1.0 $site/cut-chunk/1000
	ends_with 18 fetch -o /dev/null $site/cut-chunk/1000
}

# The middle of long bodies is spliced, and their ends are read.
@test "a long body arrives whole or is seen to be cut, and leaves the connections in use" {
	local size=262144 whole path

	up
	whole=$(in_lab curl -sS $site/bytes/$size | sha256sum)
	for path in bytes until-close longer; do
		is "$(fetch $site/$path/$size | sha256sum)" "$whole"
	done
	ends_with 56 fetch -o /dev/null $site/until-reset/$size
	ends_with 18 fetch -o /dev/null $site/short/$size
	is "$(fetch -o /dev/null $site/longer/$size --next -sS $site)" 'this is allowed.test'
	lab_forget
	is "$(fetch -o /dev/null -o /dev/null -w '%{num_connects} ' $site/bytes/$size $site/bytes/$size)" '1 0 '
	[ "$(lab_seen '.event == "connection"' | wc -l)" -le 1 ]
}

@test "what follows a long body of a request is the next request, and waits for an interim answer" {
	local body=$BATS_TEST_TMPDIR/body

	up
	head -c 3000000 /dev/zero >"$body"
	is "$(fetch -H 'Expect: 100-continue' --data-binary "@$body" $site/upload --next -sS $site)" \
		"3000000 $(sha256sum <"$body" | cut -d ' ' -f 1)"$'\nthis is allowed.test'
	like "$(in_job_directly timeout 20 python3 "$LIB/pipelined_body.py")" \
		"3000000 *this is allowed.test"
}

# Whether the site has read bodies of these lengths.
bodies()
{
	[ "$(lab_seen '.event == "body"' .length | sort -n | xargs)" = "$1" ]
}

@test "a site that answers before it has read a request gets the rest of it" {
	up
	is "$(in_job_directly python3 "$LIB/early_answer.py")" 'this is allowed.test'
	# The second one has a connection of its own, and may be there sooner.
	eventually bodies '0 3000000'
}

@test "a site that refuses a request before it has come is heard" {
	up
	# Who sends all of it before it looks is not reset either.
	like "$(in_job_directly python3 "$LIB/early_end.py")" $'HTTP/1.1 413 *\r\n\r\ntoo large'
	is "$(fetch $site)" 'this is allowed.test'
}

@test "what a site says unasked, or after its answer, answers nothing" {
	local path

	up --domain other.test
	for path in longer/5 longer-chunk/5 longer-than-none; do
		is "$(fetch -o "$BATS_TEST_TMPDIR/first" -w '%{num_connects} ' $site/$path --next -sS -w '%{num_connects}' $site)" \
			$'1 this is allowed.test\n0'
		! grep forged "$BATS_TEST_TMPDIR/first" || lab_fail "$path ended late"
	done
	lab_name other.test 11.0.0.7
	# An answer to a question that was on its way: it is taken for that one, and for no
	# other.
	is "$(fetch http://other.test --next -sS $site)" $'forged\nthis is allowed.test'
	# The answer to the first question comes before the second, which then goes by
	# another connection, or after it.
	like "$(fetch http://other.test http://other.test)" $'forged\n@(forged|this is other.test)'
}

@test "answers without a body leave the connection in use" {
	local codes

	up
	codes=$(fetch -o /dev/null -o /dev/null -o /dev/null -w '%{http_code} %{num_connects} ' \
		$site/status/204 $site/status/304 $site/status/200)
	is "$codes" '204 1 304 0 200 0 '
	like "$(fetch -I $site/bytes/5 --next -sS $site)" $'*Content-Length: 5\r*this is allowed.test'
	# A connection that is not used again is reset, once all is whole.
	is "$(lab_seen '.event == "error" and (.text | endswith("reset by peer") | not)')" ''
}

@test "a client that waits for 100 Continue gets it" {
	up
	ends_with 0 fetch -v -H 'Expect: 100-continue' -d 'hello' $site/upload
	like "$ERRORS" '*HTTP/1.1 100 Continue*HTTP/1.1 200 OK*'
	like "$OUTPUT" '5 *'
}

@test "what comes before the answer proper does no harm" {
	up
	is "$(fetch $site/early-hints)" late
	is "$(fetch -0 $site/early-hints)" late
}

@test "what a site sends that goes no further has a bound" {
	job_up --rate 0 --domain allowed.test
	is "$(fetch -o /dev/null -w '%{http_code}' --http1.0 $site/endless-interim)" 502
	ends_with 18 fetch -o /dev/null $site/extended
	ends_with 18 fetch -o /dev/null $site/extended-once
	ends_with 56 fetch -o /dev/null --http1.0 $site/extended-once
	is "$(fetch --http1.0 $site/early-hints)" late
	is "$(fetch $site/crumbs/100000 | wc -c)" 100000
	is "$(fetch --http1.0 $site/crumbs/100000 | wc -c)" 100000
}

# What the job gets for a site's answer, which is given with escapes of printf's %b, and for
# a request after it.
raw()
{
	local bytes

	bytes=$(printf %b "$1" | od -An -v -tx1 | tr -d '\n' | tr ' ' %)
	ends_with 0 fetch -i "$site/raw?$bytes" --next -sS $site
	tr -d '\r' <<<"$OUTPUT"
}

@test "answers that clients read are read, written in one form, and their connection is left" {
	local answer chunked=$'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nabcthis is allowed.test' length=$'HTTP/1.1 200 OK\nContent-Length: 3\n\nabcthis is allowed.test'

	up
	for answer in 'HTTP/1.1 200 OK\nContent-Length: 3\n\nabc' 'HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc' \
		'HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\nabc' 'HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc' \
		'HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc' 'HTTP/1.1 200 OK\r\nContent-Length:\r\n 3\r\n\r\nabc'; do
		is "$(raw "$answer")" "$length" || lab_fail "for $answer" || return
	done
	for answer in 1 '1 ' ' 1\t' '1 ; a=b' '1;a="b;c"'; do
		is "$(raw "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n$answer\r\na\r\n2\nbc\r\n0\r\n\n")" "$chunked" ||
			lab_fail "for $answer" || return
	done
	for answer in '1.1 200 OK\r\nContent-Length: 9' '1.0 200 OK' '1.1 200 OK\nA: b\r\nTransfer-Encoding: identity'; do
		like "$(raw "HTTP/$answer\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")" \
			$'HTTP/1.1 200 OK\n*Transfer-Encoding: chunked\n\nabcthis is allowed.test' || lab_fail "for $answer" || return
	done
	# Each is the last on its connection. The other requests share one, until the next
	# answer of that kind.
	is "$(lab_seen '.event == "connection"' | wc -l)" 15
	is "$(lab_seen '.event == "request"' '"\(.id) \(.line)"' | jq -r . | awk '$1 in left { print } $3 ~ "^/raw" { left[$1] }')" ''
}

@test "answers that no two readers agree on are a 502" {
	local answer

	up
	for answer in 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd' 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n' \
		'HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n' 'HTTP/1.1 200 OK\r\n A: b\r\n\r\n' 'HTTP/1.1 200 OK\r\nA\r\n\r\n' 'HTTP/1.1 20 OK\r\n\r\n'; do
		like "$(raw "$answer")" 'HTTP/1.1 502 *' || lab_fail "for $answer" || return
	done
}

@test "Host keeps its port, whichever way the request comes" {
	up
	for fetch in fetch fetch_by_proxy 'fetch_by_proxy --proxytunnel'; do
		is "$($fetch -H 'Host: allowed.test:80' $site)" 'this is allowed.test:80'
		is "$($fetch -H 'Host: Allowed.test.:' $site)" 'this is allowed.test'
	done
}

@test "a length of 0 is no body" {
	up
	is "$(fetch -H 'Content-Length: 0' -o /dev/null -o /dev/null -o /dev/null -w '%{http_code} %{num_connects} ' $site \
		--connect-to ::11.0.0.2: http://denied.test/ $site)" '200 1 403 1 200 0 '
	is "$(lab_seen '.event == "connection"' | wc -l)" 1
	like "$(converse 192.0.0.8 80 'CONNECT allowed.test:80 HTTP/1.1\r\nHost: allowed.test:80\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n')" \
		'HTTP/1.1 200 Connection established*this is allowed.test*'
}

@test "empty lines before a request are passed over" {
	up
	like "$(converse 11.0.0.2 80 '\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n')" \
		'HTTP/1.1 200 OK*this is allowed.test'
}

@test "the head of an answer has a bound, and the refusal says so" {
	up
	like "$(raw "HTTP/1.1 200 OK\r\n$(printf 'A: b\\r\\n%.0s' {1..200})\r\n")" 'HTTP/1.1 502 *has too many fields*'
}

@test "a method is any token" {
	up
	for method in LIST PROPFIND get x-y; do
		is "$(fetch -X $method $site)" 'this is allowed.test'
		is "$(lab_seen '.event == "request"' .line | tail -n 1)" "\"$method / HTTP/1.1\""
	done
}

@test "a websocket is a tunnel once both ends have agreed" {
	up
	is "$(in_job_directly timeout 30 "$LIB/websocket" | grep -E '^HTTP|^Sec|^frame')" \
		'HTTP/1.1 101 Switching Protocols
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
frame1frame2frame3'
	is "$(received x-jobfence-job-id)" "$JOB"
}

@test "200 MiB go down and up whole, and the proxy's memory stays as it was" {
	local size=209715200 before

	up
	fetch -o /dev/null $site/bytes/100000
	before=$(memory_peak)
	is "$(fetch $site/bytes/$size | sha256sum)" "$(in_lab curl -sS $site/bytes/$size | sha256sum)"
	# shellcheck disable=SC2016 # expanded by the inner shell
	is "$(in_job_directly bash -c 'head -c "$1" /dev/zero | curl -sS --max-time 100 -T - "$2"' \
		upload $size $site/upload)" "$size $(head -c $size /dev/zero | sha256sum | cut -d ' ' -f 1)"
	[ "$(memory_peak)" -lt $((before + 1024)) ] ||
		lab_fail "the proxy grew from $before to $(memory_peak) KiB"
}

@test "a refusal names the job, the domain and the way to get it" {
	up
	refused_for domain http://denied.test/
	like "$(<"$BATS_TEST_TMPDIR/body")" "*$JOB*" &&
		like "$(<"$BATS_TEST_TMPDIR/body")" '*denied.test*' &&
		like "$(<"$BATS_TEST_TMPDIR/body")" '*--domain denied.test*'
	refused_for domain http://denied.test/ --proxy http://192.0.0.8:80
	refused_for domain http://denied.test/ --proxy http://192.0.0.8:80 --proxytunnel || [ $? -eq 56 ]
	refused_for domain http://notallowed.test/
	refused_for domain http://sub.allowed.test/
	refused_for domain http://11.0.0.2/
	refused_for domain 'http://[2600:1::2]/' -g
	lab_saw_nothing
}

@test "a refusal leaves the connection in use for what is allowed" {
	up
	is "$(fetch_by_proxy -o /dev/null -o /dev/null -w '%{http_code} %{num_connects} ' \
		http://denied.test/ $site)" '403 1 200 0 '
}

@test "a wildcard covers what is below it, and a literal itself" {
	job_up --rate 0 --domain '*.wild.test' --domain 11.0.0.77
	is "$(fetch http://a.b.wild.test/)" 'this is a.b.wild.test'
	is "$(fetch http://11.0.0.77/)" 'this is 11.0.0.77'
	refused_for domain http://wild.test/
	refused_for domain http://xwild.test/
	refused_for domain http://11.0.0.78/
}

@test "what cannot be reached is a 502" {
	lab_name allowed.test 11.0.9.1
	up --domain nowhere.test --domain other.test
	lab_name nowhere.test
	is "$(fetch -o /dev/null -w '%{http_code}' $site)" 502
	is "$(fetch -o /dev/null -w '%{http_code}' http://nowhere.test/)" 502
	is "$(fetch -o /dev/null -w '%{http_code}' http://other.test/close)" 502
	is "$(fetch -o /dev/null -w '%{http_code}' http://other.test/garbage)" 502
}

@test "a second address is tried where the first does not answer" {
	lab_name allowed.test 11.0.9.1 11.0.0.2
	up
	is "$(fetch $site)" 'this is allowed.test'
}

@test "addresses of one family that lead nowhere don't keep the other's from being tried" {
	lab_name allowed.test 2600:9::{1..9} 11.0.0.2
	lab_name other.test 11.0.9.{1..9} 2600:1::2
	job_up --domain allowed.test --domain other.test
	is "$(fetch $site)" 'this is allowed.test'
	is "$(fetch http://other.test)" 'this is other.test'
}

@test "every request carries the header, whatever the job forged" {
	up
	fetch -o /dev/null $site -H 'x-jobfence-job-id: forged'
	is "$(received x-jobfence-job-id)" "$JOB"
	fetch -o /dev/null $site -H 'X_Jobfence_Job_ID: forged' -H 'X-JOBFENCE-JOB-ID: forged' \
		-H 'X-Jobfence-Job-ID;'
	is "$(received x-jobfence-job-id)" "$JOB"
	fetch -o /dev/null $site -H 'Connection: X-Jobfence-Job-ID, close'
	is "$(received x-jobfence-job-id)" "$JOB"
	! received connection | grep -i jobfence || lab_fail 'the site is told to drop the header'
	! lab_seen true | grep forged || lab_fail 'the site received it'
}

@test "a forged header in the trailers ends at the proxy" {
	up
	like "$(converse 11.0.0.2 80 'POST /upload HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Jobfence-Job-ID: forged\r\n\r\n')" \
		'HTTP/1.1 200 OK*'
	is "$(lab_seen '.event == "body"' .trailers)" '[]'
	is "$(received x-jobfence-job-id)" "$JOB"
}

@test "the header's name is the one that was asked for" {
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'header = X-Origin-Job' >"$BATS_TEST_TMPDIR/policy"
	up --config "$BATS_TEST_TMPDIR/policy"
	fetch -o /dev/null -H 'X-Origin-Job: forged' $site
	is "$(received x-origin-job)" "$JOB"
	is "$(received x-jobfence-job-id)" ''
}

@test "HTTP/1.0 is spoken, too" {
	up
	is "$(fetch -0 $site)" 'this is allowed.test'
	is "$(received x-jobfence-job-id)" "$JOB"
}

@test "a port other than 80 and 443 is refused by the proxy, too" {
	up
	for port in 81 442 444 8080; do
		like "$(fetch_by_proxy -o /dev/null -w '%{http_code}' $site:$port/)" '40[03]'
		like "$(fetch_by_proxy --proxytunnel -o /dev/null -w '%{http_connect}' $site:$port/ || true)" \
			'40[03]'
	done
	lab_saw_nothing
}

@test "a head without end is cut off" {
	up
	like "$(fetch -o /dev/null -w '%{http_code}' -H "X-Long: $(printf '%0100000d' 7)" $site)" '4[03][031]'
	lab_saw_nothing
}
