#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Two versions on one node, whose programs differ, and jobs that go from one to the other.

load lib/job
load lib/faults

site=http://allowed.test
pins=/sys/fs/bpf/jobfence

setup()
{
	OWN=$JOBFENCE OTHER=${JOBFENCE%/*}/other/jobfence
	[ -x "$OTHER" ] || lab_fail "there is no $OTHER; run: make other-version" || return
	lab_forget
}

other_version()
{
	in_lab "$OTHER" "$@"
}

programs_of()
{
	jobfence list --json | jq -r --arg job "$1" '.[] | select(.job == $job).programs'
}

# Fails unless every link of the job has the program of that version: the folder $1.
has_programs()
{
	local links programs

	is "$(programs_of "$JOB")" "$1"
	links=$(in_lab bpftool --bpffs --json link show | jq -r --arg folder "$pins/jobs/$JOB/links/" '
		.[] | select(.pinned[]? | startswith($folder)) | "\(.pinned[0] | sub(".*/"; "")) \(.prog_id)"')
	programs=$(in_lab bpftool --bpffs --json prog show | jq -r --arg folder "$pins/$1/programs/" '
		.[] | select(.pinned[]? | startswith($folder)) | "\(.pinned[0] | sub(".*/"; "")) \(.id)"')
	is "$(sort <<<"$links")" "$(sort <<<"$programs")"
}

# bats test_tags=vm
@test "two versions are side by side, and each knows the other's jobs" {
	job_up --domain allowed.test
	other_version up --job other --domain denied.test
	[ "$(programs_of "$JOB")" != "$(programs_of other)" ] || lab_fail 'both have the same programs'
	is "$(fetch $site)" 'this is allowed.test'
	is "$(JOB=other fetch http://denied.test)" 'this is denied.test'
	JOB=other refused_for domain $site
	is "$(other_version show "$JOB" --json | jq -c .hits)" '{"allowed.test":1}'
	other_version update "$JOB" --add-domain git.test
	fetch -f -o /dev/null http://git.test/
	is "$(other_version list --json | jq -r '.[] | .state')" $'up\nup'
	other_version down "$JOB"
	jobfence down other
	nothing_is_left
}

# bats test_tags=vm
@test "a job is upgraded under way, and at no moment without a fence" {
	local mine theirs fetching leaking

	job_up --netns /proc/self/ns/net --rate 800kbit --domain allowed.test
	mine=$(up_says .programs)
	mkfifo "$BATS_TEST_TMPDIR/started"
	begin_to_fetch https://allowed.test/bytes/1000000
	fetching=$!
	in_job_directly "$LIB/leak" "$BATS_TEST_TMPDIR/started" "$BATS_TEST_TMPDIR/enough" 3>&- &
	leaking=$!
	read -r _ <"$BATS_TEST_TMPDIR/started"
	for _ in 1 2 3 4 5; do
		other_version upgrade "$JOB"
		theirs=$(programs_of "$JOB")
		jobfence upgrade "$JOB"
	done
	other_version upgrade "$JOB"
	has_programs "$theirs"
	[ "$mine" != "$theirs" ]
	touch "$BATS_TEST_TMPDIR/enough"
	wait $leaking
	wait $fetching
	is "$(wc -c <"$BATS_TEST_TMPDIR/moved")" 1000000
	is "$(lab_seen '.event == "connection" or .event == "packet"' .port)" 443
	is "$(tail -n "+$((LAB_NODE_MARK + 1))" "$LAB/node")" ''
	is "$(jobfence show "$JOB" --json |
		jq -c '[.connections > 0, .upload.refused.datagram > 0, .hits["allowed.test"] > 0]')" '[true,true,true]'
	is "$(fetch $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
}

@test "a proxy is upgraded where that is asked for, and the fence stands" {
	local proxy

	job_up --netns /proc/self/ns/net --domain allowed.test
	jobfence up --job plain
	proxy=$(proxy_of "$JOB")
	other_version upgrade "$JOB"
	is "$(proxy_of "$JOB")" "$proxy"
	is "$(in_lab readlink "/proc/$proxy/exe")" "${OWN%/*}/jobfence-proxy"
	lab_forget
	other_version upgrade --proxy --all
	[ "$(proxy_of "$JOB")" != "$proxy" ] || lab_fail 'it has the old proxy'
	is "$(in_lab readlink "/proc/$(proxy_of "$JOB")/exe")" "${OTHER%/*}/jobfence-proxy"
	ends_with 1 in_job_directly bash -c 'echo leak >/dev/udp/11.0.0.2/444'
	lab_saw_nothing
	is "$(fetch $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
	is "$(jobfence list --json | jq -r '.[].state')" $'up\nup'
}

proxy_of()
{
	jobfence show "$1" --json | jq .proxy.pid
}

@test "jobs are upgraded by name, by label, or all" {
	local job

	for job in a b c; do
		jobfence up --job $job --label "group=$job"
	done
	other_version upgrade a
	other_version upgrade --label group=b
	is "$(programs_of a) $(programs_of b)" "$(programs_of b) $(programs_of a)"
	[ "$(programs_of a)" != "$(programs_of c)" ]
	other_version upgrade --all
	is "$(programs_of c)" "$(programs_of a)"
	other_version upgrade a
	ends_with 4 jobfence upgrade nobody
	ends_with 2 jobfence upgrade
}

@test "an upgrade that was killed or failed anywhere is ended by the next one" {
	local call calls theirs turn=0 errors=(ENOMEM EMFILE)

	job_up --domain allowed.test
	other_version up --job other
	mapfile -t calls < <(JOBFENCE=$OTHER changes_of 3 upgrade "$JOB")
	[ ${#calls[@]} -gt 10 ] || lab_fail "only these calls: ${calls[*]}"
	theirs=$(programs_of "$JOB")
	jobfence upgrade "$JOB"
	for call in $(sample "${calls[@]}"); do
		is_ended_by_next killed_at "$call"
	done
	mapfile -t calls < <(JOBFENCE=$OTHER takers_of 30 upgrade "$JOB" && jobfence upgrade "$JOB")
	[ ${#calls[@]} -gt 10 ] || lab_fail "only these calls: ${calls[*]}"
	for call in $(sample "${calls[@]}"); do
		is_ended_by_next failed_at "$call" "${errors[turn++ % 2]}"
	done
}

# Breaks an upgrade off by one of the functions for faults, with its arguments.
is_ended_by_next()
{
	JOBFENCE=$OTHER "$@" upgrade "$JOB"
	is "$(fetch $site)" 'this is allowed.test' || lab_fail "after call $2"
	refused_for domain http://denied.test/ || lab_fail "after call $2"
	other_version upgrade "$JOB"
	has_programs "$theirs"
	jobfence upgrade "$JOB"
}

# bats test_tags=vm
@test "what a version can't take the place of stays as it is" {
	local verb

	job_up --domain allowed.test
	# As if the job had maps of its own: storage that no program of the other version
	# would find.
	in_lab bash -c "mv $pins/abi-* $pins/away"
	in_lab find $pins -mindepth 1 -maxdepth 1 -name '????????????' -exec rm -r {} +
	ends_with 1 other_version upgrade "$JOB"
	like "$ERRORS" "jobfence: *can't take the place of*"
	is "$(programs_of "$JOB")" "$(up_says .programs)"
	is "$(fetch $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
	in_lab rm -r "$pins/away"

	# As if an older version had built it.
	in_lab sed -i 's/"abi": [0-9]*/"abi": 1/' "/run/jobfence/jobs/$JOB/spec.json"
	for verb in "upgrade $JOB" "update $JOB --rate 2mbit" "repair $JOB"; do
		# shellcheck disable=SC2086 # words
		ends_with 1 jobfence $verb
		like "$ERRORS" "jobfence: job $JOB was built by a version of jobfence with other maps*"
	done
	# What the record says can be shown.
	is "$(jobfence show "$JOB" --json | jq -c '[.domains, .state, .connections]')" '[["allowed.test"],"up",null]'
	jobfence down "$JOB"
	nothing_is_left
}

@test "programs that no job is of any more are collected" {
	local mine theirs

	job_up
	mine=$(up_says .programs)
	other_version up --job other
	theirs=$(programs_of other)
	jobfence gc
	is "$(in_lab ls $pins | grep -cE "^($mine|$theirs|abi-[0-9]*)\$")" 3
	jobfence upgrade other
	in_lab mkdir "$pins/abi-1"
	jobfence gc
	is "$(in_lab ls $pins | grep -v abi | sort)" "$(printf '%s\n' "$mine" jobs | sort)"
	in_lab test ! -e "$pins/abi-1"
	other_version upgrade other
	is "$(programs_of other)" "$theirs"
}
