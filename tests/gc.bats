#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# What nobody ended is found and removed; what lives, or is not ours, stays; a job that lost
# its proxy gets a new one.

load lib/job
load lib/faults

site=http://allowed.test

state_of()
{
	jobfence list --json | jq -r --arg job "$1" '.[] | select(.job == $job).state'
}

# Makes a cgroup as an executor would.
make_cgroup()
{
	THEIRS=$(<"$LAB/cgroups")/theirs-$JOB
	in_lab mkdir "$THEIRS"
}

# Starts a process in that cgroup, $PID.
enter_cgroup()
{
	in_lab bash -c "echo \$\$ >'$THEIRS/cgroup.procs' && exec sleep infinity" 3>&- &
	eventually in_lab grep -q . "$THEIRS/cgroup.procs"
	PID=$(in_lab cat "$THEIRS/cgroup.procs")
}

leave_cgroup()
{
	in_lab kill "$PID"
	eventually in_lab grep -q 'populated 0' "$THEIRS/cgroup.events"
}

# As if the job had come up long ago.
make_old()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'jq ".state.started -= 300" "$1" >"$1.old" && mv "$1.old" "$1"' make_old \
		"/run/jobfence/jobs/$JOB/spec.json"
}

# Freezes (1) or thaws (0) the cgroup $2.
freeze()
{
	in_lab bash -c "echo $1 >'$2/cgroup.freeze'"
}

# Whether what a gc leaves that is broken off by the words given, of which the second names
# the call, is removed by the next one.
is_put_right()
{
	job_up --domain allowed.test
	kill_proxy
	"$@" gc || return
	jobfence gc >/dev/null || return
	nothing_is_left || lab_fail "after call $2"
}

@test "what lives and what is not ours is left alone" {
	make_cgroup
	in_lab mkdir -p /sys/fs/bpf/other "$(<"$LAB/cgroups")/other"
	in_lab ip netns add other
	in_lab ip netns add jobfence--none # no job can be called -none
	job_up --domain allowed.test
	jobfence up --job adopted --cgroup "$THEIRS" --domain allowed.test
	is "$(jobfence gc --json)" '{"removed":[],"failed":[]}'
	is "$(state_of "$JOB") $(state_of adopted)" 'up up'
	is "$(fetch $site)" 'this is allowed.test'
	jobfence down adopted
	in_lab rmdir /sys/fs/bpf/other "$(<"$LAB/cgroups")/other" "$THEIRS"
	in_lab ip netns delete other
	in_lab ip netns delete jobfence--none
}

@test "a cgroup of others that is empty for a while has no job any more" {
	make_cgroup
	job_up --cgroup "$THEIRS" --domain allowed.test
	is "$(jobfence gc)" ''
	make_old
	enter_cgroup
	is "$(jobfence gc)" ''
	leave_cgroup
	# It may be a container that starts again.
	is "$(jobfence gc)" ''
	in_lab touch -d '2 minutes ago' "/run/jobfence/jobs/$JOB/empty"
	enter_cgroup
	leave_cgroup
	is "$(jobfence gc)" ''
	in_lab touch -d '2 minutes ago' "/run/jobfence/jobs/$JOB/empty"
	is "$(jobfence gc)" "removed $JOB"
	nothing_is_left
	in_lab rmdir "$THEIRS"
}

@test "a cgroup of others that is gone has no job any more" {
	make_cgroup
	job_up --cgroup "$THEIRS" --domain allowed.test
	in_lab rmdir "$THEIRS"
	is "$(state_of "$JOB")" gone
	# The record and what the proxy counted are still there.
	is "$(jobfence show "$JOB" --json | jq -c '[.state, .hits]')" '["gone",{"allowed.test":0}]'
	is "$(jobfence gc)" "removed $JOB"
	nothing_is_left
}

@test "a cgroup that was made again is no job's, though it has the path of one" {
	make_cgroup
	job_up --cgroup "$THEIRS" --domain allowed.test
	in_lab rmdir "$THEIRS"
	make_cgroup
	enter_cgroup
	ends_with 125 in_job true
	like "$ERRORS" "*the fence of job $JOB is gone*"
	is "$(state_of "$JOB")" gone
	is "$(jobfence gc)" "removed $JOB"
	nothing_is_left
	leave_cgroup
	in_lab rmdir "$THEIRS"
}

