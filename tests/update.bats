#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# A job is changed while it runs.

load lib/job
load lib/faults

site=http://allowed.test

# What the job has declared, blank between.
domains()
{
	jobfence show "$JOB" --json | jq -r '.domains | join(" ")'
}

# The names of the job's domain map, as bpftool sees it: how many entries.
entries()
{
	in_lab bpftool --json map dump pinned "/sys/fs/bpf/jobfence/jobs/$JOB/maps/domains" | jq length
}

# Whether the job, whose update from allowed.test and git.test to git.test and other.test
# was broken off, has all of the one or all of the other, and whether the next update leaves
# no entry behind.
has_all_of_either()
{
	[[ $(domains) = @('allowed.test git.test'|'git.test other.test') ]] || lab_fail "it has $(domains)" || return
	refused_for domain http://denied.test/ || return
	fetch -f -o /dev/null http://git.test/ || return
	fetch -f -o /dev/null "http://$(domains | sed 's/ *git.test *//')/" || return
	jobfence update "$JOB" --add-domain sub.www.allowed.test || return
	is "$(entries)" 3
}

# Moves $1 bytes and says in how many milliseconds.
milliseconds()
{
	local begin=${EPOCHREALTIME/./}

	fetch -o /dev/null "$site/bytes/$1" || return
	echo $(((${EPOCHREALTIME/./} - begin) / 1000))
}

# bats test_tags=vm
@test "a domain that is added is allowed at once, one that is removed is refused at once" {
	job_up --domain allowed.test
	refused_for domain http://other.test/
	jobfence update "$JOB" --add-domain other.test
	fetch -f -o /dev/null http://other.test/
	jobfence update "$JOB" --remove-domain allowed.test
	fetch -f -o /dev/null http://other.test/
	refused_for domain $site/
	is "$(domains)" other.test
	is "$(entries)" 1
}

@test "domains are added and removed in one update, in any spelling" {
	job_up --domain .allowed.test --domain git.test
	jobfence update "$JOB" --add-domain ' OTHER.test.' --remove-domain .Allowed.TEST
	is "$(domains)" 'git.test other.test'
	is "$(entries)" 2
}

@test "a domain counts its hits on through an update" {
	job_up --domain other.test --domain git.test
	fetch -o /dev/null http://other.test/
	fetch -o /dev/null http://git.test/
	jobfence update "$JOB" --add-domain allowed.test --remove-domain git.test
	fetch -o /dev/null $site/
	fetch -o /dev/null http://other.test/
	is "$(jobfence show "$JOB" --json | jq -c .hits)" '{"allowed.test":1,"other.test":2}'
}

@test "a tree counts its hits also where its own name is denied" {
	job_up --domain git.test --deny-domain www.allowed.test
	jobfence update "$JOB" --add-domain .www.allowed.test
	fetch -o /dev/null http://sub.www.allowed.test/
	refused_for denied http://www.allowed.test/
	is "$(jobfence show "$JOB" --json | jq -Sc .hits)" '{".www.allowed.test":1,"git.test":0}'
}

@test "names that become a tree count their hits on" {
	job_up --domain '*.www.allowed.test'
	fetch -o /dev/null http://sub.www.allowed.test/
	jobfence update "$JOB" --add-domain .www.allowed.test
	fetch -o /dev/null http://sub.www.allowed.test/
	is "$(jobfence show "$JOB" --json | jq -c .hits)" '{".www.allowed.test":2}'
}

@test "a bad update changes nothing" {
	local before

	job_up --domain allowed.test
	before=$(in_lab cat "/run/jobfence/jobs/$JOB/spec.json")
	ends_with 2 jobfence update "$JOB" --add-domain other.test --add-domain http://git.test/
	ends_with 2 jobfence update "$JOB" --remove-domain allowed.test --remove-domain git.test
	like "$ERRORS" "jobfence: *git.test*"
	ends_with 2 jobfence update "$JOB" --add-domain other.test --rate 1
	ends_with 2 jobfence update "$JOB"
	ends_with 2 jobfence update
	ends_with 4 jobfence update nobody --rate 2mbit
	is "$(in_lab cat "/run/jobfence/jobs/$JOB/spec.json")" "$before"
	is "$(entries)" 1
	fetch -f -o /dev/null $site/
}

