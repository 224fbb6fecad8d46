#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# A command of `run` or `exec` that makes an outside process act for it. It tries signals,
# a tracer, a terminal, a cgroup, a BPF program, and an inherited socket.

load ../lib/outside

# Runs a command in the job as the user $1.
in_job_as()
{
	jobfence exec --user "$1" "$JOB" -- "${@:2}"
}

# Fails unless each of the remaining arguments, cases of outside.py, ends with an error.
# They run in a job of the user $1 with the options $RUN.
out_of_reach()
{
	local user=$1 seen

	shift
	seen=$(jobfence run "${RUN[@]}" --user "$user" --domain allowed.test -- "$OUTSIDE" "$@" 2>"$BATS_TEST_TMPDIR/said")
	is "$(wc -l <<<"$seen")" $# || lab_fail "$(<"$BATS_TEST_TMPDIR/said")" || return
	! grep ': ok$' <<<"$seen" || lab_fail "as $user it could"
}

@test "the victim is within reach of its like" {
	victim_up nobody
	is "$(in_lab setpriv --reuid nobody --clear-groups "$OUTSIDE" "signal $HELPER" "trace $HELPER" \
		"memory $HELPER" "files $HELPER" "descriptor $HELPER" | grep -c ': ok$')" 5
}

@test "a job traces no process outside, be it of its own user" {
	victim_up nobody
	for user in nobody root; do
		out_of_reach $user "trace $HELPER" "memory $HELPER" "files $HELPER" "descriptor $HELPER" \
			'trace parent' 'memory parent' 'descriptor parent'
	done
}

@test "a job signals no process outside, be it of its own user" {
	victim_up nobody
	for user in nobody root; do
		out_of_reach $user "signal $HELPER" 'signal parent'
	done
}

@test "a job traces and signals its own processes" {
	# shellcheck disable=SC2016 # expanded by the inner shell
	jobfence run --user nobody -- bash -c 'sleep 100 & "$1" "signal $!" "trace $!" "memory $!"; kill $!' \
		own "$OUTSIDE" >"$BATS_TEST_TMPDIR/seen"
	is "$(grep -c ': ok$' "$BATS_TEST_TMPDIR/seen")" 3
}

@test "a command that starts shows no descriptor to others in its job, and is not used by them" {
	local seen=$BATS_TEST_TMPDIR/seen taker user i

	in_lab install -m 755 "$LIB/take_descriptors.py" "${OUTSIDE%/*}"
	in_lab install -m 755 /bin/true "${OUTSIDE%/*}/last"
	job_up
	for user in root nobody; do
		in_job_as "$user" timeout 60 "${OUTSIDE%/*}/take_descriptors.py" >"$seen" 3>&- &
		taker=$!
		await "$seen" ready
		for ((i = 0; i < 8; i++)); do
			in_job_as "$user" true
		done
		while kill -0 $taker 2>/dev/null; do
			in_job_as "$user" "${OUTSIDE%/*}/last"
		done
		wait $taker
		is "$(<"$seen")" ready
	done
}

@test "a command does not join a job whose first process has not covered the files of the node yet" {
	local init first seen=$BATS_TEST_TMPDIR/seen command

	job_up
	init=$(up_says '.cgroup | rtrimstr("/work") + "/init"')
	in_lab mkdir "$init" /run/of-the-node
	in_lab tee "$init/cgroup.freeze" <<<1 >/dev/null
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c '"$1" exec "$2" -- true & for try in {1..6000}; do
			! grep . "$3/cgroup.procs" || break; read -rt 0.01 <> <(:) || :; done; kill -KILL $!; wait' \
		killed "$JOBFENCE" "$JOB" "$init" >"$seen" 3>&-
	first=$(<"$seen")
	in_job ls /run >"$seen" 3>&- &
	command=$!
	eventually in_lab grep -vx "$first" "$init/cgroup.procs" || kill $command
	in_lab tee "$init/cgroup.freeze" <<<0 >/dev/null
	wait $command
	is "$(grep -vx lock "$seen")" user
}

@test "no two proxies, and nobody else, run as the same user" {
	local uid users=()

	job_up --domain allowed.test
	jobfence up --job "$JOB-other" --domain allowed.test
	# shellcheck disable=SC2016 # expanded by awk
	for pid in $(proxy_processes) $(in_lab cat "$(up_says '.cgroup | rtrimstr("/work")')-other/proxy/cgroup.procs"); do
		users+=("$(in_lab awk '$1 == "Uid:" { print $2, $3, $4, $5 }' "/proc/$pid/status")")
	done
	is "$(printf '%s\n' "${users[@]}" | sort | uniq -c | awk '{ print $1 }' | paste -sd ' ')" '2 2'
	uid=${users[0]%% *}
	[ "$uid" -ge $((0x70000000)) ] || lab_fail "$uid may be somebody's"
	ends_with 125 jobfence run --user "$uid" true || ends_with 2 jobfence run --user "$uid" true
}