@test "a job whose namespace was removed is collected" {
	job_up --domain allowed.test
	in_lab ip netns delete "jobfence-$JOB"
	is "$(state_of "$JOB")" gone
	is "$(jobfence gc)" "removed $JOB"
	nothing_is_left
}

@test "a job without its proxy is cut off, and repaired" {
	job_up --domain allowed.test
	kill_proxy
	is "$(state_of "$JOB")" cut-off
	ends_with 7 in_job_directly curl -sS --resolve allowed.test:80:11.0.0.2 $site
	jobfence repair "$JOB"
	is "$(state_of "$JOB")" up
	is "$(fetch $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
	jobfence repair "$JOB"
	is "$(fetch $site)" 'this is allowed.test'
	ends_with 4 jobfence repair nobody
}

@test "a proxy that can't open its log does not start, and the repair says why" {
	job_up --domain allowed.test
	kill_proxy
	in_lab rm "/run/jobfence/jobs/$JOB/proxy.log"
	in_lab mkdir "/run/jobfence/jobs/$JOB/proxy.log"
	ends_with 1 jobfence repair "$JOB"
	is "$ERRORS" 'jobfence: the proxy cannot open its files: Is a directory'
	is "$(state_of "$JOB")" cut-off
}

# Fails unless list and show say that the proxy of the job does not answer, and repair gives
# it one that does.
is_stuck_until_repaired()
{
	is "$(state_of "$JOB")" stuck || return
	is "$(jobfence show "$JOB" --json | jq -r .state)" stuck || return
	like "$(jobfence show "$JOB")" $'*\nstate      stuck: its proxy does not answer; see: jobfence help repair\n*' || return
	jobfence repair "$JOB" && is "$(state_of "$JOB")" up && is "$(fetch $site)" 'this is allowed.test'
}

@test "a proxy that is stopped, frozen or deaf is seen, and replaced by repair" {
	local before user

	job_up --domain allowed.test
	before=$(proxy_processes)
	is "$(state_of "$JOB")" up
	jobfence repair "$JOB"
	is "$(proxy_processes)" "$before"
	in_lab kill -STOP "$(proxy_worker)"
	is_stuck_until_repaired
	# shellcheck disable=SC2046 # the first of them
	in_lab kill -STOP $(proxy_processes | head -n 1)
	in_lab kill -KILL "$(proxy_worker)"
	is_stuck_until_repaired
	freeze 1 "$(proxy_cgroup)"
	is_stuck_until_repaired
	# The worker runs, and can take no connection.
	user=$(in_lab stat -c %u "/proc/$(proxy_worker)")
	in_lab setpriv --reuid "$user" --regid "$user" --clear-groups prlimit --pid "$(proxy_worker)" --nofile=3:3
	is_stuck_until_repaired
}

@test "a proxy whose job is asked of often leaves no trace of that" {
	job_up --domain allowed.test
	for _ in 1 2 3; do
		is "$(state_of "$JOB")" up
	done
	is "$(jobfence show "$JOB" --json | jq -c '[.connections, .upload.refused, .download.refused, .refusals]')" '[0,{},{},[]]'
	is "$(jobfence events "$JOB" --json | jq -r .kind)" started
	is "$(in_lab nsenter --net="$(up_says .netns)" ss -Htan state time-wait)" ''
}

@test "a job without domains is repaired, and gets one again" {
	job_up --domain allowed.test
	jobfence update "$JOB" --remove-domain allowed.test
	kill_proxy
	jobfence repair "$JOB"
	jobfence update "$JOB" --add-domain allowed.test
	is "$(fetch $site)" 'this is allowed.test'
}

