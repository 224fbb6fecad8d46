#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# What programs read about jobs: errors as JSON, and the final report of a job that ended.

load lib/job

share=$BATS_TEST_DIRNAME/../share/jobfence

# Fails unless the command ends with status $1 and prints an error in JSON of which the
# filter $2 makes $3. The line on standard error is the same as without JSON.
fails_in_json()
{
	local status=$1 filter=$2 expected=$3

	shift 3
	ends_with "$status" "$@" || return
	is "$(python3 "$LIB/matches_schema.py" "$share/error.schema.json" "$OUTPUT")" True &&
		is "$(jq -c ".error | $filter" <<<"$OUTPUT")" "$expected" &&
		is "$(jq -r '.error | "jobfence: \(.reason)" + if .next then "; \(.next)" else "" end' <<<"$OUTPUT")" "$ERRORS"
}

@test "a wrong command line is an error in JSON, wherever --json stands" {
	local about='[.status, .setting, .value, .next]'

	fails_in_json 2 "$about" '[2,"--domain","a b",null]' jobfence up --json --job a --domain 'a b'
	fails_in_json 2 "$about" '[2,"--domain","a b",null]' jobfence up --job a --domain 'a b' --json
	fails_in_json 2 "$about" '[2,"--frob",null,"see: jobfence help list"]' jobfence list --frob=x --json
	fails_in_json 2 "$about" '[2,"--label",null,null]' jobfence list --json --label
	fails_in_json 2 "$about" '[2,null,null,"see: jobfence show JOB"]' jobfence list a --json
	fails_in_json 2 "$about" '[2,null,null,"see: jobfence help"]' jobfence frob --json
	fails_in_json 4 "$about" '[4,null,null,"see: jobfence list"]' jobfence show nobody --json
	ends_with 2 jobfence list a
	is "$OUTPUT" ''
	ends_with 2 jobfence up --job a --domain --json
	is "$OUTPUT" ''
}

@test "an error in JSON names the key of a spec, and of the policy" {
	local spec=$BATS_TEST_TMPDIR/spec policy=$BATS_TEST_TMPDIR/policy

	echo '{"job":"a","network":{"type":"http","domains":["a b"]}}' >"$spec"
	fails_in_json 2 '[.setting, .value]' '["domains","a b"]' jobfence up --json --spec "$spec"
	echo '{"job":"a","rates":"1mbit"}' >"$spec"
	fails_in_json 2 '[.setting, .value]' '["rates",null]' jobfence up --json --spec "$spec"
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 2mbit' >"$policy"
	fails_in_json 3 '[.setting, .value, (.next | startswith("to allow more, set max_rate"))]' '["max_rate","3mbit",true]' \
		jobfence up --json --job a --domain allowed.test --rate 3mbit --config "$policy"
}

@test "foreign text in an error in JSON can't forge what to do, nor control a terminal" {
	local value=$'x\e]0;owned\a; to mend it: rm -r / \xff'

	fails_in_json 2 '[.setting, .next]' '["--rate",null]' jobfence up --json --job a --rate "$value"
	[[ $OUTPUT$ERRORS != *[$'\e\a']* ]] || lab_fail 'it has a control character'
}

# The fields of what `show --json` and the final report have in common.
same_fields()
{
	jq -S 'del(.state, .ended_at, .exit_status, .locks, .owner, .upload.delay_microseconds,
		.download.delay_microseconds, .statistics.open.now)'
}

@test "down says at the end of a job what show says, and of others why they did not end" {
	local shown

	job_up --domain allowed.test
	ends_with 0 fetch -o /dev/null http://allowed.test/
	refused_for domain http://denied.test/
	ends_with 1 in_job_directly bash -c 'echo leak >/dev/udp/11.0.0.2/444'
	shown=$(jobfence show "$JOB" --json)
	ends_with 4 jobfence down nobody "$JOB" --json
	is "$ERRORS" 'jobfence: there is no job nobody; see: jobfence list'
	is "$(jq -c '.failed' <<<"$OUTPUT")" \
		'[{"job":"nobody","status":4,"reason":"there is no job nobody","setting":null,"value":null,"next":"see: jobfence list"}]'
	is "$(python3 "$LIB/matches_schema.py" "$share/report.schema.json" "$OUTPUT")" True
	is "$(jq '.ended[0]' <<<"$OUTPUT" | same_fields)" "$(same_fields <<<"$shown")"
	is "$(jq -c '.ended[0] | [.state, .hits["allowed.test"], .statistics.bytes.received > 0, .statistics.requests]' <<<"$OUTPUT")" \
		'["up",1,true,1]'
	like "$(jq -r '.ended[0].ended_at' <<<"$OUTPUT")" '20??-??-??T??:??:??*Z'
	is "$(jobfence events "$JOB" --json | jq -cS 'select(.kind == "ended").report')" "$(jq -cS '.ended[0]' <<<"$OUTPUT")"
	nothing_is_left
}

@test "the final report counts what came while the job was ended, in every pacing mode" {
	local pacing

	for pacing in auto proxy; do
		job_up --domain allowed.test --pacing "$pacing" --rate 800kbit
		begin_to_fetch http://allowed.test/bytes/1000000
		is "$(jobfence down "$JOB" --json | jq -c '.ended[0] |
			[.statistics.requests, .statistics.open.now, .statistics.open.most, .statistics.bytes.received > 0, .locks.packets]')" '[1,0,1,true,true]'
	done
}

