#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The proxy says what it does, when somebody asks for it.

load lib/job

log()
{
	in_lab cat "/run/jobfence/jobs/$JOB/proxy.log"
}

# Whether the trace has a line that matches $1. The proxy may see the client's end later
# than the client itself ends.
is_traced()
{
	jobfence events "$JOB" --trace > "$BATS_TEST_TMPDIR/lines" && grep -q "$1" "$BATS_TEST_TMPDIR/lines"
}

@test "the trace is off until an update switches it on, and off again" {
	job_up --domain allowed.test --domain www.allowed.test
	fetch -f -o /dev/null http://allowed.test/
	is "$(log | grep -c '^trace' || :)" 0
	jobfence update "$JOB" --trace on
	# There is no connection to this one yet that it could take.
	fetch -f -o /dev/null http://www.allowed.test/
	eventually is_traced '^trace [0-9]*: closed in '
	grep -q '^trace [0-9]*: accepted, for .* port 80$' "$BATS_TEST_TMPDIR/lines"
	grep -q '^trace [0-9]*: head -> resolving$' "$BATS_TEST_TMPDIR/lines"
	grep -q '^trace [0-9]*: dial www.allowed.test .*: connected$' "$BATS_TEST_TMPDIR/lines"
	jobfence update "$JOB" --trace off
	fetch -f -o /dev/null http://allowed.test/
	is "$(log | grep -c '^trace .*: accepted')" 1
}

@test "the trace tells why a request is refused, and shows no byte of the job's as it is" {
	job_up --domain allowed.test
	jobfence update "$JOB" --trace on
	refused_for domain http://denied.test/
	converse allowed.test 80 'GET / HTTP/1.1\r\nHost: \x1b[31mred\r\n\r\n' > "$BATS_TEST_TMPDIR/answer" || true
	jobfence events "$JOB" --trace > "$BATS_TEST_TMPDIR/lines"
	grep -q '^trace [0-9]*: refused: status 403 domain denied.test: ' "$BATS_TEST_TMPDIR/lines"
	is "$(log | grep -c $'\x1b' || :)" 0
}

@test "events --trace --follow prints what comes, and ends with the job" {
	local printed=$BATS_TEST_TMPDIR/printed follower

	job_up --domain allowed.test
	jobfence update "$JOB" --trace on
	jobfence events "$JOB" --trace --follow > "$printed" 3>&- &
	follower=$!
	fetch -f -o /dev/null http://allowed.test/
	eventually grep -q '^trace 1: closed in ' "$printed"
	jobfence down "$JOB"
	wait "$follower"
}

@test "run prints the trace at its end where JOBFENCE_DEBUG is proxy" {
	JOBFENCE_DEBUG=proxy jobfence run --domain allowed.test -- \
		curl -sf -o /dev/null http://allowed.test/ 2> "$BATS_TEST_TMPDIR/lines"
	grep -q '^trace 1: accepted' "$BATS_TEST_TMPDIR/lines"
	is "$(grep -c libbpf "$BATS_TEST_TMPDIR/lines" || :)" 0
}

@test "a trace that fills the log stops, and begins anew when it is switched on again" {
	job_up --domain allowed.test
	jobfence update "$JOB" --trace on
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab sh -c 'head -c 1048500 /dev/zero >> "/run/jobfence/jobs/$1/proxy.log"' sh "$JOB"
	fetch -f -o /dev/null http://allowed.test/
	is "$(log | wc -c)" 1048576
	jobfence events "$JOB" --trace >"$BATS_TEST_TMPDIR/printed" 2>"$BATS_TEST_TMPDIR/said"
	like "$(<"$BATS_TEST_TMPDIR/said")" '*the log is full, and the trace stopped*'
	jobfence update "$JOB" --trace on
	fetch -f -o /dev/null http://allowed.test/
	log >"$BATS_TEST_TMPDIR/log"
	grep -q '^trace [0-9]*: .* -> exchange$' "$BATS_TEST_TMPDIR/log"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/log")" -lt 65536 ]
}

@test "a trace needs a job with a proxy, and is on or off" {
	run jobfence update "$JOB" --trace maybe
	is "$status" 2
	like "$output" '*--trace is on or off*'
	run jobfence events --trace
	is "$status" 2
	run jobfence events "$JOB" --trace --json
	is "$status" 2
}
