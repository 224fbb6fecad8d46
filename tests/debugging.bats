#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# An operator with bpftool alone: all has a speaking name, types, and can be changed.

load lib/job

pins()
{
	echo "/sys/fs/bpf/jobfence/jobs/$JOB"
}

up()
{
	job_up --rate 0 --domain allowed.test --domain '*.wild.test'
}

@test "the cgroup tree shows the programs by name" {
	local tree name

	up
	tree=$(in_lab bpftool cgroup tree "$(up_says '.cgroup | rtrimstr("/work")')")
	for name in egress ingress sock_create connect4 connect6 sendmsg4 sendmsg6 recvmsg4 recvmsg6 \
		getpeername4 getpeername6 bind4 bind6 sock_ops upstream_egress; do
		like "$tree" "*[[:space:]]${name}[[:space:]]*"
	done
}

@test "every pinned link names its program, which carries types" {
	local link name

	up
	for link in $(in_lab ls "$(pins)/links"); do
		name=$(in_lab bpftool -j prog show id "$(in_lab bpftool -j link show pinned "$(pins)/links/$link" |
			jq .prog_id)" | jq -r 'select(.btf_id > 0) | .name')
		is "${name:0:15}" "${link:0:15}"
	done
}

@test "a job's maps are pinned by name, and their values have fields" {
	up
	fetch -o /dev/null http://allowed.test
	refused_for domain http://denied.test/
	like "$(in_lab ls "$(pins)/maps" | tr '\n' ' ')" '*domains *hits *refused *'
	like "$(in_lab bpftool map dump pinned "$(pins)/maps/domains" | tr -d ' \n')" '*"name":"tset.dewolla"*'
	like "$(in_lab bpftool map dump pinned "$(pins)/maps/refused" | tr -d ' \n')" '*"name":"denied.test"*"count":1*'
	like "$(in_lab bpftool map dump pinned "$(pins)/maps/job" | tr -d ' \n')" '*"network":1,"flags":1,*"rate":0,*'
	in_lab bpftool -j map dump pinned "$(pins)/maps/hits" | jq -e 'any(.[].formatted.value.requests; . == 1)' >/dev/null
}

@test "a domain taken from the map is refused within a second" {
	local -a key

	up
	is "$(fetch http://allowed.test)" 'this is allowed.test'
	mapfile -t key < <(in_lab bpftool -j map dump pinned "$(pins)/maps/domains" |
		jq -r '.[] | select(.formatted.key.name == "tset.dewolla") | .key[] | ltrimstr("0x")')
	in_lab bpftool map delete pinned "$(pins)/maps/domains" key hex "${key[@]}"
	eventually refused_for domain http://allowed.test/
}

@test "the proxy says what it is in the list of processes" {
	up
	is "$(in_lab pgrep -x --count jobfence-proxy)" 2
	in_lab test -e "/run/jobfence/jobs/$JOB/proxy.log"
}

# Prints a lock of the job.
lock_of()
{
	jobfence show "$JOB" --json | jq -c ".locks.$1"
}

@test "show says which locks hold, as the kernel has them" {
	local links

	job_up --domain allowed.test
	links=/sys/fs/bpf/jobfence/jobs/$JOB/links
	is "$(lock_of sockets) $(lock_of packets) $(lock_of namespace)" 'true true true'
	is "$(lock_of lsm)" "$(in_lab test -e "$links/socket_create" && echo true || echo false)"
	is "$(lock_of pacing)" "$(jobfence show "$JOB" --json | jq .rate.pacing)"
	in_lab rm "$links/bind4"
	is "$(lock_of sockets) $(lock_of packets)" 'false true'
	like "$(jobfence show "$JOB")" '*socket hooks no, packet filter yes*'
	in_lab rm "$links/ingress"
	is "$(lock_of packets)" false
	jobfence down "$JOB"
	job_up --network full
	is "$(jobfence show "$JOB" --json | jq .locks)" null
	like "$(jobfence show "$JOB")" '*locks      none*'
}

@test "show counts the processes of a job that have a filter of system calls" {
	local cgroup

	mkfifo "$BATS_TEST_TMPDIR/end"
	job_up
	is "$(lock_of seccomp)" '{"processes":0,"filtered":0}'
	jobfence exec "$JOB" -- sh -c 'echo ready && read -r _' <"$BATS_TEST_TMPDIR/end" >"$BATS_TEST_TMPDIR/seen" 3>&- &
	exec 5>"$BATS_TEST_TMPDIR/end"
	await "$BATS_TEST_TMPDIR/seen" ready
	is "$(lock_of seccomp)" '{"processes":1,"filtered":1}'
	# One that others put into the job has what they gave it.
	cgroup=$(up_says .cgroup)
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab sh -c 'echo $$ >"$1"/cgroup.procs && echo joined && read -r _' sh "$cgroup" <"$BATS_TEST_TMPDIR/end" >"$BATS_TEST_TMPDIR/joined" 3>&- &
	await "$BATS_TEST_TMPDIR/joined" joined
	is "$(lock_of seccomp)" '{"processes":2,"filtered":1}'
	like "$(jobfence show "$JOB")" '*seccomp for 1 of 2 processes*'
	exec 5>&-
}
