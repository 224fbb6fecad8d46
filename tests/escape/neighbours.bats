#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# bats file_tags=alone
#
# A job takes as much as it gets (attack.py), with all rights of root, in a cgroup with
# limits. It runs into these limits. Neither the neighbour nor the node suffers.
# tests/bench/neighbours measures by how much.

load ../lib/limits

SLOWER=10

setup()
{
	jobfence up --job neighbour --rate 0 --domain allowed.test
	job_up --rate 0 --domain allowed.test
	limits_up || skip 'there are no limits to be had'
	before=$(time_of_neighbour)
}

teardown()
{
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	limits_down
	nothing_is_left
}

# Prints the median time in which the neighbour is served, in microseconds.
time_of_neighbour()
{
	jobfence exec neighbour -- python3 "$LIB/median_request.py"
}

# Fails unless the job works as before after the attack. Meanwhile the neighbour may have
# waited at most SLOWER times as long as before or after. A busy cgroup's share of two
# cores made it up to four times as long.
attack_over()
{
	local after

	attack_end
	is "$(fetch --retry 10 --retry-all-errors --retry-delay 1 http://allowed.test)" 'this is allowed.test'
	refused_for domain http://denied.test/
	after=$(time_of_neighbour)
	[ "$during" -le $((SLOWER * (before > after ? before : after))) ] ||
		lab_fail "the neighbour was served in $before µs before, $during during and $after after the attack"
}

# Fails unless the neighbour is served, the node starts processes, and the proxy has at
# most $1 KiB.
nobody_feels_it()
{
	local worker

	during=$(time_of_neighbour)
	in_lab bash -c 'for _ in {1..10}; do /bin/true || exit; done'
	worker=$(proxy_worker)
	# shellcheck disable=SC2016 # expanded by awk
	[ "$(in_lab awk '$1 == "VmHWM:" { print $2 }' "/proc/$worker/status")" -le "$1" ] ||
		is_sanitized || lab_fail "$(in_lab cat "/proc/$worker/status")"
}

@test "a fork bomb ends at the job's own limit" {
	attack forks
	nobody_feels_it 4096
	attack_over
}

@test "memory ends at the job's own limit" {
	attack memory
	nobody_feels_it 4096
	attack_over
}

@test "10,000 sockets are the job's own affair" {
	attack sockets
	nobody_feels_it 4096
	attack_over
}

@test "a flood of connections is the job's own affair" {
	attack connections
	nobody_feels_it 16384
	attack_over
}

@test "a flood of queries to the stub is the job's own affair" {
	attack datagrams
	nobody_feels_it 4096
	attack_over
}

@test "a flood of connections that nobody completes is the job's own affair" {
	in_lab test ! -e "/sys/fs/bpf/jobfence/jobs/$JOB/links/socket_create" || skip 'this kernel refuses packet sockets'
	attack syns
	nobody_feels_it 4096
	is "$(fetch http://allowed.test)" 'this is allowed.test'
	attack_over
}
