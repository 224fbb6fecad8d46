#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The answers that the fence makes, for people and for programs.

load lib/job

json=(-H 'Accept: application/json')

policy()
{
	POLICY=$BATS_TEST_TMPDIR/policy
	printf "%s\n" "$@" >"$POLICY"
}

up()
{
	job_up --rate 0 --domain allowed.test --domain unreachable.test --domain guarded.test --guard-domain guarded.test "$@"
}

# Prints the head that a request gets, and puts its body into $BATS_TEST_TMPDIR/body.
ask()
{
	fetch -D - -o "$BATS_TEST_TMPDIR/body" "$@"
}

# Fails unless the last body is JSON that keeps to the schema, and the filter $1 makes $2
# of it.
says()
{
	is "$(jq -c "$1" "$BATS_TEST_TMPDIR/body")" "$2" || return
	is "$(python3 "$LIB/matches_schema.py" "$BATS_TEST_DIRNAME/../share/jobfence/refusal.schema.json" \
		"$(<"$BATS_TEST_TMPDIR/body")")" True
}

# Fails unless a request with these arguments is answered by status $1, word $2 and error
# $3.
answered()
{
	local status=$1 word=$2 error=$3 head

	shift 3
	head=$(ask "${json[@]}" "$@") || return
	like "$head" "HTTP/1.1 $status *"$'\r\n'"X-Jobfence-Denied: $word"$'\r\n'*"Proxy-Status: jobfence; error=$error; details=\"$word\""$'\r\n*' &&
		says '[.by, .reason, .job]' "[\"fence\",\"$word\",\"$JOB\"]"
}

@test "a client that accepts JSON gets a refusal as JSON, another one as text" {
	up
	like "$(ask --connect-to ::11.0.0.2: "${json[@]}" http://denied.test/)" '*'$'\r\nContent-Type: application/json; charset=utf-8\r\n*'
	says . "{\"error\":\"jobfence: network: job $JOB may not reach denied.test\",\"job\":\"$JOB\",\"host\":\"denied.test\",\"port\":80,\
\"by\":\"fence\",\"reason\":\"domain\",\"missing\":{\"option\":\"--domain\",\"value\":\"denied.test\"},\
\"next_steps\":[\"The job did not declare this domain. To allow it, declare it: --domain denied.test\"],\"operator_text\":null}"
	like "$(ask --connect-to ::11.0.0.2: http://denied.test/)" '*'$'\r\nContent-Type: text/plain; charset=utf-8\r\n*'
	is "$(<"$BATS_TEST_TMPDIR/body")" "jobfence: network: job $JOB may not reach denied.test
The job did not declare this domain. To allow it, declare it:
    --domain denied.test"
	# The next request of the connection decides for itself.
	is "$(fetch --connect-to ::11.0.0.2: -w '%{content_type} ' -o /dev/null "${json[@]}" http://denied.test/ \
		--next --connect-to ::11.0.0.2: -sS -w '%{content_type} %{num_connects}' -o /dev/null http://denied.test/)" \
		'application/json; charset=utf-8 text/plain; charset=utf-8 0'
	like "$(fetch -I --connect-to ::11.0.0.2: "${json[@]}" http://denied.test/)" '*'$'\r\nContent-Type: application/json*'
}

@test "every answer of the fence says that it is one, and why" {
	local -a many

	mapfile -t many < <(printf -- '-H\nA: b\n%.0s' {1..130})
	lab_name unreachable.test 11.0.9.1
	up --domain 10.1.2.3
	answered 403 domain http_request_denied --connect-to ::11.0.0.2: http://denied.test/
	answered 403 address destination_ip_prohibited http://10.1.2.3/
	says .missing '{"option":"--allow-address","value":"10.1.2.3"}'
	answered 502 unreachable destination_ip_unroutable http://unreachable.test/
	says '[.host, .port, .missing]' '["unreachable.test",80,null]'
	answered 502 answer connection_terminated http://allowed.test/close
	answered 400 protocol http_request_error -H 'Host: allowed test' http://allowed.test/
	says '[.host, .port]' '[null,null]'
	answered 431 limit http_request_error "${many[@]}" http://allowed.test/
	like "$(converse 192.0.0.8 80 'CONNECT guarded.test:443 HTTP/1.1\r\nAccept: application/json\r\n\r\n')" \
		$'HTTP/1.1 403 *Denied: guard\r\n*\r\n\r\n{"error":"jobfence: *"host":"guarded.test","port":443,*"reason":"guard","missing":null,*'
}

