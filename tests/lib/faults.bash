# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Faults at chosen system calls of a jobfence command. A call is named KIND:N, the Nth of
# its kind.

# What it is told to write down.
TRACE=(-s 0 -e 'trace=bpf,openat,mkdir,mount,umount2,unshare,setns,clone3,rename,unlink,unlinkat,rmdir,pipe2,socket,memfd_create,fcntl,sendto,write,kill')

# Runs a jobfence command, whose arguments follow, to its end, and writes its calls to the
# file $1.
trace_calls()
{
	local status=0

	in_lab "${STRACE[@]}" "${TRACE[@]}" -o "$1" "$JOBFENCE" "${@:2}" >/dev/null || status=$?
	[ $status -eq 0 ] || lab_fail "${*:2} ended with $status"
}

# Prints the calls in the file $1 that match the pattern $3 and not the pattern $4. Of those
# that are alike the first two and then every $2th.
choose_calls()
{
	awk -v every="$2" -v wanted="$3" -v unwanted="$4" '
		{
			what = kind = $0
			sub(/\(.*/, "", kind)
			sub(kind == "bpf" ? ",.*" : kind == "openat" ? ", O_.*" : "[(].*", "", what)
			number[kind]++
		}
		$0 ~ wanted && $0 !~ unwanted && (++seen[what] <= 2 || seen[what] % every == 0) {
			print kind ":" number[kind]
		}' "$1"
}

# The calls in the file $1 that change something outside of the process, thinned as above.
choose_changes()
{
	choose_calls "$1" "$2" '^(bpf.BPF_(MAP_CREATE|MAP_UPDATE|MAP_DELETE|LINK|OBJ_PIN)|openat.*O_CREAT|mkdir|mount|umount2|unshare|setns|clone3|rename|unlink|rmdir|sendto|write|kill)' \
		' = -1 '
}

# Runs a command, whose arguments follow, and prints those of its calls that change
# something.
changes_of()
{
	trace_calls "$BATS_TEST_TMPDIR/calls" "${@:2}" && choose_changes "$BATS_TEST_TMPDIR/calls" "$1"
}

# The same for calls that take memory or descriptors; what the dynamic linker does is not
# ours, and who can't come back from a namespace ends there, as if killed.
takers_of()
{
	trace_calls "$BATS_TEST_TMPDIR/calls" "${@:2}" &&
		choose_calls "$BATS_TEST_TMPDIR/calls" "$1" \
			'^(bpf|openat|mkdir|mount|unshare|clone3|rename|pipe2|socket|memfd_create|fcntl|sendto|write)' \
			'^openat.*(/ld[.]so|[.]so[.0-9]*")'
}

# Prints every third of some calls, from a random one on, and the last one. With
# $EVERY_FAULT it prints all of them.
sample()
{
	local calls=("$@") every=3 i

	[ -z "${EVERY_FAULT:-}" ] || every=1
	for ((i = RANDOM % every; i < $# - 1; i += every)); do
		echo "${calls[i]}"
	done
	echo "${calls[-1]}"
}

# Kills a jobfence command, whose arguments follow, at its call $1.
killed_at()
{
	local status=0

	in_lab "${STRACE[@]}" -o /dev/null -e "inject=${1%:*}:signal=KILL:when=${1#*:}" "$JOBFENCE" "${@:2}" \
		>"$BATS_TEST_TMPDIR/killed" 2>&1 || status=$?
	[ $status -eq 137 ] || lab_fail "${*:2} ended with $status, not killed at call $1: $(<"$BATS_TEST_TMPDIR/killed")"
}

# Lets the call $1 of a jobfence command, whose arguments follow, fail with the error $2.
# Fails unless the command then succeeds, or ends with status 1, or 3 where it is the policy
# that can't be read, and one line that says why. Keeps the status in $STATUS.
failed_at()
{
	local said

	STATUS=0
	in_lab "${STRACE[@]}" -o "$BATS_TEST_TMPDIR/calls" -e "inject=${1%:*}:error=$2:when=${1#*:}" \
		"$JOBFENCE" "${@:3}" >/dev/null 2>"$BATS_TEST_TMPDIR/failed" || STATUS=$?
	said=$(<"$BATS_TEST_TMPDIR/failed")
	grep -q INJECTED "$BATS_TEST_TMPDIR/calls" || lab_fail "there is no call $1" || return
	case $STATUS in
	0) is "$said" '' ;;
	1 | 3) [[ $said = 'jobfence: '* && $said != *$'\n'* ]] || lab_fail "call $1, $2, $(grep INJECTED "$BATS_TEST_TMPDIR/calls"): $said" ;;
	*) lab_fail "call $1, $2: status $STATUS, $said" ;;
	esac
}
