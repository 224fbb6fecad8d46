#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# bats file_tags=vm,kernel
#
# Services outside that a job asks over a Unix socket to act for it. Needs BPF LSM.

load ../lib/fence

# Starts a process outside that listens at every kind of Unix socket.
setup()
{
	lab_forget
	in_lab python3 "$LIB/unix_servers.py" /srv >"$BATS_TEST_TMPDIR/output" 3>&- &
	await "$BATS_TEST_TMPDIR/output" 'ready as'
	job_up --domain allowed.test
	in_lab test -e "/sys/fs/bpf/jobfence/jobs/$JOB/links/unix_connect" ||
		skip 'this kernel loads no LSM programs'
}

teardown()
{
	in_lab kill "$(sed -n 's/ready as //p' "$BATS_TEST_TMPDIR/output")"
	in_lab rm -rf /srv/stream /srv/datagrams /srv/attacks
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	nothing_is_left
}

@test "a command of run reaches the Unix sockets of its job only" {
	local seen

	# $LIB may be where only root can read.
	in_lab install -D -m 755 -t /srv/attacks "$LIB"/{outside,sockets}.py
	for user in root nobody; do
		seen=$(jobfence run --user $user -- /srv/attacks/outside.py "unix /srv/stream" \
			"unixgram /srv/datagrams" 2>"$BATS_TEST_TMPDIR/said")
		is "$(grep -c ': EPERM$' <<<"$seen")" 2 || lab_fail "$seen"
		like "$(<"$BATS_TEST_TMPDIR/said")" '*a Unix socket of a process outside the job (2 times)*'
	done
	jobfence run -- python3 "$LIB/own_unix.py"
}

@test "a container's Unix sockets are its own affair, where nobody outside has such a name" {
	is "$(in_fence "$LIB/outside.py" "unix /srv/stream" "unixgram /srv/datagrams" |
		grep -c ': ok$')" 2
	is "$(in_fence "$LIB/outside.py" 'unix @stream' 'unixgram @datagrams' | grep -c ': ECONNREFUSED$')" 2
}

@test "in the node's namespace the abstract names of others are refused" {
	jobfence down "$JOB"
	up_on_node
	is "$(in_fence "$LIB/outside.py" 'unix @stream' 'unixgram @datagrams' | grep -c ': EPERM$')" 2
	is "$(in_fence "$LIB/outside.py" "unix /srv/stream" | grep -c ': ok$')" 1
}