@test "commands and proxies begin also where cgroup.kill was written, for the job or for the caller" {
	local executor

	job_up --domain allowed.test
	in_lab bash -c "echo 1 >'$(up_says .cgroup)/cgroup.kill'"
	is "$(fetch $site)" 'this is allowed.test'
	ends_with 1 in_job_directly bash -c 'echo leak >/dev/udp/11.0.0.2/444'
	in_lab bash -c "echo 1 >'$(up_says '.cgroup | rtrimstr("/work")')/cgroup.kill'"
	eventually in_lab grep -q 'populated 0' "$(proxy_cgroup)/cgroup.events"
	is "$(state_of "$JOB")" cut-off
	jobfence repair "$JOB"
	is "$(fetch $site)" 'this is allowed.test'
	jobfence down "$JOB"
	executor=$(<"$LAB/cgroups")/executor
	in_lab mkdir "$executor"
	in_lab bash -c "echo 1 >'$executor/cgroup.kill'"
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$1/cgroup.procs" && "$2" up --job "$3" --domain allowed.test && "$2" exec "$3" -- true' \
		executor "$executor" "$JOBFENCE" "$JOB"
	is "$(state_of "$JOB")" up
	jobfence down "$JOB"
	in_lab rmdir "$executor"
}

@test "gc finds a job that is half made by its labels, and leaves those with others" {
	killed_at clone3:1 up --job "$JOB" --label executor=e1 --domain allowed.test
	is "$(state_of "$JOB")" half-made
	is "$(jobfence gc --label executor=e2)" ''
	is "$(jobfence gc --label executor=e1 --label stage=two)" ''
	is "$(state_of "$JOB")" half-made
	is "$(jobfence gc --label executor=e1)" "removed $JOB"
	nothing_is_left
}

@test "an interrupted down is listed, and finished by down or gc" {
	job_up --domain allowed.test
	killed_at unlinkat:1 down "$JOB"
	is "$(state_of "$JOB")" ending
	for command in "repair $JOB" "upgrade $JOB"; do
		# shellcheck disable=SC2086 # words
		ends_with 1 jobfence $command
		is "$ERRORS" "jobfence: a down of job $JOB was interrupted; finish it: jobfence down $JOB"
	done
	ends_with 125 in_job true
	jobfence down "$JOB"
	nothing_is_left
	job_up --domain allowed.test
	killed_at unlinkat:1 down "$JOB"
	is "$(jobfence gc)" "removed $JOB"
	nothing_is_left
}

@test "a worker that outlives its supervisor is replaced, too" {
	local cgroup supervisor worker

	job_up --domain allowed.test
	cgroup=$(proxy_cgroup)
	{ read -r supervisor && read -r worker; } < <(proxy_processes)
	in_lab kill -STOP "$worker"
	in_lab kill -KILL "$supervisor"
	in_lab tail --pid="$supervisor" -s 0.02 -f /dev/null
	is "$(state_of "$JOB")" cut-off
	jobfence repair "$JOB"
	is "$(fetch $site)" 'this is allowed.test'
	! in_lab grep -qx "$worker" "$cgroup/cgroup.procs" || lab_fail 'the old worker is alive'
}

@test "a job in the node's namespace is repaired, too" {
	job_up --netns /proc/self/ns/net --domain allowed.test
	kill_proxy
	jobfence repair "$JOB"
	is "$(fetch $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
}

# Docker 28 does so to the namespace that its container turns out to be in.
@test "a job in whose namespace IPv6 was switched off is repaired, too" {
	job_up --domain allowed.test
	in_lab nsenter --net="$(up_says .netns)" sysctl -q net.ipv6.conf.all.disable_ipv6=1
	kill_proxy
	jobfence repair "$JOB"
	is "$(fetch $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
	ends_with 7 in_job_directly curl -sS --connect-to '::[2600:1::2]:' $site
}