@test "a job of any user neither signals nor traces a proxy" {
	local pid cases=()

	job_up --domain allowed.test
	for pid in $(proxy_processes); do
		cases+=("signal $pid" "trace $pid" "memory $pid" "files $pid" "descriptor $pid")
	done
	for user in nobody root; do
		out_of_reach $user "${cases[@]}"
	done
}

# Fails unless each case of outside.py ends with EPERM in a job that shares a terminal.
types_nothing()
{
	local job

	for job in 'run --' "exec $JOB --"; do
		[ "$job" = 'run --' ] || job_up
		is "$(in_lab script -qec "$JOBFENCE $job $OUTSIDE $(printf "'%s' " "$@")" /dev/null | tr -d '\r')" \
			"$(printf '%s: EPERM\n' "$@")"
	done
}

@test "a job types nothing into the terminal that it shares" {
	# The terminal also shows the typed text.
	is "$(in_lab script -qec "$OUTSIDE type paste" /dev/null | sed -n 's/.*\(type\|paste\)/\1/p' | tr -d '\r')" \
		$'type: ok\npaste: ENOTTY'
	types_nothing type 'type 0x100000000' 'type 0x8000000000000000' paste 'paste 0x100000000'
}

# bats test_tags=vm
@test "a job types nothing into the terminal that it shares as a 32-bit program either" {
	needs_calls32
	types_nothing type32
}

@test "no name that a job asks for becomes a part of the command that its author is told to type" {
	# shellcheck disable=SC2016 # no variables
	jobfence run --domain allowed.test -- dig +tries=1 +time=20 'a;b.test' '$(c).test' denied.test \
		>/dev/null 2>"$BATS_TEST_TMPDIR/said"
	# shellcheck disable=SC2016
	like "$(<"$BATS_TEST_TMPDIR/said")" '*$(c).test (once)*'$'\n''jobfence: to allow the names: --domain denied.test'
}

@test "a command that would be born with a network socket is not started" {
	job_up
	# Try each kind of socket as each of the three standard descriptors.
	is "$(in_lab "$LIB/born_with_sockets.py" "$JOBFENCE" "$JOB" "$BATS_TEST_TMPDIR/started" \
		2>"$BATS_TEST_TMPDIR/said")" ''
	[ ! -e "$BATS_TEST_TMPDIR/started" ]
	like "$(<"$BATS_TEST_TMPDIR/said")" \
		'jobfence: standard input is a network socket, which would lead the command around its fence; give it a pipe'$'\n*'
}

@test "a job can't leave its cgroup, and makes no other" {
	local other

	job_up --domain allowed.test
	other=$(up_says '.cgroup | rtrimstr("/work")')
	for user in nobody root; do
		out_of_reach $user "join $(<"$LAB/cgroups")" "join $other/work" "join $other/proxy" \
			"join $(<"$LAB/cgroups")/node" "clone $other/proxy" "clone $(<"$LAB/cgroups")/node"
		ends_with 1 jobfence run --user $user -- mkdir "$(<"$LAB/cgroups")/own"
	done
	# In its own namespaces the job may mount its own cgroup, and sees no other. Root
	# may write there.
	is "$(jobfence run --user nobody -- "$OUTSIDE" cgroups 2>&1)" 'cgroups: EACCES'
	is "$(jobfence run --user root -- "$OUTSIDE" cgroups 2>&1)" 'cgroups: ok'
}

