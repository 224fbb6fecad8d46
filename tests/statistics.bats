#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# What the proxy counts, as `show` prints it.

load lib/job

# Prints a field of the statistics of this test's job. The argument is an expression of jq.
counted()
{
	jobfence show "$JOB" --json | jq -c ".statistics | $1"
}

@test "requests, tunnels, answers, refusals and failures are counted, each once" {
	lab_name silent.test 11.0.9.1
	job_up --domain allowed.test --domain silent.test --domain missing.test --rate 0
	fetch http://allowed.test/ http://allowed.test/status/404 >/dev/null
	fetch -f -o /dev/null https://allowed.test/
	is "$(fetch -o /dev/null -w '%{http_code}' http://allowed.test/status/503)" 503
	refused_for domain http://denied.test/
	is "$(fetch -o /dev/null -w '%{http_code}' http://silent.test/)" 502
	is "$(counted '[.requests, .tunnels]')" '[4,1]'
	is "$(counted .answers)" '{"1xx":0,"2xx":1,"3xx":0,"4xx":1,"5xx":1}'
	is "$(counted .failures)" '{"dns":0,"unreachable":1,"timeout":0,"answer":0,"certificate":0,"tls":0}'
	is "$(counted .refused)" '{"domain":1}'
	is "$(counted '[.request_duration, .first_byte] | map(.count)')" '[3,4]'
	is "$(counted '[.request_duration, .first_byte, .dns] | map(.count == ([.buckets[].count] | add)) | all')" true
	is "$(counted '.lookups >= .dns.count and .dns.count > 0')" true
	in_job_directly bash -c ': >/dev/tcp/11.0.0.2/25' 2>/dev/null || true
	jobfence show "$JOB" >"$BATS_TEST_TMPDIR/text"
	grep -q '^requests   4, tunnels 1, 2xx 1, 4xx 1, 5xx 1, unreachable 1$' "$BATS_TEST_TMPDIR/text"
	grep -q '^open       [01] connections*, [0-9]* at most$' "$BATS_TEST_TMPDIR/text"
	grep -q '^traffic .*; throttled 0.0s down, 0.0s up$' "$BATS_TEST_TMPDIR/text"
	is "$(sed '1,/^refused:/d' "$BATS_TEST_TMPDIR/text")" \
		$'  port          1  by the kernel: TCP to a port other than 80 and 443\n  domain        1  denied.test'
}

@test "what agrees with hits and refusals is never counted otherwise" {
	job_up --domain allowed.test --domain www.allowed.test --rate 0
	fetch -f http://allowed.test/ http://www.allowed.test/ http://allowed.test/ >/dev/null
	fetch -f -o /dev/null https://www.allowed.test/
	refused_for domain http://denied.test/
	refused_for domain http://other.test/
	in_job_directly getent ahostsv4 denied.test || true
	is "$(jobfence show "$JOB" --json | jq '[.hits[]] | add')" "$(counted '.requests + .tunnels')"
	is "$(jobfence show "$JOB" --json | jq '[.refusals[].count] | add')" "$(counted '[.refused[]] | add')"
}

# Prints the bytes of all lines of the job's request log.
logged_bytes()
{
	in_lab cat "/run/jobfence/jobs/$JOB/requests.log" | jq -s -c '{received: map(.received) | add, sent: map(.sent) | add}'
}

# Whether the log says what the statistics say. A line may be written a little later.
log_agrees()
{
	[ "$(logged_bytes)" = "$(counted .bytes)" ]
}

@test "bytes are counted in both directions, whoever paces" {
	local pacing

	for pacing in proxy auto; do
		JOB=$pacing job_up --domain allowed.test --rate 80mbit --pacing "$pacing"
		JOB=$pacing fetch -f -o "$BATS_TEST_TMPDIR/body" http://allowed.test/bytes/300000
		head -c 200000 /dev/zero | JOB=$pacing fetch -f -o /dev/null --data-binary @- -H Expect: http://allowed.test/upload
		is "$(JOB=$pacing counted '.bytes | [.received >= 300000 and .received < 302000, .sent >= 200000 and .sent < 202000]')" '[true,true]'
		JOB=$pacing eventually log_agrees
	done
}

@test "the time in which the throttle held bytes back is counted, and is no longer than it took" {
	local before took

	job_up --domain allowed.test --rate 1mbit
	before=${EPOCHREALTIME/./}
	fetch -f -o /dev/null http://allowed.test/bytes/62500 # half a second
	took=$(((${EPOCHREALTIME/./} - before) / 1000))
	is "$(counted ".throttled_milliseconds.download | [. > 300, . <= $took]")" '[true,true]'
}

@test "a worker that is started again goes on counting, and has no connection open" {
	job_up --domain allowed.test --rate 0
	begin_to_fetch http://allowed.test/half/1000
	is "$(counted '[.requests, .open.now]')" '[1,1]'
	in_lab kill -KILL "$(proxy_worker)"
	eventually in_job_directly curl -sf -o /dev/null http://allowed.test/
	is "$(counted '[.requests, .open.most]')" '[2,1]'
	eventually none_is_open
}

@test "a job without a proxy has no statistics" {
	jobfence up --job "$JOB" --network none
	is "$(counted .)" null
}

@test "bytes are counted for the domain that allowed them" {
	job_up --domain allowed.test --domain other.test --rate 0
	# One connection serves both, and a refused request between them.
	fetch_by_proxy -o /dev/null http://allowed.test/bytes/30000 -o /dev/null http://denied.test/ \
		-o /dev/null http://other.test/bytes/1000
	head -c 20000 /dev/zero | fetch -f -o /dev/null --data-binary @- -H Expect: http://other.test/upload
	fetch -f -o /dev/null https://allowed.test/bytes/50000
	is "$(jobfence show "$JOB" --json | jq -c '.domain_bytes | [.["allowed.test"], .["other.test"]] | map([.received / 10000, .sent / 10000] | map(floor))')" \
		'[[8,0],[0,2]]'
	is "$(jobfence show "$JOB" --json | jq '.statistics.bytes as $all | .domain_bytes |
		[.[].received] | add | . < $all.received and . > $all.received - 1000')" true
}

@test "numbers that a proxy made up are cut" {
	local map=/sys/fs/bpf/jobfence/jobs/$JOB/maps/refused key bytes

	job_up --domain allowed.test
	refused_for domain http://denied.test/
	read -ra key <<<"$(in_lab bpftool -j map dump pinned "$map" | jq -r '.[0].key | join(" ")')"
	printf -v bytes 'ff %.0s' {1..16}
	# shellcheck disable=SC2086
	in_lab bpftool map update pinned "$map" key "${key[@]}" value hex $bytes
	is "$(jobfence show "$JOB" --json | jq '.refusals[0].count')" 9007199254740992
}