@test "a site does not pass for the fence" {
	local head

	up
	head=$(ask "${json[@]}" http://allowed.test/posing)
	is "$(grep -ci 'denied\|proxy-status' <<<"$head")" 1
	like "$head" $'HTTP/1.1 403 *\r\nProxy-Status: cdn.example; error=dns_error\r\n*'
}

@test "no byte of a job's request gets through to a terminal, or breaks the JSON" {
	local host

	up
	for host in $'a\x1b]0;x\x07.test' $'a\xc2\x9b31m.test' 'a"b.test' 'a\b.test' $'a\xe2\x80\xae.test' $'a\xff.test'; do
		for accept in text/plain application/json; do
			like "$(converse 11.0.0.2 80 "GET / HTTP/1.1\r\nHost: ${host//\\/\\\\}\r\nAccept: $accept\r\nConnection: close\r\n\r\n" |
				LC_ALL=C tr -d '\r\n' | LC_ALL=C tr -c ' -~' '?')" 'HTTP/1.1 400 *X-Jobfence-Denied: protocol*' || return
			[[ $(converse 11.0.0.2 80 "GET / HTTP/1.1\r\nHost: ${host//\\/\\\\}\r\nAccept: $accept\r\nConnection: close\r\n\r\n" |
				LC_ALL=C tr -d ' -~\r\n' | wc -c) -eq 0 ]] || lab_fail "bytes of $host came back" || return
		done
	done
}

@test "a hostile Accept costs nothing, and the answer is one of the two" {
	local value

	up
	for value in "$(printf 'a/b;q=0.1,%.0s' {1..2500})application/json" "$(printf '%030000d' 0 | tr 0 '"')" \
		"$(printf '%030000d' 0 | tr 0 ',')" 'application/json;q=99999999999999999999'; do
		like "$(ask --connect-to ::11.0.0.2: -H "Accept: $value" http://denied.test/)" $'HTTP/1.1 403 *X-Jobfence-Denied: domain\r\n*'
	done
	jq -e . "$BATS_TEST_TMPDIR/body" >/dev/null 2>&1 && lab_fail 'a malformed weight counted'
	is "$(fetch http://allowed.test)" 'this is allowed.test'
}

@test "the operator's own words end each refusal, in both forms, also after a repair" {
	policy 'accept = http' 'allow_domain = *' 'max_rate = 0' 'refusal_text = Ask at "https://jobs.example/".' 'refusal_text = Or déclare it.'
	up --config "$POLICY"
	ask --connect-to ::11.0.0.2: http://denied.test/
	is "$(tail -n 2 "$BATS_TEST_TMPDIR/body")" $'Ask at "https://jobs.example/".\nOr déclare it.'
	jobfence repair "$JOB"
	ask --connect-to ::11.0.0.2: "${json[@]}" http://denied.test/
	says .operator_text '"Ask at \"https://jobs.example/\".\nOr déclare it."'
	# The fence refused nothing.
	ask "${json[@]}" http://allowed.test/close
	says .operator_text null
}

@test "words that a terminal would obey, and too many, are no refusal_text" {
	local value

	for value in $'\x1b[31m' $'a\xc2\x9bb' $'a\xffb' $'\xe2\x80\xae'; do
		policy "refusal_text = $value"
		ends_with 3 in_lab "$JOBFENCE" --config "$POLICY" policy check
		like "$ERRORS" "*refusal_text: it has characters that can't be shown*"
	done
	policy "refusal_text = $(printf '%0170d' 0)"{,,,}
	ends_with 3 in_lab "$JOBFENCE" --config "$POLICY" policy check
	like "$ERRORS" '*refusal_text: its lines have more than 510 bytes*'
}