@test "cgroups that a job nests deeper than any path is long go with it" {
	# shellcheck disable=SC2016 # expanded by Python
	in_lab install -m 755 "$LIB/nested_cgroups.py" "${OUTSIDE%/*}"
	is "$(jobfence run --user root -- "${OUTSIDE%/*}/nested_cgroups.py" 40)" 'made 40 levels'
}

@test "a job that signals its process group reaches nobody outside" {
	local seen=$BATS_TEST_TMPDIR/seen

	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab setsid --wait bash -c 'trap "echo hit >>\"$2\"" USR1
		"$1" run --user root -- bash -c "trap true USR1; kill -USR1 0; kill -USR1 -- -1; exit 7"
		echo $? >>"$2"' group "$JOBFENCE" "$seen"
	is "$(<"$seen")" 7
}

@test "a job can't leave its cgroups of version 1 either" {
	local cgroups=$BATS_TEST_TMPDIR/cgroups holder

	mkdir "$cgroups"
	# A lab may mount such a hierarchy, but can't make one.
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount bash -c 'mount -t cgroup -o none,name="$1" none "$2" && echo ready && exec sleep 60' hold \
		"lab-$$" "$cgroups" >"$BATS_TEST_TMPDIR/held" 3>&- &
	holder=$!
	await "$BATS_TEST_TMPDIR/held" ready
	in_lab mount -t cgroup -o none,name="lab-$$" none "$cgroups"
	# shellcheck disable=SC2016 # expanded by the inner shell
	ends_with 1 jobfence run --user root -- bash -c 'echo $$ >"$1/cgroup.procs"' join "$cgroups"
	like "$ERRORS" '*Read-only file system*'
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$1/cgroup.procs"' join "$cgroups"
	in_lab umount "$cgroups"
	kill "$holder"
}

@test "a job loads no program into the kernel, and finds no pin" {
	local pins=/sys/fs/bpf/jobfence/jobs/$JOB

	job_up --domain allowed.test
	is "$(in_lab "$OUTSIDE" load "pin $pins/links/egress" "pin $pins/maps/domains" | grep -c ': ok$')" 3
	for user in nobody root; do
		out_of_reach $user load "pin $pins/links/egress" "pin $pins/maps/domains"
		is "$(jobfence run --user $user -- ls -A /sys/fs/bpf)" ''
		ends_with 1 jobfence run --user $user -- test -e /run/jobfence
	done
}

@test "what is shared is seen, and nothing beside it" {
	local run=(in_lab "$JOBFENCE" run --rate 0)

	in_lab sh -c 'mkdir -p /run/service/below /run/beside && echo shared >/run/service/below/file && echo other >/run/beside/file'
	is "$("${run[@]}" --share /run/service -- sh -c 'cat /run/service/below/file; ls /run | grep -vx lock')" $'shared\nservice\nuser'
	is "$("${run[@]}" --share /var/run/service/below/file -- sh -c 'cat /run/service/below/file; ls /run/service')" $'shared\nbelow'
	ends_with 125 "${run[@]}" --share /run/jobfence -- true
	like "$ERRORS" '*leads around the fence*'
	ends_with 125 "${run[@]}" --share /run/service/../jobfence -- true
	like "$ERRORS" '*absolute path*'
	ends_with 125 "${run[@]}" --share /home -- true
	like "$ERRORS" '*need not be shared*'
	in_lab ln -s /run/jobfence /run/link
	ends_with 125 "${run[@]}" --share /run/link -- true
	like "$ERRORS" '*cannot keep /run/link: Permission denied'
	in_lab rm /run/link
	ends_with 125 "${run[@]}" --share /run/absent -- true
	like "$ERRORS" 'jobfence: cannot share /run/absent: No such file or directory'
}

@test "file systems of the kernel inside of what is shared are covered as well" {
	local cgroups

	cgroups=$(<"$LAB/cgroups")
	in_lab mkdir -p /run/service/{cgroups,pins,processes}
	in_lab mount -t cgroup2 none /run/service/cgroups
	in_lab mount -t bpf none /run/service/pins
	in_lab mkdir /run/service/pins/pin
	in_lab mount -t proc none /run/service/processes
	in_lab ln -s "$cgroups" /run/link
	out_of_reach root 'join /run/link/node' 'clone /run/link/node' 'join /run/service/cgroups/node' \
		'clone /run/service/cgroups/node'
	RUN=(--share /run/service --share /run/link)
	out_of_reach root 'join /run/link/node' 'clone /run/link/node' \
		'join /run/service/cgroups/node' 'clone /run/service/cgroups/node'
	# shellcheck disable=SC2016 # expanded by the inner shell
	is "$(jobfence run --share /run/service -- bash -c 'ls /run/service/pins; cat /run/service/processes/1/comm')" jobfence-init
	in_lab umount /run/service/{cgroups,pins,processes}
	in_lab rm -r /run/link /run/service
}

@test "the folders of services and of shared memory are covered wherever they are mounted" {
	in_lab mkdir -p /srv/chroot/{run,shm} /run/of-the-node
	in_lab mount --rbind /run /srv/chroot/run
	in_lab mount --rbind /dev/shm /srv/chroot/shm
	in_lab touch /dev/shm/of-the-node
	is "$(jobfence run -- find /srv/chroot /dev/shm -name of-the-node)" ''
	in_lab rm /dev/shm/of-the-node
	in_lab umount --recursive /srv/chroot/run /srv/chroot/shm
}

@test "no device that leads to the hypervisor is within reach" {
	# shellcheck disable=SC2016 # expanded by the inner shell
	is "$(in_lab unshare --mount bash -c 'mkdir /srv/dev && mount -t tmpfs none /srv/dev && cp -a /dev/{null,tty} /srv/dev &&
		mknod /srv/dev/vhost-vsock c 1 5 && mknod /srv/dev/vmci c 1 5 && mount --move /srv/dev /dev &&
		exec "$1" run -- stat -c %t:%T /dev/vhost-vsock /dev/vmci' devices "$JOBFENCE")" $'1:3\n1:3'
}

@test "a service whose socket is shared answers the job, and no other does" {
	local policy=$BATS_TEST_TMPDIR/policy

	service_up /run/shared/socket /run/other/socket
	is "$(in_lab "$JOBFENCE" run --share /run/shared/socket -- "$LIB/ask_unix.py" /run/shared/socket)" shared
	ends_with 1 in_lab "$JOBFENCE" run --share /run/shared/socket -- "$LIB/ask_unix.py" /run/other/socket
	printf '%s\n' 'accept = http' 'allow_domain = *' 'share = /run/shared /run/absent' >"$policy"
	job_up --config "$policy" --domain allowed.test
	is "$(jobfence show "$JOB" --json | jq -c .shares)" '["/run/shared","/run/absent"]'
	is "$(in_job "$LIB/ask_unix.py" /run/shared/socket)" shared
	ends_with 1 in_job "$LIB/ask_unix.py" /run/other/socket
}