@test "an update of a job that is gone fails, and records nothing" {
	local record=/run/jobfence/jobs/$JOB/spec.json before change

	job_up --domain allowed.test
	before=$(in_lab cat "$record")
	in_lab ip netns delete "jobfence-$JOB"
	for change in '--rate 2mbit' '--add-domain other.test' '--remove-domain allowed.test'; do
		# shellcheck disable=SC2086 # words
		ends_with 1 jobfence update "$JOB" $change
		like "$ERRORS" "jobfence: the fence of job $JOB is gone*"
		is "$(in_lab cat "$record")" "$before"
	done
	ends_with 4 jobfence update nobody --rate 2mbit
}

@test "a job without a network gets none by an update" {
	job_up
	ends_with 2 jobfence update "$JOB" --add-domain allowed.test
	ends_with 2 jobfence update "$JOB" --rate 2mbit
	is "$(domains)" ''
}

# Whether the job of the next test has read these answers.
answers()
{
	[ "$(xargs <"$BATS_TEST_TMPDIR/answers")" = "$1" ]
}

@test "a domain is taken away and given back between the requests of one connection" {
	local go=$BATS_TEST_TMPDIR/go requests input

	job_up --domain allowed.test --domain git.test
	mkfifo "$go"
	in_job_directly python3 "$LIB/kept_requests.py" <"$go" >"$BATS_TEST_TMPDIR/answers" 3>&- &
	requests=$!
	exec {input}>"$go"
	echo >&"$input"
	eventually answers 200
	jobfence update "$JOB" --remove-domain allowed.test
	echo >&"$input"
	eventually answers '200 403'
	jobfence update "$JOB" --add-domain allowed.test
	echo >&"$input"
	exec {input}>&-
	wait "$requests"
	answers '200 403 200'
	# The refused one got nowhere. The last one may use the connection of the first.
	is "$(lab_seen '.event == "request"' | wc -l)" 2
}

@test "a job may lose its last domain, and get one again" {
	job_up --domain allowed.test
	jobfence update "$JOB" --remove-domain allowed.test
	refused_for domain $site/
	is "$(entries)" 0
	jobfence update "$JOB" --add-domain allowed.test
	fetch -f -o /dev/null $site/
}

@test "a tunnel to a name that is no longer allowed ends" {
	local status=0

	job_up --domain allowed.test --domain other.test --rate 80kbit
	begin_to_fetch https://allowed.test/bytes/2000000
	jobfence update "$JOB" --remove-domain allowed.test
	wait $! || status=$?
	[ "$status" -ne 0 ] || lab_fail 'the transfer came to its end'
	[ "$status" -ne 28 ] || lab_fail 'the tunnel stayed until curl gave up'
	[ "$(wc -c <"$BATS_TEST_TMPDIR/moved")" -lt 2000000 ]
}

# bats test_tags=vm
@test "a rate holds for a transfer that runs" {
	job_up --domain allowed.test --rate 80kbit
	begin_to_fetch $site/bytes/2000000
	jobfence update "$JOB" --rate 100mbit
	# At the old rate it would take 200 seconds; curl gives up after 60.
	wait $!
	is "$(wc -c <"$BATS_TEST_TMPDIR/moved")" 2000000
	is "$(jobfence show "$JOB" --json | jq .rate.bits_per_second)" 100000000
}

# bats test_tags=vm
@test "a lower rate holds for a transfer that runs, too" {
	local size=1000000 begin left microseconds

	job_up --domain allowed.test --rate 1mbit
	begin_to_fetch $site/bytes/$size
	jobfence update "$JOB" --rate 500kbit
	begin=${EPOCHREALTIME/./}
	left=$((size - $(wc -c <"$BATS_TEST_TMPDIR/moved")))
	[ $left -gt 200000 ] || lab_fail "only $left bytes were left"
	wait $!
	microseconds=$((${EPOCHREALTIME/./} - begin))
	# Half more than the rate is far from the old one.
	[ $((left * 8)) -le $((microseconds * 3 / 4)) ] || lab_fail "$left bytes in $microseconds microseconds"
}

