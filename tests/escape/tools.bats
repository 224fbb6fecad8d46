#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Tools that others wrote, inside a job with all rights of root. docs/testing.md lists the
# other tools that were run, and their results.

load ../lib/fence

setup()
{
	job_up --rate 0 --domain allowed.test --domain '*.wild.test'
	lab_forget
}

# Prints the ports that nmap finds open. The arguments are nmap's.
open_ports()
{
	in_fence nmap -Pn -n --open --max-retries 0 -oG - "$@" 2>"$BATS_TEST_TMPDIR/errors" |
		grep -oE '[0-9]+/open/[a-z]+' | xargs
}

@test "nmap finds the ports of the proxy, wherever it looks, and no others" {
	local web='53/open/tcp 80/open/tcp 443/open/tcp'

	is "$(open_ports -sT -p- 192.0.0.8)" "$web"
	is "$(open_ports -sT -p- 11.0.0.1)" "$web"
	is "$(open_ports -sT 11.0.0.2)" "$web"
	is "$(open_ports -sT -6 2600:1::2)" "$web"
	is "$(open_ports -sT -6 100:0:0:1::8)" "$web"
	is "$(open_ports -sT 127.0.0.1)" ''
	lab_saw_nothing
}

@test "nmap sends no packets of its own making" {
	local scan

	for scan in -sS -sU -sY -sO -sX; do
		is "$(open_ports $scan --send-ip 192.0.0.8 11.0.0.2)" ''
		like "$(<"$BATS_TEST_TMPDIR/errors")" '*Operation not permitted*'
	done
	lab_saw_nothing
}

# Fails unless another client is served while slowhttptest holds hundreds of connections.
# The arguments are slowhttptest's.
slowly()
{
	in_job_directly prlimit --nofile=4096 slowhttptest "$@" -c 900 -r 900 -i 1 -l 6 -p 2 -u http://allowed.test/bytes/100000 \
		>"$BATS_TEST_TMPDIR/slow" 2>&1 3>&- &
	await "$BATS_TEST_TMPDIR/slow" 'initializing'
	is "$(fetch http://allowed.test)" 'this is allowed.test'
	wait $! || lab_fail "$(<"$BATS_TEST_TMPDIR/slow")" || return
	grep -qE 'connected:.*[0-9]{3}' "$BATS_TEST_TMPDIR/slow" || lab_fail "$(<"$BATS_TEST_TMPDIR/slow")"
}

@test "slowhttptest denies nobody the service, with slow heads and slow reads" {
	slowly -H
	slowly -X -w 1 -y 2 -z 5 -k 3
}

@test "dnsperf gets all its answers from the stub, and nobody is asked" {
	local option

	printf '%s\n' 'allowed.test A' 'allowed.test TXT' 'a.b.wild.test AAAA' 'denied.test A' >"$BATS_TEST_TMPDIR/queries"
	for option in '-s 192.0.0.8' '-s 100:0:0:1::8 -e' '-s 11.0.0.53 -m tcp'; do
		# shellcheck disable=SC2086 # a list of words
		in_job_directly dnsperf $option -d "$BATS_TEST_TMPDIR/queries" -n 5000 -c 8 >"$BATS_TEST_TMPDIR/seen" 2>&1
		like "$(<"$BATS_TEST_TMPDIR/seen")" \
			'*Queries lost: *0 (0.00%)*Response codes: *NOERROR 15000 (75.00%), NXDOMAIN 5000 (25.00%)*' ||
			lab_fail "with $option"
	done
	lab_saw_nothing
}

@test "iodine gets no tunnel through the stub" {
	in_internet iodined -f -c -P secret -l 11.0.0.55 10.99.0.1 t.wild.test >"$BATS_TEST_TMPDIR/server" 2>&1 3>&- &
	await "$BATS_TEST_TMPDIR/server" 'Listening to dns'
	: >"$BATS_TEST_TMPDIR/pid"
	in_lab iodine -f -r -P secret -F "$BATS_TEST_TMPDIR/pid" 11.0.0.55 t.wild.test >"$BATS_TEST_TMPDIR/client" 2>&1 3>&- &
	await "$BATS_TEST_TMPDIR/client" 'setup complete' || lab_fail "$(<"$BATS_TEST_TMPDIR/client")"
	await "$BATS_TEST_TMPDIR/pid" '[0-9]'
	in_lab kill "$(<"$BATS_TEST_TMPDIR/pid")"
	wait $! || true
	lab_forget
	ends_with 1 in_fence iodine -f -r -P secret 11.0.0.55 t.wild.test
	like "$ERRORS" '*No suitable DNS query type found*'
	lab_saw_nothing
}
