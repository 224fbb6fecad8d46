#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Memory, disk and descriptors that run out: the fence stands, and what is left is found.

load lib/job

site=http://allowed.test

@test "on a full disk no job comes up, and nothing is left" {
	local size

	for size in 4k 8k 12k 16k; do
		in_lab mount -t tmpfs -o "size=$size,mode=755" tmpfs /run/jobfence 2>/dev/null ||
			{ in_lab mkdir -p /run/jobfence && in_lab mount -t tmpfs -o "size=$size,mode=755" tmpfs /run/jobfence; }
		in_lab dd if=/dev/zero of=/run/jobfence/full bs=1k 2>/dev/null || :
		ends_with 1 jobfence up --job "$JOB" --domain allowed.test
		like "$ERRORS" 'jobfence: *'
		is "$(jobfence list --json)" '[]'
		in_lab umount /run/jobfence
		nothing_is_left || lab_fail "size $size"
	done
}

@test "on a full disk an update changes nothing, and down works" {
	in_lab mkdir -p /run/jobfence
	in_lab mount -t tmpfs -o size=64k,mode=755 tmpfs /run/jobfence
	job_up --domain allowed.test
	in_lab dd if=/dev/zero of=/run/jobfence/full bs=1k 2>/dev/null || :
	ends_with 1 jobfence update "$JOB" --add-domain other.test
	is "$(fetch $site)" 'this is allowed.test'
	refused_for domain http://other.test/
	is "$(jobfence show "$JOB" --json | jq -c .domains)" '["allowed.test"]'
	jobfence down "$JOB"
	in_lab umount /run/jobfence
	nothing_is_left
}

@test "a socket whose memory is full is refused, and the refusal counts" {
	job_up --domain allowed.test
	is "$(in_job_directly python3 "$LIB/full_socket.py")" $'ENOMEM\nEPERM'
	is "$(jobfence show "$JOB" --json | jq -c '[.upload.refused.limit, .connections]')" '[1,0]'
}

@test "with few descriptors no job comes up, or a whole one" {
	local count

	for count in {4..40..3}; do
		if in_lab prlimit --nofile="$count" "$JOBFENCE" up --job "$JOB" --domain allowed.test 2>/dev/null; then
			is "$(jobfence list --json | jq -r '.[].state')" up
			refused_for domain http://denied.test/
			jobfence down "$JOB"
		fi
		# To take back what was begun needs descriptors as well.
		jobfence gc >/dev/null
		nothing_is_left || lab_fail "$count descriptors"
	done
}

@test "a worker without descriptors rests, and takes what waits once it has some" {
	local worker limit rested fetching asking

	job_up --domain allowed.test
	worker=$(proxy_worker)
	limit=$(limit_descriptors "$worker" --noheadings --output SOFT --nofile)
	limit_descriptors "$worker" --nofile=3:
	rested=$(times_slept "$worker")
	fetch $site >"$BATS_TEST_TMPDIR/fetched" &
	fetching=$!
	in_job dig +tcp +short +timeout=60 allowed.test >"$BATS_TEST_TMPDIR/asked" &
	asking=$!
	eventually has_slept "$worker" $((rested + 10))
	kill -0 "$fetching" "$asking"
	limit_descriptors "$worker" --nofile="$limit:"
	wait "$fetching" "$asking"
	is "$(<"$BATS_TEST_TMPDIR/fetched")" 'this is allowed.test'
	is "$(<"$BATS_TEST_TMPDIR/asked")" "$(in_job dig +short allowed.test)"
}

# What process $1 took over from its caller, one fact a line.
inherited_by()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab sh -c 'cd "/proc/$1" && sed -n "s/^Max \\(cpu time\\|address\\|data\\|processes\\|file size\\|open files\\)/&/p" limits | tr -s " "
		cat oom_score_adj; readlink cwd; ps -o cls=,ni=,sid= -p "$1"; ionice -p "$1"; taskset -p "$1" | cut -d: -f2
		grep -c ^Sig[^PQ].*[^0]$ status; cat personality timerslack_ns' sh "$1"
}

