#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Without what it needs, each verb says what is missing, and starts nothing.

load lib/job

# Every verb that does more than to print what anyone may know.
verbs=("up --job a --domain allowed.test" "run --job a --domain allowed.test true" gc "down b" "show b" events
	"exec b true" "update b --rate 1mbit" "repair b" "upgrade b" "oci-hook createRuntime")


setup()
{
	lab_forget
	jobfence up --job b --domain allowed.test
}

# Fails unless jobfence, called by the command $3…, says that it needs $1, and what to do:
# $2.
says_that_it_needs()
{
	local verb wanted

	for verb in "${verbs[@]}"; do
		wanted=1
		[[ $verb != run* && $verb != exec* ]] || wanted=125
		# shellcheck disable=SC2086 # words
		ends_with $wanted in_lab "${@:3}" "$JOBFENCE" $verb
		is "$ERRORS" "jobfence: ${verb%% *} needs $1; $2" || return
	done
	is "$(jobfence list --json | jq -c '[.[] | .job, .state]')" '["b","up"]'
}

@test "who is not root is told so" {
	says_that_it_needs \
		'CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_DAC_READ_SEARCH, CAP_SYS_CHROOT' \
		'run it as root' \
		setpriv --clear-groups --regid 65534 --reuid 65534
	# shellcheck disable=SC2034 # read by job.bash
	JOB=b
	is "$(fetch --noproxy '*' http://allowed.test)" 'this is allowed.test'
	refused_for domain http://denied.test/
}

@test "each capability that is missing is named" {
	local capability

	for capability in sys_admin net_admin net_bind_service setuid setgid setpcap kill dac_read_search sys_chroot; do
		says_that_it_needs "CAP_${capability^^}" \
			'this root has not got that, as in a job or a container: run it on the node' setpriv --bounding-set "-$capability"
	done
}

@test "a /proc of another PID namespace, or none, is told" {
	! is_sanitized || skip 'a sanitizer complains of such a /proc as well'
	says_that_it_needs 'the /proc of its own PID namespace' 'mount it: mount -t proc proc /proc' unshare --pid --fork --kill-child
	says_that_it_needs 'the /proc of its own PID namespace' 'mount it: mount -t proc proc /proc' \
		unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' sh
}

@test "no other capability is needed" {
	local needed=+sys_admin,+net_admin,+net_bind_service,+setuid,+setgid,+setpcap,+kill,+dac_read_search,+sys_chroot verb

	for verb in "up --job a --domain allowed.test" "show a" "update a --add-domain other.test" "repair a" \
		"exec a true" gc "down a" "run --domain allowed.test true"; do
		# shellcheck disable=SC2086 # words
		in_lab setpriv --bounding-set "-all,$needed" "$JOBFENCE" $verb || lab_fail "$verb"
	done
}

@test "anyone may ask for help, and for the list of jobs" {
	local anyone=(in_lab setpriv --clear-groups --regid 65534 --reuid 65534 "$JOBFENCE")

	like "$("${anyone[@]}" help up)" '*--domain*'
	like "$("${anyone[@]}" up --help)" '*--domain*'
	is "$("${anyone[@]}" list --json | jq -r '.[].job')" b
}