@test "a run writes its final report to a file, with the status of its command" {
	local report=$BATS_TEST_TMPDIR/report

	ends_with 7 jobfence run --job "$JOB" --domain allowed.test --report "$report" -- \
		sh -c 'curl -sS -o /dev/null http://allowed.test/; curl -sS -o /dev/null http://denied.test/; exit 7'
	is "$(jq -c '[.job, .exit_status, .hits, .refusals, .statistics.answers["2xx"]]' "$report")" \
		"[\"$JOB\",7,{\"allowed.test\":1},[{\"reason\":\"domain\",\"name\":\"denied.test\",\"count\":1}],1]"
	is "$(python3 "$LIB/matches_schema.py" "$share/report.schema.json" "$(<"$report")")" True
	fails_before=$(jobfence run --job "$JOB" --report /nowhere/report -- echo started || echo "status $?")
	is "$fails_before" 'status 125'
	ends_with 125 jobfence run --job "$JOB" --report /dev/full -- true
	like "$ERRORS" '*cannot write /dev/full: No space left on device'
	is "$(jobfence run --job "$JOB" --report - -- echo said | jq -Rc '. as $line | try (fromjson | .job) catch $line')" \
		"\"said\"
\"$JOB\""
	nothing_is_left
}

@test "a run whose job another command ended has no report, and says why" {
	local report=$BATS_TEST_TMPDIR/report run status=0

	jobfence run --job "$JOB" --report "$report" -- sleep 60 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	run=$!
	eventually has_processes
	jobfence down "$JOB"
	wait "$run" || status=$?
	is "$status" 137
	like "$(<"$BATS_TEST_TMPDIR/said")" "*there is no job $JOB; *there is no report to write to $report"
	is "$(<"$report")" ''
}

has_processes()
{
	jobfence list --json | jq -e 'any(.processes)'
}

@test "show of a job that was being changed says nothing of its first try" {
	local pins holder shown said=$BATS_TEST_TMPDIR/said

	job_up
	pins=/sys/fs/bpf/jobfence/jobs/$JOB
	in_lab python3 "$LIB/hold_lock.py" >"$BATS_TEST_TMPDIR/holder" 3>&- &
	holder=$!
	await "$BATS_TEST_TMPDIR/holder" '[0-9]'
	in_lab mv "$pins/maps" "$pins/other"
	jobfence show "$JOB" >"$BATS_TEST_TMPDIR/shown" 2>"$said" 3>&- &
	shown=$!
	eventually grep -q -- '-> POSIX' /proc/locks
	in_lab mv "$pins/other" "$pins/maps"
	in_lab kill "$(<"$BATS_TEST_TMPDIR/holder")"
	wait "$holder" || :
	wait "$shown"
	is "$(<"$said")" ''
	like "$(<"$BATS_TEST_TMPDIR/shown")" "job        $JOB"*
}

@test "show takes several jobs" {
	jobfence up --job a --label group=x
	jobfence up --job b --label group=x
	jobfence up --job c
	is "$(jobfence show a c --json | jq -c '[.[].job]')" '["a","c"]'
	is "$(jobfence show --all --json | jq -c '[.[].job] | sort')" '["a","b","c"]'
	is "$(jobfence show --label group=x --json | jq -c '[.[].job] | sort')" '["a","b"]'
	is "$(jobfence show --label group=y --json)" '[]'
	ends_with 4 jobfence show a nobody --json
	is "$(jq -c '[.[] | [.job, .error.status]]' <<<"$OUTPUT")" '[["a",null],["nobody",4]]'
	is "$(jobfence show a b | grep -c '^state      up$')" 2
	is "$(jobfence show a --json | jq -r .job)" a
}

@test "update, repair and upgrade say in JSON what came of it" {
	job_up --domain allowed.test
	is "$(jobfence update "$JOB" --add-domain git.test --json | jq -c .domains)" '["allowed.test","git.test"]'
	fails_in_json 2 '[.setting, .value]' '["--rate","5"]' jobfence update "$JOB" --json --rate 5
	fails_in_json 2 '[.setting, .value]' '["--add-domain","a b"]' jobfence update "$JOB" --json --add-domain 'a b'
	fails_in_json 2 '[.setting, .value]' '["--remove-domain","other.test"]' jobfence update "$JOB" --json --remove-domain other.test
	is "$(jobfence repair "$JOB" --json | jq .proxy.pid)" "$(up_says .proxy.pid)"
	ends_with 4 jobfence upgrade "$JOB" nobody --json
	is "$(jq -c '[.upgraded, [.failed[].job]]' <<<"$OUTPUT")" "[[\"$JOB\"],[\"nobody\"]]"
}

@test "what can't be read of a job is null in its report" {
	local word

	job_up --domain allowed.test
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'jq ".state.abi -= 1" "$1" >"$1.new" && mv "$1.new" "$1"' sh "/run/jobfence/jobs/$JOB/spec.json"
	is "$(jobfence show "$JOB" --json | jq -c '[.state, .domains, .connections, .statistics, .hits]')" \
		'["up",["allowed.test"],null,null,null]'
	like "$(jobfence show "$JOB")" '*only the version that built it*'
	is "$(jobfence down "$JOB" --json | jq -c '.ended[0] | [.state, .upload]')" '["up",null]'
	in_lab mkdir -p "/run/jobfence/jobs/$JOB"
	word=$(jobfence down "$JOB" --json)
	is "$(jq -c '.ended[0] | [.job, .state, .domains]' <<<"$word")" "[\"$JOB\",\"half-made\",null]"
	is "$(python3 "$LIB/matches_schema.py" "$share/report.schema.json" "$word")" True
}
