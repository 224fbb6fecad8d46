#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The node's resolver lies (hostile_resolver.py), and a job sends malformed queries to its
# stub. The proxy dials no private address. Each request gets its answer, and other
# requests are served meanwhile.

load ../lib/job

setup_file()
{
	lab_with hostile_up
}

hostile_up()
{
	echo 'nameserver 11.0.0.54' >"$LAB/resolv.conf"
	in_internet "$LIB/hostile_resolver.py" 11.0.0.54 >"$BATS_FILE_TMPDIR/resolver" 2>&1 3>&- &
	await "$BATS_FILE_TMPDIR/resolver" ready
}

up_for()
{
	job_up --rate 0 --domain 11.0.0.2 --domain 11.0.8.1 --domain '*.silent.test' "${@/#/--domain=}"
	lab_forget
}

# Prints the statuses of the answers to requests for the URLs. With -Z all are sent at
# once.
statuses()
{
	fetch -w '\n%{http_code}\n' "$@" | grep -xE '[0-9]{3}'
}

# Fails unless requests for all names are answered by a status like the pattern $1, and no
# site is dialled.
answered()
{
	local wanted=$1 name status

	shift
	up_for "$@"
	for name; do
		status=$(fetch -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' "http://$name/")
		like "$status" "$wanted" || lab_fail "for $name" || return
		like "$(<"$BATS_TEST_TMPDIR/body")" "jobfence: network: job $JOB*$name*" || return
	done
	lab_settle
	is "$(lab_seen '.event == "connection"')" ''
	is "$(fetch http://11.0.0.2)" 'this is 11.0.0.2'
}

@test "an alias of a private address, or one in another spelling, is refused" {
	answered 403 alias-of-private.test mapped.test many-and-private.test
}

@test "an answer that is malformed, an error, or for another name leads nowhere" {
	# c-ares 1.34 accepts the address of another name. The resolver gave that address
	# as well, and the proxy checks it like any other.
	answered '@(403|50[24])' alias-of-itself.test
	jobfence down "$JOB"
	answered '50[24]' alias-of-localhost.test alias-in-circles.test loop.test beyond.test short-record.test \
		long-record.test missing.test echo.test servfail.test refused.test
}

@test "an answer that is slow, or comes over TCP byte by byte, or with thousands of addresses, is one" {
	up_for slow.test byte-by-byte.test many.test
	is "$(statuses http://slow.test http://byte-by-byte.test http://many.test | xargs)" '200 200 200'
}

@test "no answer, or somebody else's, is a 504, and others are served meanwhile" {
	local silent=(silent.test wrong-id.test) others=(wrong-question.test no-question.test loop-in-question.test)

	up_for "${silent[@]}" "${others[@]}" truncated.test hanging.test lying-length.test empty.test
	statuses -Z "${silent[@]/#/http://}" >"$BATS_TEST_TMPDIR/silent" 3>&- &
	is "$(fetch http://11.0.0.2)" 'this is 11.0.0.2'
	wait $!
	is "$(sort "$BATS_TEST_TMPDIR/silent" | uniq -c | xargs)" "${#silent[@]} 504"
	# c-ares 1.34 treats an answer to another question as an error.
	statuses -Z "${others[@]/#/http://}" >"$BATS_TEST_TMPDIR/silent" 3>&- &
	is "$(fetch http://11.0.0.2)" 'this is 11.0.0.2'
	wait $!
	is "$(grep -cx '50[24]' "$BATS_TEST_TMPDIR/silent")" "${#others[@]}"
	# One of these answers breaks the resolver's connection for the others.
	statuses -Z http://{truncated,hanging,lying-length,empty}.test >"$BATS_TEST_TMPDIR/silent" 3>&- &
	is "$(fetch http://11.0.0.2)" 'this is 11.0.0.2'
	wait $!
	is "$(grep -cxE '50[24]' "$BATS_TEST_TMPDIR/silent")" 4
	lab_settle
	is "$(lab_seen '.event == "connection"' .to | sort -u)" '"11.0.0.2"'
}

@test "answers longer than a datagram, or a reader's buffer, are read whole" {
	up_for {513,1233,4097,65000,65535,oversize}.test
	is "$(statuses http://{513,1233,4097,65000,65535}.test | xargs)" '200 200 200 200 200'
	# Readers differ in how they treat bytes after a message.
	like "$(statuses http://oversize.test)" '@(200|502)'
	lab_settle
	is "$(lab_seen '.event == "connection"' .to | sort -u)" '"11.0.0.2"'
}

@test "a private address at the end of a long answer is not overlooked" {
	answered 403 private-behind-{512,4096,65519}.test private-if-whole.test
}

@test "a name that is public first and private later is dialled where it was checked, and no more" {
	local answer

	up_for first-public.test
	# Both requests use one connection of the job. A request with a body makes the
	# proxy look the name up again.
	answer=$(converse 11.0.0.2 80 "$(printf '%s' 'GET /one HTTP/1.1\r\nHost: first-public.test\r\n\r\n' \
		'POST /two HTTP/1.1\r\nHost: first-public.test\r\nContent-Length: 1\r\nConnection: close\r\n\r\na')")
	like "$answer" 'HTTP/1.1 200 *HTTP/1.1 403 *X-Jobfence-Denied: address*'
	refused_for address http://first-public.test/three
	lab_settle
	is "$(lab_seen '.event == "connection"' .to)" '"11.0.0.2"'
	is "$(lab_seen '.event == "request"' .line)" '"GET /one HTTP/1.1"'
}

@test "a resolver that is not there costs nothing but the names that only it has" {
	# The kernel limits how many ICMP errors it sends about closed ports.
	in_internet sysctl -qw net.ipv4.icmp_ratelimit=0
	echo 'nameserver 11.0.0.55' >"$LAB/resolv.conf"
	up_for allowed.test
	# The kernel reports at once that nobody listens. Waiting for an answer would end
	# in a 504.
	is "$(statuses http://allowed.test http://11.0.0.2 | xargs)" '502 200'
	jobfence down "$JOB"
	printf 'nameserver %s\n' 11.0.0.55 11.0.0.54 >"$LAB/resolv.conf"
	up_for allowed.test
	is "$(fetch http://allowed.test)" 'this is allowed.test'
	echo 'nameserver 11.0.0.54' >"$LAB/resolv.conf"
}

@test "look-ups that nobody waits for any more are bounded" {
	local worker

	up_for
	worker=$(proxy_worker)
	like "$(in_job_directly "$LIB/abandon.py" silent)" $'HTTP/1.1 503 *X-Jobfence-Denied: limit\r*: too many names are being looked up'
	is "$(fetch http://11.0.0.2)" 'this is 11.0.0.2'
	# shellcheck disable=SC2016 # expanded by awk
	[ "$(in_lab awk '$1 == "VmHWM:" { print $2 }' "/proc/$worker/status")" -le 24576 ] ||
		is_sanitized || lab_fail "$(in_lab cat "/proc/$worker/status")"
}

@test "an answer for a connection that has gone is nobody's, and nothing is dialled for it" {
	local worker files tries=0

	up_for '*.held.test' release.test
	is "$(fetch http://release.test)" 'this is release.test'
	worker=$(proxy_worker)
	files=$(in_lab ls "/proc/$worker/fd" | wc -l)
	lab_forget
	# The job asks for more names than may be looked up at once.
	in_job_directly "$LIB/abandon.py" held
	# Look-ups that the resolver held last may still be under way. The connection to the
	# kept name is idle, and open.
	until [ "$(in_lab ls "/proc/$worker/fd" | wc -l)" -le $((files + 1)) ]; do
		[ $((++tries)) -le 200 ] || lab_fail "it has $(in_lab ls -l "/proc/$worker/fd")" || return
		is "$(fetch http://release.test)" 'this is release.test' || return
	done
	jobfence update "$JOB" --remove-domain '*.held.test'
	is "$(fetch http://release.test)" 'this is release.test'
	[ "$(in_lab ls "/proc/$worker/fd" | wc -l)" -le "$files" ] || lab_fail "$(in_lab ls -l "/proc/$worker/fd")"
	[ "$(awk '/^released/ { sum += $2 } END { print sum }' "$BATS_FILE_TMPDIR/resolver")" -ge 2100 ] ||
		lab_fail 'most were not held until nobody waited for them'
	is "$(lab_seen '.event == "request"' '.headers[] | select(.[0] == "Host") | .[1]' | sort -u | xargs)" 'kept.held.test release.test'
	# Requests share connections. Each connection has one.
	is "$(comm -23 <(lab_seen '.event == "connection"' .id | sort) <(lab_seen '.event == "request"' .id | sort))" ''
	is "$(proxy_worker)" "$worker"
}

@test "the stub answers what can be answered, and nothing else ends or fills it" {
	up_for allowed.test
	in_job_directly "$LIB/stub_queries.py"
	lab_settle
	is "$(lab_seen '.event == "connection"')" ''
}
