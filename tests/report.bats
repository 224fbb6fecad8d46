#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# What programs read about jobs: errors as JSON, and the last word of a job that ended.

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
	fails_in_json 4 "$about" '[4,null,null,null]' jobfence show nobody --json
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