@test "a repair that was killed anywhere is put right by the next one" {
	local call calls

	job_up --domain allowed.test
	kill_proxy
	mapfile -t calls < <(changes_of 1 repair "$JOB")
	[ ${#calls[@]} -gt 5 ] || lab_fail "only these calls: ${calls[*]}"
	for call in $(sample "${calls[@]}"); do
		kill_proxy
		killed_at "$call" repair "$JOB"
		jobfence repair "$JOB"
		is "$(fetch $site)" 'this is allowed.test' || lab_fail "after call $call"
		refused_for domain http://denied.test/ || lab_fail "after call $call"
	done
}

@test "a repair that gets no memory or no descriptor is put right by the next one" {
	local call calls turn=0 errors=(ENOMEM EMFILE) file=/etc/resolv.conf

	job_up --domain allowed.test
	kill_proxy
	mapfile -t calls < <(takers_of 3 repair "$JOB" && choose_calls "$BATS_TEST_TMPDIR/calls" 1 "$file" ' = -1 ')
	[ ${#calls[@]} -gt 10 ] || lab_fail "only these calls: ${calls[*]}"
	for call in $(sample "${calls[@]}"); do
		kill_proxy
		failed_at "$call" "${errors[turn++ % 2]}" repair "$JOB"
		[ "$STATUS" -eq 0 ] || jobfence repair "$JOB"
		is "$(fetch $site)" 'this is allowed.test' || lab_fail "after call $call"
		refused_for domain http://denied.test/ || lab_fail "after call $call"
	done
	like "$STATUS $(<"$BATS_TEST_TMPDIR/failed")" "1 jobfence: cannot read $file: @(Too many open files|Cannot allocate memory)"
}

@test "a repair that fails after its proxy began leaves no proxy, and the job cut off" {
	job_up --domain allowed.test
	kill_proxy
	failed_at rename:1 ENOSPC repair "$JOB"
	is "$STATUS $(<"$BATS_TEST_TMPDIR/failed")" \
		"1 jobfence: cannot write /run/jobfence/jobs/$JOB/spec.json: No space left on device"
	is "$(proxy_processes)" ''
	is "$(state_of "$JOB")" cut-off
	ends_with 7 in_job_directly curl -sS --resolve allowed.test:80:11.0.0.2 $site
	jobfence repair "$JOB"
	is "$(fetch $site)" 'this is allowed.test'
}

@test "a job that lost its proxy and its processes is collected" {
	mkfifo "$BATS_TEST_TMPDIR/started" "$BATS_TEST_TMPDIR/end"
	job_up --domain allowed.test
	in_job bash -c "echo >'$BATS_TEST_TMPDIR/started'; read -r _ <'$BATS_TEST_TMPDIR/end'" 3>&- &
	read -r _ <"$BATS_TEST_TMPDIR/started"
	kill_proxy
	is "$(jobfence gc)" ''
	echo >"$BATS_TEST_TMPDIR/end"
	wait $!
	is "$(jobfence gc)" "removed $JOB"
	nothing_is_left
}

@test "jobs are collected by label, with what runs in them" {
	mkfifo "$BATS_TEST_TMPDIR/started"
	job_up --label executor=e1 --domain allowed.test
	jobfence up --job other --label executor=e2
	in_job bash -c "echo >'$BATS_TEST_TMPDIR/started'; exec sleep infinity" 3>&- &
	read -r _ <"$BATS_TEST_TMPDIR/started"
	is "$(jobfence gc --json --label executor=e1)" "{\"removed\":[\"$JOB\"],\"failed\":[]}"
	is "$(jobfence list --json | jq -r '.[].job')" other
}

@test "jobs are collected after /run was emptied" {
	job_up --domain allowed.test
	jobfence up --job some.other
	in_lab rm -r /run/jobfence
	is "$(jobfence list --json | jq -c 'map([.job, .state, .rate]) | sort')" \
		"$(jq -nc --arg job "$JOB" '[[$job, "half-made", null], ["some.other", "half-made", null]] | sort')"
	is "$(jobfence gc | sort)" "removed some.other
removed $JOB"
	nothing_is_left
}

# Runs a command of jobfence, $2…, in a mount namespace of its own after the shell command
# $1.
elsewhere()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab unshare --mount bash -c 'eval "$1" && shift && exec "$@"' elsewhere "$1" "$JOBFENCE" "${@:2}"
}

# Starts a command in the job, and waits until it runs.
live_in_job()
{
	mkfifo "$BATS_TEST_TMPDIR/started"
	in_job bash -c "echo >'$BATS_TEST_TMPDIR/started'; exec sleep infinity" 3>&- &
	LIVING=$!
	read -r _ <"$BATS_TEST_TMPDIR/started"
}

# Runs a command of jobfence in a cgroup namespace of its own, which does not have the jobs'
# cgroups.
below_the_jobs()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab unshare --mount --cgroup bash -c 'umount "$1" && mount -t cgroup2 cgroup2 "$1" && shift && exec "$@"' \
		below "$(<"$LAB/cgroups")" "$JOBFENCE" "$@"
}

@test "in another cgroup namespace gc ends nothing that lives, and down opens no fence" {
	job_up --domain allowed.test
	ends_with 1 below_the_jobs gc
	like "$ERRORS" "jobfence: the cgroup of job $JOB is there, but not at $(up_says .cgroup)*"
	is "$OUTPUT" ''
	live_in_job
	ends_with 1 below_the_jobs down "$JOB"
	like "$ERRORS" "jobfence: $(up_says .cgroup) still has processes*"
	is "$(state_of "$JOB")" up
	is "$(fetch $site)" 'this is allowed.test'
}

@test "a gc with another /run, or without bpffs, ends nothing that lives" {
	local run='mount -t tmpfs tmpfs /run' pins='umount /sys/fs/bpf'

	make_cgroup
	job_up --domain allowed.test
	live_in_job
	jobfence up --job idle --domain allowed.test
	jobfence up --job adopted --cgroup "$THEIRS" --domain allowed.test
	enter_cgroup
	ends_with 1 elsewhere "$run" gc
	like "$ERRORS" "*job $JOB lives, but has no record in /run/jobfence/jobs/$JOB*jobfence down $JOB*"
	is "$OUTPUT" ''
	ends_with 1 elsewhere "$pins" gc
	like "$ERRORS" "*fence of job $JOB stands, but its pins are not in /sys/fs/bpf/jobfence/jobs/$JOB*"
	is "$OUTPUT" ''
	ends_with 1 elsewhere "$run && $pins" gc
	is "$OUTPUT" ''
	ends_with 1 elsewhere "$run" up --job "$JOB"
	like "$ERRORS" "*job $JOB lives*"
	is "$(jobfence list --json | jq -c '[.[].state]')" '["up","up","up"]'
	is "$(fetch $site)" 'this is allowed.test'
	is "$(JOB=idle fetch $site)" 'this is allowed.test'
	leave_cgroup
	jobfence down adopted
	in_lab rmdir "$THEIRS"
}

@test "what lives is left after /run was emptied, until down ends it" {
	local status=0

	job_up --domain allowed.test
	live_in_job
	in_lab rm -r /run/jobfence
	ends_with 1 jobfence gc --json
	like "$OUTPUT" "{\"removed\":[[]],\"failed\":[[]{\"job\":\"$JOB\",\"reason\":\"job $JOB lives*"
	is "$(state_of "$JOB")" half-made
	# shellcheck disable=SC2046 # numbers
	in_lab kill -0 $(in_lab cat "$(up_says .cgroup)/cgroup.procs")
	jobfence down "$JOB"
	# The command's parent reaps it.
	wait "$LIVING" || status=$?
	is "$status" 137
	nothing_is_left
}

@test "what runs without a fence, after bpffs was unmounted, is ended" {
	job_up --domain allowed.test
	# A command of `exec` would have the old mount in its own namespace, and with that
	# its fence.
	THEIRS=$(up_says .cgroup)
	enter_cgroup
	in_lab umount /sys/fs/bpf
	in_lab mount -t bpf bpf /sys/fs/bpf
	is "$(state_of "$JOB")" unfenced
	ends_with 1 jobfence repair "$JOB"
	ends_with 125 in_job true
	like "$ERRORS" "*the fence of job $JOB is gone*"
	is "$(jobfence gc)" "removed $JOB"
	nothing_is_left
	job_up --domain allowed.test
	is "$(fetch $site)" 'this is allowed.test'
}

@test "a gc that was killed anywhere is put right by the next one" {
	local call calls

	job_up --domain allowed.test
	kill_proxy
	mapfile -t calls < <(changes_of 5 gc)
	[ ${#calls[@]} -gt 15 ] || lab_fail "only these calls: ${calls[*]}"
	for call in $(sample "${calls[@]}"); do
		is_put_right killed_at "$call"
	done
}

@test "a gc that gets no memory or no descriptor is put right by the next one" {
	local call calls turn=0 errors=(ENOMEM EMFILE)

	job_up --domain allowed.test
	kill_proxy
	mapfile -t calls < <(takers_of 6 gc)
	[ ${#calls[@]} -gt 10 ] || lab_fail "only these calls: ${calls[*]}"
	for call in $(sample "${calls[@]}"); do
		is_put_right failed_at "$call" "${errors[turn++ % 2]}"
	done
}

@test "half a job is listed, unless a command is at work on it" {
	local holder

	mkfifo "$BATS_TEST_TMPDIR/held"
	in_lab mkdir -p "/run/jobfence/jobs/$JOB"
	like "$(jobfence list)" "*"$'\n'"$JOB *half-made"
	is "$(jobfence list --label a=b)" ''
	ends_with 4 jobfence show "$JOB"
	like "$ERRORS" "*$JOB is half made*jobfence gc"
	in_lab python3 "$LIB/hold_lock.py" >"$BATS_TEST_TMPDIR/held" 3>&- &
	read -r holder <"$BATS_TEST_TMPDIR/held"
	is "$(jobfence list --json)" '[]'
	in_lab kill "$holder"
	wait $! || :
	is "$(state_of "$JOB")" half-made
	is "$(jobfence gc)" "removed $JOB"
	is "$(jobfence list --json)" '[]'
}

@test "a new proxy begins although the proxy's cgroup is frozen" {
	job_up --domain allowed.test
	freeze 1 "$(proxy_cgroup)"
	jobfence upgrade --proxy "$JOB"
	is "$(fetch $site)" 'this is allowed.test'
}

@test "what can't run as a cgroup of all jobs is frozen says so, and no lock stays with it" {
	local all

	all=$(<"$LAB/cgroups")/jobfence
	job_up --domain allowed.test
	freeze 1 "$all"
	jobfence up --job other --domain allowed.test 2>/dev/null 3>&- &
	eventually in_lab grep -qs . "$all/other/proxy/cgroup.procs"
	in_lab kill -KILL "$(in_lab pgrep -o -x jobfence)"
	wait $! || :
	is "$(in_lab timeout 20 "$JOBFENCE" gc)" 'removed other'
	ends_with 1 jobfence upgrade --proxy "$JOB"
	is "$ERRORS" "jobfence: the proxy can't run: cgroup $all is frozen; thaw it: echo 0 >$all/cgroup.freeze"
	freeze 0 "$all"
	is "$(state_of "$JOB")" cut-off
	jobfence repair "$JOB"
	is "$(fetch $site)" 'this is allowed.test'
}

# Takes the lock of the job $1, as a command that hangs has it, in the process $HOLDER.
hold_lock()
{
	mkfifo "$BATS_TEST_TMPDIR/held"
	in_lab python3 "$LIB/hold_job_lock.py" "$1" >"$BATS_TEST_TMPDIR/held" 3>&- &
	read -r HOLDER <"$BATS_TEST_TMPDIR/held"
}

@test "a command that hangs holds up no gc of other jobs, and who waits for it says so" {
	local waiting

	job_up --label executor=e1
	jobfence up --job other
	in_lab ip netns delete jobfence-other
	hold_lock "$JOB"
	is "$(jobfence gc --label executor=e2)" ''
	ends_with 1 jobfence gc
	is "$OUTPUT" 'removed other'
	is "$ERRORS" "jobfence: process $HOLDER is at work on job $JOB, and still was after 3 s; see why, or end it"
	jobfence down "$JOB" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	eventually in_lab pgrep -x jobfence >/dev/null
	waiting=$(in_lab pgrep -x jobfence)
	# It waits once it has a handler for SIGALRM, which ends the wait early.
	eventually in_lab grep -q '^SigCgt:.*2...$' "/proc/$waiting/status"
	in_lab kill -ALRM "$waiting"
	! wait $! || lab_fail 'it did not wait'
	like "$(<"$BATS_TEST_TMPDIR/said")" "jobfence: process $HOLDER is at work on job $JOB, *"
	in_lab kill "$HOLDER"
	jobfence down "$JOB"
}

@test "half a job goes on fencing who lives in a cgroup of others" {
	make_cgroup
	enter_cgroup
	job_up --cgroup "$THEIRS" --domain allowed.test
	in_lab rm "/run/jobfence/jobs/$JOB/spec.json"
	is "$(state_of "$JOB")" half-made
	for command in "down $JOB" gc "up --job $JOB"; do
		# shellcheck disable=SC2086 # words
		ends_with 1 jobfence $command
		like "$ERRORS" '*end them first*'
	done
	in_lab test -e "/sys/fs/bpf/jobfence/jobs/$JOB/links/egress"
	leave_cgroup
	is "$(jobfence gc)" "removed $JOB"
	nothing_is_left
	in_lab rmdir "$THEIRS"
}
