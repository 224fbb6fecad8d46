#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# What calls `run`: each gets the command's status, and nothing is left.

# shellcheck disable=SC2016 # scripts are expanded by inner shells
load lib/job

RUN=("$JOBFENCE" run --rate 0 --domain allowed.test --)
# A request, something on each stream, and a status.
SCRIPT='curl -sS http://allowed.test/ && echo errors >&2; exit 7'

# Fails unless the remaining arguments end with status $1, after the page was fetched, and
# nothing is left.
calls()
{
	ends_with "$1" in_lab timeout --foreground -k 1 60 "${@:2}"
	like "$OUTPUT$ERRORS" '*this is allowed.test*'
	nothing_is_left
}

# The command line that a shell is given.
line()
{
	printf '%q ' "${RUN[@]}" sh -c "$SCRIPT"
}

# Whether nothing is left after gc. Who ended `run` did not wait for its end.
gc_leaves_nothing()
{
	jobfence gc >/dev/null && nothing_is_left
}

@test "a pipe, a file, and streams that are closed" {
	calls 7 "${RUN[@]}" sh -c "$SCRIPT"
	calls 7 bash -o pipefail -c "echo input | $(line) | cat"
	calls 7 bash -c "$(line) >$BATS_TEST_TMPDIR/file <&-; status=\$?; cat $BATS_TEST_TMPDIR/file; exit \$status"
	calls 0 bash -c "$(printf '%q ' "${RUN[@]}") cat <<<'this is allowed.test'"
	ends_with 7 in_lab bash -c "$(line) >&- 2>&- <&-"
	nothing_is_left
}

@test "a terminal" {
	# The shell of `script` is that of the environment, which need not be bash.
	calls 7 env SHELL=/bin/bash script -qec "$(line)" /dev/null
	calls 7 env SHELL=/bin/bash script -qec "$(line) | cat; exit \${PIPESTATUS[0]}" /dev/null
}

@test "cron's environment" {
	calls 7 env -i HOME=/ LOGNAME=root PATH=/usr/bin:/bin SHELL=/bin/sh setsid -w sh -c "cd / && umask 077 && exec $(line)"
	calls 7 env -i "${RUN[@]}" /bin/sh -c "PATH=/usr/bin:/bin; $SCRIPT"
}

@test "nohup, setsid, nice, env and time" {
	calls 7 nohup "${RUN[@]}" sh -c "$SCRIPT"
	calls 7 setsid -w "${RUN[@]}" sh -c "$SCRIPT"
	calls 7 nice -n 5 env A=1 stdbuf -oL "${RUN[@]}" sh -c "$SCRIPT"
	calls 7 bash -c "time $(line)"
}

@test "timeout" {
	calls 7 timeout 60 "${RUN[@]}" sh -c "$SCRIPT"
	calls 124 timeout 15 "${RUN[@]}" sh -c "${SCRIPT% exit 7} exec sleep 100"
	calls 124 timeout --foreground 15 "${RUN[@]}" sh -c "${SCRIPT% exit 7} exec sleep 100"
	# A command that hears no signal is killed with `run`, of which `gc` takes what is
	# left.
	ends_with 137 in_lab timeout -k 1 15 "${RUN[@]}" sh -c 'trap "" TERM; sleep 100; sleep 100'
	eventually gc_leaves_nothing
}

@test "sudo and su" {
	in_lab sh -c 'echo "daemon ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/lab'
	calls 7 sudo -n "${RUN[@]}" sh -c "$SCRIPT"
	calls 7 setpriv --reuid=daemon --regid=daemon --clear-groups sudo -n "${RUN[@]}" sh -c "id -un; $SCRIPT"
	like "$OUTPUT" 'daemon
*'
	calls 7 su -c "$(line)"
	calls 7 su -P -c "$(line)"
	calls 7 su - -c "$(line)"
	calls 7 runuser -u root -- "${RUN[@]}" sh -c "$SCRIPT"
}

