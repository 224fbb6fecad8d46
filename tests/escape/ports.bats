#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Two jobs, or two sockets of one job, with the same address and port. The fence never
# takes one for the other.

load ../lib/fence

OTHER=$BATS_TEST_TMPDIR/other.json

# Runs a command in the fence of the other job.
in_other()
{
	UP=$OTHER in_fence "$@"
}

# Makes a second job for another name. More options may follow.
other_up()
{
	jobfence up --job "$JOB-other" --json --domain denied.test "$@" >"$OTHER"
}

# Makes $1, in_fence or in_other, connect from port $2 and wait. At its turn it requests
# the names that follow.
begin()
{
	local said=$BATS_TEST_TMPDIR/$1

	rm -f "$said" "$said.turn"
	mkfifo "$said.turn"
	"$1" "$LIB/from_port.py" "$2" "$said.turn" "${@:3}" >"$said" 3>&- &
	await "$said" '^from'
}

# Gives $1 its turn, and fails unless its output is $2.
finish()
{
	: >"$BATS_TEST_TMPDIR/$1.turn"
	await "$BATS_TEST_TMPDIR/$1" '^closed'
	is "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/$1")" "$2 closed "
}

# Prints the requests that the sites saw, as host and job, with a count.
sites_saw()
{
	lab_settle
	lab_seen '.event == "request"' '.headers | map({(.[0] | ascii_downcase): .[1]}) | add |
		.host + " " + .["x-jobfence-job-id"]' | jq -r . | sort | uniq -c | sed 's/^ *//'
}

# Prints the entries of the node's map of connections, one a line: the original port of
# each.
noted()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'bpftool -j map dump pinned "$(echo /sys/fs/bpf/jobfence/abi-*/maps/connections)"' |
		jq '.[].formatted.value.origin.destination.port | . % 256 * 256 + (. / 256 | floor)'
}

# Lets the kernel choose ports from $1 to $2 on the node.
ephemeral()
{
	in_lab sysctl -q net.ipv4.ip_local_port_range="$1 $2"
}

@test "two jobs that use the same port in namespaces of their own are told apart" {
	job_up --domain allowed.test
	other_up
	begin in_fence 40000 allowed.test denied.test
	begin in_other 40000 denied.test allowed.test
	is "$(noted | wc -l)" 2
	finish in_other 'from 40000 denied.test 200 allowed.test 403'
	finish in_fence 'from 40000 allowed.test 200 denied.test 403'
	# The same again, after the other job had the port.
	begin in_other 40000 denied.test
	begin in_fence 40000 allowed.test
	finish in_fence 'from 40000 allowed.test 200'
	finish in_other 'from 40000 denied.test 200'
	is "$(sites_saw)" "2 allowed.test $JOB"$'\n'"2 denied.test $JOB-other"
}

@test "two jobs that use the same port in the node's namespace, at once or after another, are told apart" {
	local range

	up_on_node
	other_up --netns /proc/self/ns/net
	range=$(in_lab sysctl -n net.ipv4.ip_local_port_range)
	for _ in once again; do
		ephemeral 40000 40000
		begin in_fence 0 allowed.test denied.test
		begin in_other 0 denied.test allowed.test
		is "$(noted | wc -l)" 2
		# shellcheck disable=SC2086 # two words
		ephemeral $range # the proxies need some
		finish in_fence 'from 40000 allowed.test 200 denied.test 403'
		finish in_other 'from 40000 denied.test 200 allowed.test 403'
	done
	is "$(sites_saw)" "2 allowed.test $JOB"$'\n'"2 denied.test $JOB-other"
}

@test "a socket that had the same port takes no other's entry with it, nor leaves its own" {
	job_up --domain allowed.test
	# Begin a connection in another namespace of the job, from the same address. The
	# fence can't tell it from the job's own.
	mkfifo "$BATS_TEST_TMPDIR/inner.turn"
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab unshare -n bash -c 'ip link set lo up && ip address add 192.0.0.8 dev lo && exec "$@"' own \
		python3 -uc 'import os, socket, struct, sys
# Not of the job, which may not; without it there were a reset.
listening = socket.create_server(("192.0.0.8", int(sys.argv[2])))
with open(sys.argv[3] + "/cgroup.procs", "w") as cgroup:
	cgroup.write(str(os.getpid()))
made = socket.socket()
made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
made.bind(("192.0.0.8", 40000))
made.setblocking(False)
made.connect_ex(("11.0.0.3", 443))
print("ready")
open(sys.argv[1]).read()
made.close()
print("closed")' "$BATS_TEST_TMPDIR/inner.turn" "$(listener_port)" "$(up_says .cgroup)" >"$BATS_TEST_TMPDIR/inner" 2>&1 3>&- &
	await "$BATS_TEST_TMPDIR/inner" ready
	is "$(noted)" 443
	begin in_fence 40000 allowed.test
	is "$(noted)" 80
	: >"$BATS_TEST_TMPDIR/inner.turn"
	await "$BATS_TEST_TMPDIR/inner" closed
	is "$(noted)" 80
	finish in_fence 'from 40000 allowed.test 200'
	is "$(noted)" ''
	is "$(sites_saw)" "1 allowed.test $JOB"
}
