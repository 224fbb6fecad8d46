#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Packets whose ports are not where a simple parser looks: fragments, IPv4 options and IPv6
# extension headers. They come from the job's sockets, and from sockets older than the
# fence.

load ../lib/fence

# Prints datagrams with such headers. Each is refused or sent at once.
datagrams()
{
	local header

	printf '%s\n' "large 11.0.0.2 444" "large 2600:1::2 444"
	for header in nop loose strict; do
		printf '%s\n' "headed DGRAM $header 11.0.0.2 444" "along $header 11.0.0.2 444"
	done
	for header in hop destination home segments; do
		printf '%s\n' "headed DGRAM $header 2600:1::2 444" "along $header 2600:1::2 444"
	done
}

# Sets DATAGRAMS and CONNECTIONS to cases of sockets.py, to port 444. They use the headers
# that this kernel knows.
set_cases()
{
	mapfile -t DATAGRAMS < <(datagrams)
	mapfile -t DATAGRAMS < <(in_lab "$LIB/sockets.py" "${DATAGRAMS[@]}" | sed -n '/: EINVAL$/!s/: [^ ]*$//p')
	mapfile -t CONNECTIONS < <(printf '%s\n' "${DATAGRAMS[@]}" | sed -n 's/headed DGRAM/headed STREAM/p')
	like "${DATAGRAMS[*]} ${CONNECTIONS[*]}" '*large 2600*DGRAM loose*along strict*DGRAM hop*along destination*STREAM nop*'
	lab_forget
}

# Runs the cases that follow by the command $1, for a second each. Without that limit TCP
# would keep retransmitting packets that the packet filter refuses.
try_shortly()
{
	"$1" env PATIENCE=1 "$LIB/sockets.py" "${@:2}"
}

@test "the canary hears such headers of each kind" {
	local one

	set_cases
	for one in "${DATAGRAMS[@]}" "${CONNECTIONS[@]}"; do
		try_shortly in_lab "$one"
		! lab_saw_nothing 2>/dev/null || lab_fail "$one was not heard"
		lab_forget
	done
	try_shortly in_lab 'headed STREAM nop 11.0.0.53 53' 'headed STREAM hop 2600:1::53 53'
	lab_settle
	is "$(lab_seen '.event == "packet"' '[.protocol, .to]' | sort -u | tr '\n' ' ')" '[0,"2600:1::53"] [6,"11.0.0.53"] '
}

@test "no header of a job's socket leads around the fence, nor on the way to the proxy" {
	local up

	set_cases
	for up in 'job_up --domain allowed.test' up_on_node; do
		$up
		all_end_with EPERM "${DATAGRAMS[@]}" "${CONNECTIONS[@]}"
		try_shortly in_fence "${DATAGRAMS[@]/%444/53}" "${CONNECTIONS[@]/%444/80}"
		lab_saw_nothing
		jobfence down "$JOB"
	done
}

@test "no header of a job's socket leads around the filter of packets alone" {
	up_on_node
	only_packet_filter
	set_cases
	all_end_with EPERM "${DATAGRAMS[@]}"
	try_shortly in_fence "${CONNECTIONS[@]}"
	lab_saw_nothing
}

# Lets the process with sockets older than the fence continue. Fails unless $1 of its lines
# end with "ok".
early_turn()
{
	echo >&4
	await "$BATS_TEST_TMPDIR/early" '^done'
	is "$(grep -c ': ok$' "$BATS_TEST_TMPDIR/early")" "$1" || lab_fail "$(<"$BATS_TEST_TMPDIR/early")"
}

@test "no socket from before the fence gets a packet out, whatever it is" {
	local cgroup port early

	cgroup=$(<"$LAB/cgroups")/theirs
	mkfifo "$BATS_TEST_TMPDIR/turn"
	in_lab mkdir "$cgroup"
	in_internet python3 -uc 'import socket
listening = socket.create_server(("11.0.0.2", 4444))
print("ready")
peer = listening.accept()[0]
while data := peer.recv(4):
	print(data)' >"$BATS_TEST_TMPDIR/peer" 3>&- &
	await "$BATS_TEST_TMPDIR/peer" ready
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' early "$cgroup" "$LIB/early.py" \
		"$BATS_TEST_TMPDIR/turn" >"$BATS_TEST_TMPDIR/early" 2>&1 3>&- &
	early=$!
	await "$BATS_TEST_TMPDIR/early" ready
	read -r _ port <"$BATS_TEST_TMPDIR/early"
	exec 4>"$BATS_TEST_TMPDIR/turn"
	early_turn 16
	await "$BATS_TEST_TMPDIR/peer" leak
	is "$(in_internet "$LIB/sockets.py" "tcp 11.0.0.1 $port")" "tcp 11.0.0.1 $port: ok"
	lab_settle
	is "$(lab_seen '.event == "packet" and .protocol != 6' | wc -l)" 15

	job_up --netns /proc/self/ns/net --domain allowed.test --cgroup "$cgroup"
	lab_forget
	: >"$BATS_TEST_TMPDIR/early"
	early_turn 1 # what TCP keeps
	is "$(in_internet timeout 3 "$LIB/sockets.py" "tcp 11.0.0.1 $port")" ''
	lab_saw_nothing
	is "$(grep -c leak "$BATS_TEST_TMPDIR/peer")" 1
	exec 4>&-
	wait "$early"
	jobfence down "$JOB"
}