# bats test_tags=vm
@test "a job that had no rate gets one, and loses it" {
	job_up --domain allowed.test --rate 0
	jobfence update "$JOB" --rate 1mbit
	is "$(jobfence show "$JOB" --json | jq -r .rate.pacing)" proxy
	[ "$(milliseconds 125000)" -ge 800 ] || lab_fail 'it is not throttled'
	jobfence update "$JOB" --rate 0
	is "$(fetch $site/bytes/5000000 | wc -c)" 5000000
}

@test "an update that was killed is ended by the next one, and no entry is left" {
	job_up --domain allowed.test
	# As if killed before spec.json was renamed: the map has more than was declared.
	jobfence update "$JOB" --add-domain other.test
	in_lab sh -c "cd /run/jobfence/jobs/$JOB && jq '.network.domains = [\"allowed.test\"]' spec.json >new && mv new spec.json"
	is "$(entries)" 2
	jobfence update "$JOB" --add-domain git.test
	is "$(domains)" 'allowed.test git.test'
	is "$(entries)" 2
	refused_for domain http://other.test/
}

@test "an update that was killed, and is given again, leaves nothing of what it takes away" {
	local status=0

	job_up --domain allowed.test --domain other.test --rate 80kbit
	begin_to_fetch https://other.test/bytes/2000000
	# As if killed after spec.json was renamed.
	in_lab sh -c "cd /run/jobfence/jobs/$JOB && jq '.network.domains = [\"allowed.test\"]' spec.json >new && mv new spec.json"
	ends_with 2 jobfence update "$JOB" --remove-domain other.test
	is "$(entries)" 1
	refused_for domain http://other.test/
	wait $! || status=$?
	[[ $status != @(0|28) ]] || lab_fail 'the tunnel stayed'
}

@test "an update that was killed anywhere leaves all of the old domains or all of the new" {
	local call calls update=(update "$JOB" --rate 2mbit --add-domain other.test --remove-domain allowed.test)

	[ -z "${JOBFENCE_MACHINE:-}" ] || skip 'the calls are the same on every kernel, and many'
	job_up --domain allowed.test --domain git.test
	mapfile -t calls < <(changes_of 1 "${update[@]}")
	[ ${#calls[@]} -gt 5 ] || lab_fail "only these calls: ${calls[*]}"
	for call in $(sample "${calls[@]}"); do
		jobfence down "$JOB"
		job_up --domain allowed.test --domain git.test
		killed_at "$call" "${update[@]}"
		has_all_of_either || lab_fail "after call $call"
	done
}

@test "an update that gets no memory or no descriptor leaves all of the old domains or all of the new" {
	local call calls turn=0 errors=(ENOMEM EMFILE)
	local update=(update "$JOB" --rate 2mbit --add-domain other.test --remove-domain allowed.test)

	[ -z "${JOBFENCE_MACHINE:-}" ] || skip 'the calls are the same on every kernel, and many'
	job_up --domain allowed.test --domain git.test
	mapfile -t calls < <(takers_of 3 "${update[@]}")
	[ ${#calls[@]} -gt 10 ] || lab_fail "only these calls: ${calls[*]}"
	for call in $(sample "${calls[@]}"); do
		jobfence down "$JOB"
		job_up --domain allowed.test --domain git.test
		failed_at "$call" "${errors[turn++ % 2]}" "${update[@]}"
		[ "$STATUS" -ne 0 ] || is "$(domains)" 'git.test other.test'
		has_all_of_either || lab_fail "after call $call"
	done
}

# bats test_tags=vm
@test "a change of the rate beside many short connections loses no count of them" {
	local connecting rate=800

	job_up --domain allowed.test --rate 800mbit
	in_job_directly timeout 280 python3 "$LIB/short_connections.py" >"$BATS_TEST_TMPDIR/connecting" 3>&- &
	connecting=$!
	await "$BATS_TEST_TMPDIR/connecting" begun
	while kill -0 $connecting 2>/dev/null; do
		rate=$((1601 - rate))
		jobfence update "$JOB" --rate "${rate}mbit"
	done
	wait $connecting
	# shellcheck disable=SC2016 # expanded by the inner shell
	eventually in_lab bash -c '[ "$(bpftool -j map dump pinned "$(echo /sys/fs/bpf/jobfence/abi-*/maps/open_count)" |
		jq -c "[.[].formatted.value]")" = "[0]" ]'
	is "$(fetch $site)" 'this is allowed.test'
}