@test "ssh, with a terminal and without" {
	local folder=$BATS_TEST_TMPDIR options

	ssh-keygen -q -t ed25519 -N '' -f "$folder/host"
	ssh-keygen -q -t ed25519 -N '' -f "$folder/key"
	printf '%s\n' 'Port 2222' 'ListenAddress 127.0.0.1' "HostKey $folder/host" "AuthorizedKeysFile $folder/key.pub" \
		'StrictModes no' 'PermitRootLogin yes' "PidFile $folder/pid" >"$folder/config"
	in_lab mkdir -p /run/sshd
	in_lab /usr/sbin/sshd -f "$folder/config" -E "$folder/log"
	options=(-F none -i "$folder/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -p 2222 root@127.0.0.1)
	calls 7 ssh "${options[@]}" "$(line)" </dev/null
	calls 7 ssh -tt "${options[@]}" "$(line)" </dev/null
	# A connection that goes away takes its terminal, and all that runs there, with it.
	in_lab ssh -tt "${options[@]}" "$(printf '%q ' "${RUN[@]}" sh -c 'echo begun; exec sleep 100')" \
		</dev/null >"$folder/output" 2>&1 3>&- &
	await "$folder/output" begun
	in_lab kill "$(in_lab pgrep -o -x ssh)"
	wait $! || true
	eventually nothing_is_left
	in_lab bash -c "kill $(<"$folder/pid")"
}

@test "parallel and xargs -P" {
	local script='curl -sS http://allowed.test/ && exit $0'

	ends_with 2 in_lab env HOME="$BATS_TEST_TMPDIR" parallel --will-cite -j4 -q "${RUN[@]}" sh -c "$script" ::: 0 3 0 4 0 0
	is "$OUTPUT" "$(yes 'this is allowed.test' | head -n 6)"
	nothing_is_left
	ends_with 123 in_lab xargs -P4 -n1 "${RUN[@]}" sh -c "$script" < <(printf '%s\n' 0 3 0 4 0 0)
	is "$OUTPUT" "$(yes 'this is allowed.test' | head -n 6)"
	nothing_is_left
	ends_with 0 in_lab make -s -j4 -f - <<-END
		all: a b c d
		a b c d:
			@$(line | sed 's/\$/$$/g;s/7/0/')
	END
	nothing_is_left
}

@test "a parent that ignores or blocks signals, or does not wait" {
	calls 7 python3 "$LIB/without_sigchld.py" "${RUN[@]}" sh -c "$SCRIPT"
	calls 7 env --ignore-signal=INT --ignore-signal=TERM --ignore-signal=HUP --ignore-signal=PIPE --block-signal "${RUN[@]}" sh -c "$SCRIPT"
	in_lab setsid -f "${RUN[@]}" sh -c "$SCRIPT" >"$BATS_TEST_TMPDIR/output" 2>&1
	await "$BATS_TEST_TMPDIR/output" 'this is allowed'
	eventually nothing_is_left
}

@test "signals that end the command are told, and those that end run reach the command" {
	local name status

	for name in HUP INT QUIT TERM USR1 KILL; do
		ends_with $((128 + $(kill -l $name))) in_lab "${RUN[@]}" sh -c "ulimit -c 0; kill -$name \$\$"
		nothing_is_left
	done
	for name in HUP INT QUIT TERM USR1 USR2; do
		in_lab bash -c 'trap - INT QUIT; ulimit -c 0; exec "$@"' run "${RUN[@]}" bash -c 'trap "exit 9" '$name'; echo begun; sleep 100 & wait' \
			>"$BATS_TEST_TMPDIR/$name" 2>&1 3>&- &
		await "$BATS_TEST_TMPDIR/$name" begun
		in_lab kill "-$name" "$(in_lab pgrep -o -x jobfence)"
		status=0
		wait $! || status=$?
		is "$status" 9
		nothing_is_left
	done
}

@test "runs that are killed at any moment, with nobody to read what they say, leave nothing that gc does not take" {
	# JOBFENCE_KILLS makes it a long one.
	local kills=${JOBFENCE_KILLS:-40}

	lab_forget
	like "$(in_lab python3 "$LIB/kills.py" "$kills" "$RANDOM" "$JOBFENCE" run --domain allowed.test -- \
		sh -c 'nc -w 1 11.0.0.2 81; curl -sS http://denied.test/; nc -w 1 -u 11.0.0.2 53 </dev/null; sleep 0.2')" '*stuck 0'
	eventually gc_leaves_nothing
	lab_saw_nothing
}
