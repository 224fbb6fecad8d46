#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Resources that a command of `run` or `exec` could share with outside processes: folders,
# memory, limits, services, automounters.

# shellcheck disable=SC2016 # scripts are expanded by inner shells
load ../lib/job

AUTOMOUNTED=/run/net

setup()
{
	lab_forget
	chmod 777 "$BATS_TEST_TMPDIR"
	OUTSIDE=/srv/attacks/outside.py
	in_lab install -D -m 755 -t "${OUTSIDE%/*}" "$LIB"/{outside,sockets}.py
}

teardown()
{
	[ -z "${HELPER:-}" ] || in_lab kill "$HELPER"
	in_lab umount --lazy $AUTOMOUNTED 2>/dev/null || :
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	nothing_is_left
}

# Starts the command as a process outside the job, HELPER in the lab. It prints "ready"
# once it is ready.
helper_up()
{
	in_lab bash -c 'echo $$ >"$0" && exec "$@"' "$BATS_TEST_TMPDIR/helper" "$@" >"$BATS_TEST_TMPDIR/said" 3>&- &
	await "$BATS_TEST_TMPDIR/said" ready
	HELPER=$(<"$BATS_TEST_TMPDIR/helper")
}

# Starts a service outside at the Unix socket $1, which anybody may use.
service_up()
{
	helper_up python3 -uc 'import os, socket, sys
os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
listener = socket.create_server(sys.argv[1], family=socket.AF_UNIX)
os.chmod(sys.argv[1], 0o666)
print("ready")
while True:
    listener.accept()' "$1"
}

as_nobody()
{
	in_lab setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}

@test "a working directory or a standard stream below a cover leads a job nowhere" {
	local folder=/run/user/65534 place

	service_up $folder/bus
	is "$(in_lab env -C $folder setpriv --reuid nobody --regid nogroup --clear-groups "$OUTSIDE" 'unix bus')" 'unix bus: ok'
	for place in "$folder" /run/jobfence /sys/fs/bpf/jobfence; do
		in_lab mkdir -p "$place"
		ends_with 125 in_lab env -C "$place" "$JOBFENCE" run --user root -- touch "$BATS_TEST_TMPDIR/started"
		like "$ERRORS" "jobfence: the job can't enter the working directory $place; *"
		ends_with 125 in_lab sh -c '"$1" run --user root -- touch "$2" <"$0"' "$place" "$JOBFENCE" "$BATS_TEST_TMPDIR/started"
		like "$ERRORS" 'jobfence: standard input is a folder, *'
	done
	[ ! -e "$BATS_TEST_TMPDIR/started" ]
	# These folders exist, but show other content.
	for place in /sys/fs/bpf "$(<"$LAB/cgroups")"; do
		ends_with 1 in_lab env -C "$place" "$JOBFENCE" run --user root -- test -e jobfence -o -e node
	done
}

@test "a service that makes its socket while a job runs stays out of reach" {
	local go=$BATS_TEST_TMPDIR/go job

	mkfifo "$go"
	exec 9<>"$go"
	jobfence run --user root -- bash -c 'echo begun; read -r <"$0"; exec "$@"' "$go" "$OUTSIDE" 'unix /run/late/socket' \
		>"$BATS_TEST_TMPDIR/seen" 3>&- 9>&- &
	job=$!
	await "$BATS_TEST_TMPDIR/seen" begun
	service_up /run/late/socket
	echo >&9
	exec 9>&-
	wait $job
	is "$(<"$BATS_TEST_TMPDIR/seen")" $'begun\nunix /run/late/socket: ENOENT'
}

@test "a job sets no limit, priority or processors of a process outside, be it of its own user" {
	local cases

	helper_up setpriv --reuid nobody --regid nogroup --clear-groups --bounding-set -all --inh-caps -all \
		python3 -uc 'import time
print("ready")
time.sleep(1000)'
	cases=("limit $HELPER" "priority $HELPER" "processors $HELPER")
	is "$(as_nobody "$OUTSIDE" "${cases[@]}" | grep -c ': ok$')" 3
	for user in nobody root; do
		is "$(jobfence run --user $user -- "$OUTSIDE" "${cases[@]}")" "$(printf '%s: ESRCH\n' "${cases[@]}")"
	done
}

@test "memory that others share by a key is out of reach, and a job's own goes with it" {
	local there

	in_lab setpriv --reuid nobody --regid nogroup --clear-groups python3 -c 'import ctypes
assert ctypes.CDLL(None).shmget(0x5eed, 4096, 0o1666) >= 0'
	is "$(as_nobody "$OUTSIDE" 'shared 0x5eed')" 'shared 0x5eed: ok'
	there=$(in_lab ipcs)
	for user in nobody root; do
		is "$(jobfence run --user $user -- "$OUTSIDE" 'shared 0x5eed')" 'shared 0x5eed: ENOENT'
		jobfence run --user $user -- sh -c 'ipcmk -M 1000000 -Q -S 2 && touch /dev/shm/file'
		is "$(in_lab ipcs)" "$there"
	done
	is "$(in_lab find /dev/shm -name file)" ''
	in_lab ipcrm -M 0x5eed
}

@test "no name that a job looks up reaches an automounter outside" {
	in_lab mkdir -p $AUTOMOUNTED
	helper_up "$LIB/automounter.py" $AUTOMOUNTED
	ends_with 2 in_lab ls $AUTOMOUNTED/outside.test
	for user in nobody root; do
		ends_with 2 jobfence run --user $user -- ls $AUTOMOUNTED/secret.test
	done
	is "$(uniq "$BATS_TEST_TMPDIR/said")" $'ready\noutside.test'
}