@test "a proxy has limits, priorities and processors of its own, and a command those of its caller" {
	local caller=(setarch -R prlimit --nofile=256: --cpu=20: --as=4000000000: --data=2000000000: --nproc=4000: --fsize=0: choom -n 500 --
		ionice -c 3 nice -n 7 chrt --batch 0 taskset 1)
	local worker

	! is_sanitized || skip 'a sanitizer takes more memory than that caller has'
	in_lab "${caller[@]}" "$JOBFENCE" up --job "$JOB" --domain allowed.test --json >"$BATS_TEST_TMPDIR/up.json"
	worker=$(inherited_by "$(proxy_worker)" | sed "s/ [0-9]*$//")
	jobfence down "$JOB"
	job_up --domain allowed.test
	is "$worker" "$(inherited_by "$(proxy_worker)" | sed "s/ [0-9]*$//")"
	like "$worker" '*open files 8192 8192*'
	in_job curl -sS --fail-early --parallel --parallel-max 200 "$site/?[1-300]" -o /dev/null
	jobfence down "$JOB"
	is "$(in_lab "${caller[@]}" "$JOBFENCE" run --rate 0 --domain allowed.test -- sh -c 'ulimit -Sn; ulimit -St; ulimit -Sf; nice; cat /proc/self/oom_score_adj')" \
		"$(printf '%s\n' 256 20 0 7 500)"
}

# As its own user: who is not needs CAP_SYS_RESOURCE.
limit_descriptors()
{
	local user group

	read -r user group < <(in_lab stat -c '%u %g' "/proc/$1/task")
	in_lab setpriv --reuid "$user" --regid "$group" --clear-groups prlimit --pid "$@"
}

# How often a process has waited for something.
times_slept()
{
	in_lab sed -n 's/^voluntary_ctxt_switches:\t//p' "/proc/$1/status"
}

has_slept()
{
	[ "$(times_slept "$1")" -gt "$2" ]
}

is_up()
{
	[ "$(jobfence list --json | jq -r '.[].state')" = up ]
}

# Lets each job have a limit of its memory.
limit_memory()
{
	in_lab bash -c "cd $(<"$LAB/cgroups") && mkdir -p jobfence && echo +memory >cgroup.subtree_control &&
		echo +memory >jobfence/cgroup.subtree_control" 2>/dev/null || skip 'there is no memory controller of version 2'
}

# bats test_tags=vm
@test "a worker that the kernel kills for want of memory is replaced, and events say so" {
	local cgroup

	limit_memory
	cgroup=$(<"$LAB/cgroups")/jobfence/$JOB
	job_up --domain allowed.test
	# The worker, and not the supervisor as well before the worker's memory is free.
	in_lab bash -c "echo -1000 >/proc/$(up_says .proxy.pid)/oom_score_adj"
	in_lab "$LIB/shrink-memory" "$cgroup" || lab_fail 'nothing was killed'
	eventually is_up
	is "$(fetch --retry 10 --retry-all-errors --retry-delay 1 $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
	is "$(jobfence events "$JOB" --json | jq -c 'select(.kind == "worker") | .signal')" 9
}

# bats test_tags=vm
@test "a proxy without memory is cut off or replaced, and the fence stands" {
	local cgroup

	limit_memory
	cgroup=$(<"$LAB/cgroups")/jobfence/$JOB
	job_up --netns /proc/self/ns/net --domain allowed.test
	in_lab bash -c "echo 64k >$cgroup/memory.max"
	eventually in_lab grep -q '^oom_kill [1-9]' "$cgroup/memory.events"
	in_lab bash -c "echo max >$cgroup/memory.max"
	like "$(jobfence list --json | jq -r '.[].state')" '@(up|stuck|cut-off)'
	ends_with 1 in_job_directly bash -c 'echo leak >/dev/udp/11.0.0.2/444'
	lab_saw_nothing
	jobfence repair "$JOB"
	is "$(fetch --retry 10 --retry-all-errors --retry-delay 1 $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
}
