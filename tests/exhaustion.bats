#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Memory, disk and descriptors that run out: the fence stands, and what is left is found.

load lib/job

site=http://allowed.test

proxy_cgroup()
{
	up_says '.cgroup | rtrimstr("/work") + "/proxy"'
}

@test "on a full disk no job comes up, and nothing is left" {
	local size

	for size in 4k 8k 12k 16k; do
		in_lab mount -t tmpfs -o "size=$size" tmpfs /run/jobfence 2>/dev/null ||
			{ in_lab mkdir -p /run/jobfence && in_lab mount -t tmpfs -o "size=$size" tmpfs /run/jobfence; }
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
	in_lab mount -t tmpfs -o size=64k tmpfs /run/jobfence
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

@test "with few descriptors no job comes up, or a whole one" {
	local count

	for count in {4..40..3}; do
		if in_lab prlimit --nofile="$count" "$JOBFENCE" up --job "$JOB" --domain allowed.test 2>/dev/null; then
			is "$(jobfence list --json | jq -r '.[].state')" up
			refused_for domain http://denied.test/
			jobfence down "$JOB"
		fi
		jobfence gc >/dev/null # to take back what was begun needs descriptors as well
		nothing_is_left || lab_fail "$count descriptors"
	done
}

# bats test_tags=vm
@test "a proxy without memory is cut off or replaced, and the fence stands" {
	local cgroup tries=0

	job_up --netns /proc/self/ns/net --domain allowed.test
	cgroup=$(proxy_cgroup)
	in_lab bash -c "cd ${cgroup%/jobfence/*} && for folder in . jobfence jobfence/$JOB; do
		echo +memory >\$folder/cgroup.subtree_control; done" 2>/dev/null ||
		skip 'there is no memory controller of version 2'
	in_lab bash -c "echo 64k >$cgroup/memory.max"
	! in_job_directly curl -sS --max-time 10 --resolve allowed.test:80:11.0.0.2 $site 2>/dev/null || :
	until in_lab grep -q '^oom_kill [1-9]' "$cgroup/memory.events"; do
		[ $((++tries)) -le 50 ] || lab_fail "nothing was killed: $(in_lab cat "$cgroup/memory.events")" || return
		! in_job_directly curl -sS --max-time 1 --resolve allowed.test:80:11.0.0.2 $site 2>/dev/null || :
	done
	lab_forget
	ends_with 1 in_job_directly bash -c 'echo leak >/dev/udp/11.0.0.2/444'
	! in_job_directly curl -sS --max-time 3 --resolve denied.test:80:11.0.0.2 http://denied.test/ 2>/dev/null || :
	lab_saw_nothing
	like "$(jobfence list --json | jq -r '.[].state')" '[uc][pu]*'
	in_lab bash -c "echo max >$cgroup/memory.max"
	jobfence repair "$JOB"
	is "$(fetch --retry 10 --retry-all-errors --retry-delay 1 $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
}
