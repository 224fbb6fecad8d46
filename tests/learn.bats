#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# A job that learns may use every name, and what it used can be declared next time.

load lib/job

POLICY=${BATS_TEST_TMPDIR:-}/policy

# Runs a command in a job that learns; options of `run` come before "--".
learn()
{
	jobfence run --job "$JOB" --learn "$@"
}


# The domains in the output of the last command, as they come.
learned()
{
	sed 's/ *#.*//; /^$/d' <<<"$OUTPUT" | paste -sd ' '
}

# What the job of this test learned so far, as name=count.
shown()
{
	jobfence show "$JOB" --json | jq -r '.learned | map("\(.name)=\(.count)") | join(" ")'
}

@test "every name is allowed, and those used are printed, most used first" {
	ends_with 0 learn -- curl -sS -f -o /dev/null http://other.test/ -o /dev/null http://allowed.test/ \
		-o /dev/null http://allowed.test/ -o /dev/null https://www.allowed.test/
	is "$OUTPUT" "# Domains that job $JOB used, with the number of requests.
allowed.test                            # 2
other.test                              # 1
www.allowed.test                        # 1"
	is "$ERRORS" ''
	nothing_is_left
}

@test "a second run with what the first learned passes, and with less does not" {
	local command=(bash -c 'curl -sSf http://other.test/ && curl -sSf https://allowed.test/ &&
		curl -sSf http://11.0.0.2/ && curl -sSfg "http://[2600:1::2]/"')

	ends_with 0 learn --learn-output "$BATS_TEST_TMPDIR/domains" -- "${command[@]}"
	like "$OUTPUT" 'this is other.test*this is \[2600:1::2]'
	ends_with 0 jobfence run --domain-file "$BATS_TEST_TMPDIR/domains" -- "${command[@]}"
	ends_with 0 jobfence run --no-proxy-env --domain-file "$BATS_TEST_TMPDIR/domains" -- "${command[@]}"
	sed -i /11.0.0.2/d "$BATS_TEST_TMPDIR/domains"
	ends_with 22 jobfence run --domain-file "$BATS_TEST_TMPDIR/domains" -- "${command[@]}"
}

@test "names that come by TLS, by CONNECT and by the proxy's address are learned" {
	job_up --learn
	is "$(fetch https://allowed.test/)" 'this is allowed.test'
	is "$(fetch_by_proxy https://other.test/)" 'this is other.test'
	is "$(fetch_by_proxy http://GIT.test./)" 'this is git.test'
	is "$(fetch http://denied.test/)" 'this is denied.test'
	is "$(received x-jobfence-job-id)" "$JOB"
	is "$(shown)" 'allowed.test=1 denied.test=1 git.test=1 other.test=1'
	like "$(jobfence show "$JOB")" '*learned:*denied.test *1 request*'
}

@test "down prints what a job learned, and only one that did" {
	jobfence up --job a --learn --label kind=c
	jobfence up --job b --domain allowed.test --label kind=c
	jobfence exec a -- curl -sS -o /dev/null http://denied.test/
	ends_with 0 jobfence down b
	is "$OUTPUT" ''
	jobfence up --job b --domain allowed.test --label kind=c
	ends_with 0 jobfence down --label kind=c
	is "$(learned)" denied.test
	jobfence up --job a --learn
	jobfence up --job b --learn
	jobfence exec a -- curl -sS -o /dev/null http://a.wild.test/ -o /dev/null http://b.wild.test/
	ends_with 0 jobfence down --learn-collapse 2 --learn-output "$BATS_TEST_TMPDIR/domains" a b
	is "$OUTPUT" ''
	is "$(<"$BATS_TEST_TMPDIR/domains")" '# Domains that job a used, with the number of requests.
*.wild.test                             # 2, to 2 names
# Domains that job b used, with the number of requests.'
}

@test "names below one parent become a wildcard, where asked" {
	local command=(curl -sS -f -o /dev/null 'http://{a,b,c}.wild.test/' -o /dev/null http://allowed.test/
		-o /dev/null http://www.allowed.test/ -o /dev/null 'http://{x,y}.github.io.test/')

	ends_with 0 learn --learn-collapse 3 -- "${command[@]}"
	is "$(learned)" '*.wild.test allowed.test www.allowed.test x.github.io.test y.github.io.test'
	ends_with 0 learn --learn-collapse 2 --learn-output "$BATS_TEST_TMPDIR/domains" -- "${command[@]}"
	ends_with 0 jobfence run --domain-file "$BATS_TEST_TMPDIR/domains" -- "${command[@]}"
	ends_with 125 learn --learn-collapse 1 -- true
	ends_with 125 learn --learn-collapse x -- true
}

@test "the DNS stub answers every name and still forwards none" {
	job_up --learn
	is "$(in_job dig +short +tries=1 a.denied.test)" 192.0.0.8
	is "$(in_job dig +short +tries=1 +tcp whatever.example.org AAAA)" 100:0:0:1::8
	like "$(in_job dig +tries=1 secret.example.org TXT)" '*status: NOERROR*ANSWER: 0*'
	lab_saw_nothing
	is "$(shown)" ''
}

@test "a job that learns has the other limits of its fence" {
	lab_name private.test 10.1.2.3
	lab_name metadata.test 169.254.169.254
	job_up --learn --guard-domain allowed.test
	is "$(up_says '[.learn, .network, .domains, .rate.bits_per_second] | tojson')" '[true,"http",[],1000000]'
	refused_for address http://private.test/
	refused_for address http://metadata.test/
	refused_for address http://127.0.0.1/ --proxy http://192.0.0.8:80
	refused_for guard https://allowed.test/ --proxy http://192.0.0.8:80 || true
	ends_with 1 in_job bash -c ': >/dev/tcp/11.0.0.2/22'
	ends_with 1 in_job bash -c 'echo >/dev/udp/11.0.0.2/444'
	lab_settle
	is "$(lab_seen '.event == "connection" or .event == "packet"')" ''
	is "$(jobfence show "$JOB" --json | jq -c '[.refusals[] | select(.reason == "guard") | .name]')" '["allowed.test"]'
}

@test "one name more than may be declared is refused, and those noted stay" {
	job_up --learn --rate 0
	in_job bash -c 'seq -f "n%g.test" 1024 | xargs printf "url = http://%s/\noutput = /dev/null\n" |
		curl -sS -f --fail-early --max-time 100 -K -'
	refused_for limit http://one-more.test/
	like "$(<"$BATS_TEST_TMPDIR/body")" '*1024 other names*'
	fetch -f -o /dev/null http://n7.test/
	is "$(jobfence show "$JOB" --json | jq -c '[(.learned | length), .learned[0]]')" '[1024,{"name":"n7.test","count":2}]'
}

# Has the configuration of the node trust the lab's sites.
trust_sites()
{
	printf '%s\n' 'accept = http' 'max_rate = 0' 'learn = yes' 'allow_intercept = .test' \
		'allow_public_suffix_wildcards = yes' "upstream_ca = $LAB/authority.pem" >"$POLICY"
}

# The rules of the last command, one a line.
learned_rules()
{
	sed -n 's/ *#.*//; / /p' <<<"$OUTPUT"
}

@test "requests inside opened TLS become rules, and the same run passes with those alone" {
	# shellcheck disable=SC2016 # expanded by the job's shell
	local rules=() command=(bash -c 'for path in x y z %7Eeve/../w; do
			curl -sSf --path-as-is -o /dev/null "https://allowed.test/repos/acme/$path?page=2"; done &&
		curl -sSf -o /dev/null https://other.test/ -o /dev/null http://allowed.test/plain &&
		curl -sSfI -o /dev/null https://allowed.test/plain && curl -sSf -o /dev/null -d x https://allowed.test/upload')

	trust_sites
	ends_with 0 learn --config "$POLICY" --intercept allowed.test -- "${command[@]}"
	is "$(learned_rules)" 'GET allowed.test/repos/acme/**
GET,HEAD allowed.test/plain
POST allowed.test/upload'
	is "$(learned)" "allowed.test other.test $(learned_rules | paste -sd ' ')"
	mapfile -t rules < <(learned_rules | sed 's/^/--rule=/')
	ends_with 0 jobfence run --config "$POLICY" --domain allowed.test --domain other.test \
		--intercept allowed.test "${rules[@]}" -- "${command[@]}"
	unset 'rules[1]'
	ends_with 22 jobfence run --config "$POLICY" --domain allowed.test --domain other.test \
		--intercept allowed.test "${rules[@]}" -- "${command[@]}"
	like "$ERRORS" '*jobfence: refused: rule allowed.test (once)'
	ends_with 0 learn --config "$POLICY" --intercept allowed.test --learn-collapse 5 \
		--learn-output "$BATS_TEST_TMPDIR/domains" -- "${command[@]}"
	is "$(grep -c /repos/ "$BATS_TEST_TMPDIR/domains")" 4
	ends_with 0 jobfence run --config "$POLICY" --domain-file "$BATS_TEST_TMPDIR/domains" \
		--intercept allowed.test -- "${command[@]}"
}

@test "a path that no rule can name is learned as its folder, or not at all" {
	trust_sites
	job_up --config "$POLICY" --learn --intercept .test
	in_job curl -sSfg -o /dev/null "http://allowed.test/a/it's" -o /dev/null "http://allowed.test/b/x*y" \
		-o /dev/null "http://allowed.test/c%3Fd" -o /dev/null "http://allowed.test/e%2Ff" \
		-o /dev/null "http://allowed.test/g/$(printf %0600d 0)/h"
	is "$(jobfence show "$JOB" --json | jq -r '.learned_rules[].rule')" 'GET allowed.test/a/**
GET allowed.test/b/**
GET allowed.test/g/**'
	like "$(jobfence show "$JOB")" '*learned rules:*GET allowed.test/a/\*\* *1 request*'
}

@test "requests beyond the room for rules are learned as all paths of their host" {
	trust_sites
	job_up --config "$POLICY" --rate 0 --learn --intercept .test
	in_job bash -c 'seq -f "n%g.test/a" 500 | xargs printf "url = http://%s\noutput = /dev/null\n" |
		curl -sS -f --fail-early --max-time 100 -K -'
	in_job bash -c 'seq -f "allowed.test/%g" 50 | xargs printf "url = http://%s\noutput = /dev/null\n" |
		curl -sS -f --fail-early --max-time 100 -K -'
	is "$(jobfence show "$JOB" --json | jq -c '.learned_rules | [length, .[0]]')" \
		'[64,{"rule":"GET allowed.test/**","count":50}]'
	refused_for limit http://other.test/
	like "$(<"$BATS_TEST_TMPDIR/body")" '*no room for a rule*'
}

@test "a job that learns may declare domains, and be updated" {
	job_up --learn --domain allowed.test
	fetch -o /dev/null http://allowed.test/
	fetch -o /dev/null http://denied.test/
	jobfence update "$JOB" --remove-domain allowed.test --add-domain other.test
	fetch -f -o /dev/null http://allowed.test/
	is "$(shown)" 'allowed.test=2 denied.test=1'
}

@test "a job goes on learning when its proxy is started anew" {
	job_up --learn
	fetch -o /dev/null http://allowed.test/
	in_lab kill -KILL -- "$(up_says .proxy.pid)"
	in_lab tail --pid="$(up_says .proxy.pid)" -s 0.02 -f /dev/null
	jobfence repair "$JOB"
	fetch -f -o /dev/null http://allowed.test/
	is "$(shown)" allowed.test=2
}

@test "a spec may say that a job learns" {
	jobfence up --spec - --json <<<'{"job":"'"$JOB"'","learn":true,"guard_domains":["allowed.test"]}' >"$UP"
	is "$(up_says '[.learn, .guard_domains] | tojson')" '[true,["allowed.test"]]'
	ends_with 2 jobfence up --spec - <<<'{"job":"a","learn":"yes"}'
	ends_with 2 jobfence up --spec - <<<'{"job":"a","learn":true,"network":{"type":"none"}}'
	ends_with 2 jobfence up --job a --learn --network full --rate 0
}

@test "a file that can't be written is told before the job begins" {
	ends_with 125 learn --learn-output /no/such/file -- touch "$BATS_TEST_TMPDIR/began"
	like "$ERRORS" 'jobfence: *no/such/file*'
	[ ! -e "$BATS_TEST_TMPDIR/began" ]
	jobfence up --job a --learn
	ends_with 1 jobfence down --learn-output /no/such/file a
	is "$(jobfence list --json | jq -r '.[].job')" a
}

@test "a job that does not learn prints nothing and has no map for it" {
	job_up --domain allowed.test
	fetch -o /dev/null http://allowed.test/
	is "$(jobfence show "$JOB" --json | jq .learned)" null
	in_lab test ! -e "/sys/fs/bpf/jobfence/jobs/$JOB/maps/learned"
	ends_with 0 jobfence down "$JOB"
	is "$OUTPUT" ''
}

@test "a domain that is denied stays so while the job learns, below a wildcard, and through an update" {
	job_up --learn --deny-domain denied.test --deny-domain .wild.test --domain a.wild.test --deny-domain 11.0.0.5
	refused_for denied http://denied.test/
	refused_for denied http://wild.test/
	refused_for denied http://b.wild.test/
	refused_for denied http://11.0.0.5/
	like "$(in_job_directly "$LIB/tls.py" --name denied.test 11.0.0.2)" 'alert 49'
	like "$(in_job dig +tries=1 denied.test)" '*status: NXDOMAIN*is denied to job*'
	jobfence update "$JOB" --add-domain denied.test --add-domain other.test
	refused_for denied http://denied.test/
	is "$(fetch http://a.wild.test/)" 'this is a.wild.test'
	is "$(fetch http://allowed.test/)" 'this is allowed.test'
	is "$(shown)" 'a.wild.test=1 allowed.test=1'
	jobfence down "$JOB" >"$BATS_TEST_TMPDIR/down"
	job_up --domain .wild.test --deny-domain b.wild.test
	is "$(fetch http://a.wild.test/)" 'this is a.wild.test'
	refused_for denied http://b.wild.test/
	ends_with 22 in_job curl -sSf http://denied.test/
	jobfence down "$JOB"
	ends_with 22 jobfence run --domain .wild.test --deny-domain b.wild.test curl -sSf http://b.wild.test/
	is "$(tail -n 1 <<<"$ERRORS")" 'jobfence: refused: denied b.wild.test (once)'
}
