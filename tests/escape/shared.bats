#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Resources that a command of `run` or `exec` could share with outside processes: folders,
# memory, limits, services, automounters.

# shellcheck disable=SC2016 # scripts are expanded by inner shells
load ../lib/outside

AUTOMOUNTED=/run/net
RUNTIME=/run/user/65534

teardown()
{
	[ -z "${HELPER:-}" ] || in_lab kill "$HELPER"
	in_lab umount --lazy $AUTOMOUNTED 2>/dev/null || :
	in_lab umount $RUNTIME/doc 2>/dev/null || :
	in_lab rm -rf $RUNTIME
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	nothing_is_left
}

as_nobody()
{
	in_lab setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}

@test "a working directory or a standard stream below a cover leads a job nowhere" {
	local folder=$RUNTIME place

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
		sh -c 'echo ready && exec sleep 1000'
	cases=("limit $HELPER" "priority $HELPER" "processors $HELPER")
	is "$(as_nobody "$OUTSIDE" "${cases[@]}" | grep -c ': ok$')" 3
	for user in nobody root; do
		is "$(jobfence run --user $user -- "$OUTSIDE" "${cases[@]}")" "$(printf '%s: ESRCH\n' "${cases[@]}")"
	done
}

@test "memory that others share by a key is out of reach, and a job's own goes with it" {
	local there

	# By standard input, since $LIB may be where only root can read.
	as_nobody python3 - 0x5eed <"$LIB/shared_memory.py"
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

# Makes nobody's runtime folder outside, with one thing of each kind.
runtime_folder_up()
{
	in_lab install -d -o nobody -g nogroup -m 700 $RUNTIME
	in_lab setpriv --reuid nobody --regid nogroup --clear-groups sh -c 'umask 027 && cd "$0" && mkdir -p containers/below &&
		echo login >containers/auth.json && chmod 600 containers/auth.json && echo script >containers/below/script &&
		chmod 750 containers/below/script && mkfifo fifo && ln -s /etc/passwd link && ln -s containers folder-link && mkdir doc' $RUNTIME
	in_lab sh -c 'mount -t tmpfs none "$0/doc" && touch "$0/doc/of-fuse" && mknod -m 666 "$0/device" c 1 3' $RUNTIME
	service_up $RUNTIME/containers/bus
}

@test "a job has copies of the files of its user's runtime folder, and nothing else of it" {
	local expected=$'. d 700 nobody\ncontainers d 750 nobody\ncontainers/auth.json f 600 nobody
containers/below d 750 nobody\ncontainers/below/script f 750 nobody'
	local list='cd "$XDG_RUNTIME_DIR" && find . -printf "%P %y %m %u\n" | sed "s/^ /. /" | sort'

	runtime_folder_up
	is "$(jobfence run --user nobody -- sh -c "$list")" "$expected"
	is "$(in_lab env SUDO_UID=65534 SUDO_GID=65534 "$JOBFENCE" run -- sh -c "$list")" "$expected"
	is "$(jobfence run --user nobody -- sh -c 'cat "$XDG_RUNTIME_DIR"/containers/auth.json')" login
	ends_with 2 jobfence run --user daemon -- ls $RUNTIME
	is "$(in_lab env -C $RUNTIME "$JOBFENCE" run --user nobody -- cat containers/below/script)" script
	# The folder of somebody else is not the user's.
	in_lab chown root $RUNTIME
	is "$(jobfence run --user nobody -- sh -c "$list")" '. d 700 nobody'
}

@test "what a job does in its runtime folder stays inside, and what is done outside stays there" {
	runtime_folder_up
	job_up
	jobfence exec --user nobody "$JOB" -- sh -c 'cd "$XDG_RUNTIME_DIR"/containers && echo mine >new && mv new auth.json && echo >bus && rm -r below'
	is "$(in_lab cat $RUNTIME/containers/auth.json $RUNTIME/containers/below/script)" $'login\nscript'
	in_lab test -S $RUNTIME/containers/bus
	in_lab touch $RUNTIME/later
	is "$(jobfence exec --user nobody "$JOB" -- sh -c 'cd "$XDG_RUNTIME_DIR" && cat containers/auth.json && ls')" $'mine\ncontainers'
	# Users whose first command comes later have theirs as well.
	is "$(jobfence exec --user root "$JOB" -- ls -A /run/user)" $'0\n65534'
}

@test "a runtime folder that is too large, too deep, or that its user changes meanwhile holds nobody up" {
	local seen

	in_lab install -d -o nobody -g nogroup -m 700 $RUNTIME
	in_lab bash -c 'cd "$0" && truncate -s 3G large && d=deep/2/3/4/5/6/7/8 && mkdir -p $d/9 && touch $d/file $d/9/file && chown -R nobody .' $RUNTIME
	is "$(in_lab env JOBFENCE_DEBUG=1 "$JOBFENCE" run --user nobody -- sh -c 'find "$XDG_RUNTIME_DIR" -type f' 2>"$BATS_TEST_TMPDIR/said")" \
		$RUNTIME/deep/2/3/4/5/6/7/8/file
	grep -qF "jobfence: the job sees not all files of $RUNTIME: at most" "$BATS_TEST_TMPDIR/said"
	in_lab bash -c 'cd "$0" && for ((i = 0; i < 1500; i++)); do echo >file$i; done' $RUNTIME
	seen=$(jobfence run --user nobody -- sh -c 'find "$XDG_RUNTIME_DIR" | wc -l')
	[ "$seen" -gt 900 ] && [ "$seen" -le 1025 ]
	in_lab rm -r $RUNTIME
	in_lab install -d -o nobody -g nogroup -m 700 $RUNTIME
	helper_up "$LIB/change_entry.py" $RUNTIME
	for _ in {1..20}; do
		is "$(jobfence run --user nobody -- find $RUNTIME -mindepth 1 ! -type f -o -size +0)" '' || return
	done
}

@test "a runtime folder belongs to root alone until it has its name" {
	runtime_folder_up
	job_up
	jobfence exec --user root "$JOB" -- python3 -u -c '
import ctypes, os, struct

ATTRIB, MOVED_TO = 4, 0x80
libc = ctypes.CDLL(None)
inotify = libc.inotify_init()
libc.inotify_add_watch(inotify, b"/run/user", ATTRIB | MOVED_TO)
print("ready")
while True:
    events = os.read(inotify, 4096)
    while events:
        _, mask, _, length = struct.unpack_from("iIII", events)
        print("named" if mask & MOVED_TO else "given", events[16:16 + length].rstrip(b"\0").decode())
        events = events[16 + length:]
        if mask & MOVED_TO:
            raise SystemExit' >"$BATS_TEST_TMPDIR/watched" 3>&- &
	await "$BATS_TEST_TMPDIR/watched" ready
	jobfence exec --user nobody "$JOB" -- true
	await "$BATS_TEST_TMPDIR/watched" named
	is "$(<"$BATS_TEST_TMPDIR/watched")" $'ready\nnamed 65534'
	is "$(jobfence exec --user nobody "$JOB" -- ls -A /run/user)" $'0\n65534'
}

@test "a shared path in a user's runtime folder leaves the folder the user's" {
	runtime_folder_up
	is "$(jobfence run --user nobody --share $RUNTIME/containers/bus -- sh -c 'cd "$XDG_RUNTIME_DIR" && echo new >>containers/auth.json &&
		cat containers/auth.json && stat -c %U . && '"$OUTSIDE"' "unix $PWD/containers/bus"')" $'login\nnew\nnobody\nunix '$RUNTIME'/containers/bus: ok'
	jobfence run --user nobody --share $RUNTIME/containers/auth.json -- sh -c 'echo new >>"$XDG_RUNTIME_DIR"/containers/auth.json'
	is "$(in_lab cat $RUNTIME/containers/auth.json)" $'login\nnew'
}

@test "a command makes no runtime folder on the node where that of all users is shared" {
	in_lab mkdir -p /run/user
	jobfence run --user nobody --share /run/user -- true
	is "$(in_lab ls -A /run/user)" ''
}
