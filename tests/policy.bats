#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The node decides which jobs it takes.

load lib/job
load lib/policy

# Fails unless the policy of these lines, of which the one with number $1 is wrong, is an
# error like $2, and takes nothing: not even a job without a network, since what the
# operator meant is not known.
mistaken()
{
	policy "${@:3}"
	refused_by_check "$POLICY:$1: $2"
}

@test "a node without a policy takes no networked job, and says what to set and where" {
	in_lab mv /etc/jobfence/jobfence.conf /etc/jobfence/moved
	ends_with 3 jobfence policy check --domain allowed.test
	is "$ERRORS" 'jobfence: this node takes no job with network http; to take them, set accept = http in /etc/jobfence/jobfence.conf'
	ends_with 3 jobfence up --job "$JOB" --domain allowed.test
	nothing_is_left
	ends_with 0 jobfence policy check
	job_up
	# The operator's own hand needs no policy.
	is "$(jobfence run --rate 10mbit --domain allowed.test -- curl -sS http://allowed.test/)" 'this is allowed.test'
	in_lab mv /etc/jobfence/moved /etc/jobfence/jobfence.conf
	ends_with 0 jobfence policy check --domain allowed.test
}

@test "accept says which networks jobs may have" {
	policy 'accept = http' 'allow_domain = *'
	taken
	taken --network none
	taken --network http
	taken --network HTTP --domain allowed.test
	refused '*accept = full in *' --network full --rate 0
	policy 'accept = none' 'allow_domain = *'
	taken
	refused '*accept = http in *' --domain allowed.test
	policy 'accept = full' 'rate = 2mbit' 'max_rate = 5mbit'
	taken --network full
	taken --network full --rate 0
	taken --spec - <<<'{"network": {"type": "full"}}'
	ends_with 2 jobfence policy check --network full --rate 1mbit
	like "$ERRORS" '*a full network is not throttled; leave out --rate*'
	refused '*allow_domain = allowed.test in *' --domain allowed.test
}

@test "a job's domains have to be covered, each of them" {
	policy 'accept = http' 'allow_domain = .foo.com, bar.com' '  *.below.org' 'allow_domain = 11.0.0.2'
	taken --domain foo.com --domain api.foo.com --domain .api.foo.com --domain BAR.com.
	taken --domain .foo.com
	taken --domain a.below.org
	taken --domain '*.below.org'
	taken --domain 11.0.0.2
	refused '*domain .bar.com *' --domain .bar.com
	refused '*domain x.bar.com *' --domain x.bar.com
	refused '*domain below.org *' --domain below.org
	refused '*domain .below.org *' --domain .below.org
	refused '*domain xfoo.com *' --domain api.foo.com --domain xfoo.com
	refused '*domain 11.0.0.3 *' --domain 11.0.0.3
}

@test "a denied name wins, over lists and over wildcards that would have it" {
	policy 'accept = http' 'allow_domain = *' 'deny_domain = bad.foo.com .evil.com'
	taken --domain foo.com --domain good.foo.com
	for domain in bad.foo.com .foo.com '*.foo.com' .bad.foo.com evil.com x.evil.com '*.evil.com'; do
		refused "domain ${domain//\*/\\*} is denied*" --domain "$domain"
		ends_with 125 jobfence run --config "$POLICY" --domain "$domain" true
	done
	taken --domain '*.bad.foo.com'
}

@test "default domains are for every http job" {
	policy 'accept = http' 'allow_domain = other.test' 'default_domain = allowed.test'
	job_up --config "$POLICY" --domain other.test
	is "$(up_says '.domains | join(" ")')" 'allowed.test other.test'
	is "$(fetch http://allowed.test/)" 'this is allowed.test'
	jobfence down "$JOB"
	job_up --config "$POLICY" --network http
	is "$(up_says .network)" none
	policy 'accept = http' 'default_domain = .foo.com' 'deny_domain = a.foo.com'
	refused_by_check "a.foo.com is in deny_domain in $POLICY, and in default_domain in $POLICY: until that is mended no job is accepted"
}

@test "rates: the default, and the most that is given" {
	policy 'accept = http' 'allow_domain = *' 'rate = 2mbit' 'max_rate = 5mbit'
	job_up --config "$POLICY" --domain allowed.test
	is "$(up_says .rate.bits_per_second)" 2000000
	jobfence down "$JOB"
	taken --domain allowed.test --rate 5mbit
	refused '*6mbit*max_rate*' --domain allowed.test --rate 6mbit
	refused '*no limit*max_rate*' --domain allowed.test --rate 0
	ends_with 125 jobfence run --config "$POLICY" --domain allowed.test --rate 6mbit true
	ends_with 0 jobfence run --config "$POLICY" --domain allowed.test --rate 5mbit true
	policy 'accept = http' 'allow_domain = *'
	refused '*max_rate*' --domain allowed.test --rate 2mbit
	policy 'accept = http' 'allow_domain = *' 'max_rate = 500kbit'
	job_up --config "$POLICY" --domain allowed.test
	is "$(up_says .rate.bits_per_second)" 500000
}

@test "how many domains a job may declare, the default ones not counted" {
	policy 'accept = http' 'allow_domain = *' 'max_domains = 2' 'default_domain = blessed.test'
	taken --domain a.test --domain b.test --domain blessed.test
	taken --domain .a.test --domain x.a.test --domain b.test
	refused '*max_domains*' --domain a.test --domain b.test --domain c.test
	ends_with 125 jobfence run --config "$POLICY" --domain a.test --domain b.test --domain c.test true
}

@test "how many connections a job may have at once" {
	local first

	policy 'accept = http' 'allow_domain = *' 'max_connections = 1'
	job_up --config "$POLICY" --domain allowed.test
	first=$(in_job_directly timeout 20 "$LIB/two-connections")
	is "$first" "HTTP/1.1 200 OK"$'\r\n0'
	like "$(jobfence show "$JOB" --json | jq -c .refusals)" '*"limit"*connections*'
}

@test "a job has the node's header, and no other" {
	policy 'accept = http' 'allow_domain = *' 'header = X-From-Job'
	job_up --config "$POLICY" --domain allowed.test
	fetch -o /dev/null http://allowed.test/
	is "$(received x-from-job)" "$JOB"
	jobfence down "$JOB"
	taken --domain allowed.test --header x-from-job
	refused '*header*' --domain allowed.test --header X-Jobfence-Job-ID
	policy 'accept = http' 'allow_domain = *'
	refused '*header*' --domain allowed.test --header X-Other
}

@test "private addresses only as the node allows them" {
	policy 'accept = http' 'allow_domain = *' 'allow_address = 10.1.0.0/16, fd00::/64'
	taken --domain a.test --allow-address 10.1.2.0/24 --allow-address fd00::7
	refused '*10.0.0.0/8*allow_address*' --domain a.test --allow-address 10.0.0.0/8
	refused '*10.2.0.1*allow_address*' --domain a.test --allow-address 10.1.0.1 --allow-address 10.2.0.1
	refused '*::/0*allow_address*' --domain a.test --allow-address ::/0
}

@test "ECH is for the domains that the node allows it for" {
	policy 'accept = http' 'allow_domain = *' 'default_domain = a.test'
	refused '*domain a.test is none*allow_ech = a.test*' --domain b.test --allow-ech a.test
	ends_with 0 jobfence run --config "$POLICY" --domain a.test --allow-ech a.test true
	policy 'accept = http' 'allow_domain = *' 'default_domain = a.test' 'allow_ech = a.test .b.test'
	taken --domain b.test --allow-ech a.test --allow-ech b.test
	taken --domain .b.test --allow-ech '*.b.test'
	refused '*domain c.test is none*allow_ech*' --domain c.test --domain a.test --allow-ech a.test --allow-ech c.test
	refused '*domain .a.test is none*allow_ech*' --domain .a.test --allow-ech .a.test
}

@test "TLS is opened for the domains that the node allows it for" {
	policy 'accept = http' 'allow_domain = *' 'default_domain = a.test'
	refused '*domain a.test is none*allow_intercept = a.test*' --domain b.test --intercept a.test
	policy 'accept = http' 'allow_domain = *' 'default_domain = a.test' 'allow_intercept = a.test .b.test'
	taken --domain b.test --intercept a.test --intercept b.test
	taken --domain .b.test --intercept '*.b.test'
	refused '*domain c.test is none*allow_intercept*' --domain c.test --domain a.test --intercept a.test --intercept c.test
	refused '*domain .a.test is none*allow_intercept*' --domain .a.test --intercept .a.test
	ends_with 2 check --domain b.test --intercept c.test
	is "$ERRORS" "jobfence: TLS to 'c.test' can't be opened, as the job does not declare it; to declare it: --domain 'c.test'"
	ends_with 2 check --network none --intercept b.test
	ends_with 2 check --domain b.test --intercept https://b.test/
}

@test "a wildcard on a public suffix is an error, unless the node allows it" {
	policy 'accept = http' 'allow_domain = *'
	ends_with 2 check --domain .github.io
	like "$ERRORS" '*public suffix*allow_public_suffix_wildcards*'
	ends_with 2 jobfence up --config "$POLICY" --job "$JOB" --domain .github.io
	policy 'accept = http' 'allow_domain = *' 'allow_public_suffix_wildcards = yes'
	job_up --config "$POLICY" --domain .test
	is "$(fetch http://allowed.test/)" 'this is allowed.test'
}

@test "--all and --json say every rule that refuses a job" {
	local options=(--domain a.test --domain bad.test --domain b.test --rate 9mbit)

	policy 'accept = none' 'deny_domain = bad.test' 'allow_domain = a.test'
	refused '*accept = http*' "${options[@]}"
	ends_with 3 check --all "${options[@]}"
	is "$(grep -c '^jobfence: ' <<<"$ERRORS")" 5
	ends_with 3 check --json "${options[@]}"
	is "$(jq -c '[.accepted, (.reasons[] | .setting + " " + .value)]' <<<"$OUTPUT")" \
		'[false,"accept http","deny_domain bad.test","max_rate 9mbit","allow_domain b.test","allow_domain bad.test"]'
	is "$ERRORS" ''
	# shellcheck disable=SC2016 # backquotes of the page
	is "$(jq -r 'keys[]' <<<"$OUTPUT")" "$(sed -n '/^## policy check/,/^## policy features/s/^| `\([a-z_]*\)`.*/\1/p' "$BATS_TEST_DIRNAME/../docs/json.md")"
	is "$(check --json)" '{"accepted":true,"reasons":[]}'
}

# Keeps what this node says of itself in $FEATURES.
features()
{
	FEATURES=$(jobfence --config "$POLICY" policy features --json) || return
	is "$(python3 "$LIB/matches_schema.py" "$BATS_TEST_DIRNAME/../share/jobfence/features.schema.json" "$FEATURES")" True
}

# Fails unless the features, through the filter $1 of jq, are $2.
feature()
{
	is "$(jq -c "$1" <<<"$FEATURES")" "$2"
}

@test "policy features says what the policy takes, as policy check does" {
	local preset

	policy 'accept = none'
	features
	feature '[.accept, .any_domain, .presets, .domains, .learn, .probe]' '["none",false,[],[],false,false]'
	feature '[.opens_tls, .intercept, .secrets]' '[true,[],[]]'
	policy 'accept = http' 'allow_domain = *' 'deny_domain = static.crates.io' 'max_rate = 2mbit' 'rate = 1mbit' 'max_domains = 20' \
		'max_connections = 9' 'learn = yes' 'allow_intercept = a.test' 'allow_ech = b.test' 'allow_address = 10.1.0.0/16' \
		'probe = /bin/false' '[secret one]' 'file = /x' 'use = a.test' 'label = a=b' '[secret two]' 'file = /x' 'use = a.test' 'label = a=b'
	features
	feature '[.accept, .any_domain, .learn, .probe, .opens_tls, .intercept, .secrets, .ech, .addresses]' \
		'["http",true,true,true,true,["a.test"],["one","two"],["b.test"],["10.1.0.0/16"]]'
	feature .limits '{"rate":1000000,"max_rate":2000000,"max_domains":20,"max_connections":9}'
	# A node without jobfence-tls opens none.
	cp "$JOBFENCE" "${JOBFENCE%/*}/jobfence-proxy" "$BATS_TEST_TMPDIR/"
	JOBFENCE=$BATS_TEST_TMPDIR/jobfence features
	feature '[.opens_tls, .intercept, .secrets]' '[false,[],[]]'
	policy 'accept = http' 'allow_domain = *' 'deny_domain = static.crates.io' 'max_domains = 20'
	features
	for preset in $(jobfence preset list --json | jq -r '.[].name'); do
		if jobfence --config "$POLICY" policy check --preset "$preset" >/dev/null 2>&1; then
			feature ".presets | index(\"$preset\") != null" true
		else
			feature ".presets | index(\"$preset\")" null
		fi
	done
	feature '.presets | (index("node") != null), (index("rust") == null)' $'true\ntrue'
	# shellcheck disable=SC2016 # backquotes of the page
	is "$(jq -r 'keys[]' <<<"$FEATURES")" "$(sed -n '/^## policy features/,/^## doctor/s/^| `\([a-z0-9_]*\)`.*/\1/p' "$BATS_TEST_DIRNAME/../docs/json.md" | sort)"
}

@test "policy features says which locks jobs get, as doctor and show do" {
	local doctor

	policy 'accept = http' 'allow_domain = allowed.test'
	doctor=$(jobfence --config "$POLICY" doctor --json)
	features
	feature .works "$(jq .works <<<"$doctor")"
	feature .locks.landlock "$(jq '.findings | any(.check == "landlock" and .result == "ok")' <<<"$doctor")"
	job_up --config "$POLICY" --domain allowed.test
	feature '.locks | {sockets, packets, lsm, namespace}' "$(jobfence show "$JOB" --json | jq -c '.locks | {sockets, packets, lsm, namespace}')"
	feature .programs "$(jobfence show "$JOB" --json | jq .programs)"
	feature .pacing "$(jobfence show "$JOB" --json | jq .rate.pacing)"
}

@test "policy features prints labels that schedulers take" {
	local labels

	mkdir -p "$BATS_TEST_TMPDIR/presets"
	echo allowed.test | tee "$BATS_TEST_TMPDIR/presets/a"{,-,"$(printf 'x%.0s' {1..60})"}.domains >/dev/null
	policy 'accept = http' 'allow_domain = allowed.test'
	# shellcheck disable=SC2016 # the inner shell expands
	labels=$(in_lab unshare --mount --propagation private bash -c 'mkdir -p /etc/jobfence/presets && mount --bind "$0" /etc/jobfence/presets && exec "$@"' \
		"$BATS_TEST_TMPDIR/presets" "$JOBFENCE" --config "$POLICY" policy features)
	is "$(grep -vE '^io\.jobfence\.[a-z0-9_.-]{1,50}[a-z0-9]=[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$' <<<"$labels")" ''
	is "$(cut -d = -f 1 <<<"$labels" | sort | uniq -d)" ''
	is "$(grep -E 'accept|preset|domains' <<<"$labels" | grep -v max)" 'io.jobfence.accept=http
io.jobfence.domains=yes
io.jobfence.presets=yes
io.jobfence.preset.a=yes'
}

@test "policy features refuses options of a job, and a policy with a mistake" {
	ends_with 2 jobfence policy features --domain a.test
	ends_with 2 jobfence policy features --all
	ends_with 2 jobfence policy features --spec - <<<'{}'
	policy 'accept = perhaps'
	ends_with 3 jobfence --config "$POLICY" policy features --json
	like "$ERRORS" '*accept: *'
}

@test "an update keeps to the policy" {
	policy 'accept = http' 'allow_domain = allowed.test other.test' 'max_rate = 2mbit' 'max_domains = 2' 'header = X-From-Job'
	job_up --config "$POLICY" --domain allowed.test
	ends_with 3 jobfence update "$JOB" --config "$POLICY" --add-domain denied.test
	ends_with 3 jobfence update "$JOB" --config "$POLICY" --rate 3mbit
	is "$(jobfence show "$JOB" --json | jq -c '[.domains, .rate.bits_per_second]')" '[["allowed.test"],1000000]'
	ends_with 0 jobfence update "$JOB" --config "$POLICY" --add-domain other.test --rate 2mbit
	policy 'accept = http' 'allow_domain = *' 'max_domains = 2' 'header = X-From-Job'
	ends_with 3 jobfence update "$JOB" --config "$POLICY" --add-domain git.test
	like "$ERRORS" '*max_domains*'
	# The guard of an added domain looks for the header of today.
	policy 'accept = http' 'allow_domain = *'
	ends_with 3 jobfence update "$JOB" --config "$POLICY" --add-domain git.test
	like "$ERRORS" '*header = X-Jobfence-Job-ID*'
	ends_with 0 jobfence update "$JOB" --config "$POLICY" --rate 1mbit
	# What was admitted before stays, also where the policy has changed since.
	policy 'accept = none'
	ends_with 0 jobfence update "$JOB" --config "$POLICY" --remove-domain other.test
	policy nonsense
	ends_with 0 jobfence update "$JOB" --config "$POLICY" --remove-domain allowed.test
	ends_with 3 jobfence update "$JOB" --config "$POLICY" --add-domain other.test
}

@test "a mistake in the policy is an error with file and line, and nothing is accepted" {
	mistaken 2 'alow_domain: there is no such key*' 'accept = http' 'alow_domain = *'
	mistaken 1 'accept: *' 'accept = web'
	refused "$POLICY:1: accept: *" --domain allowed.test
	mistaken 1 'accept: *' 'accept = none # really'
	mistaken 1 'accept: *' 'accept ='
	mistaken 3 'accept: *twice*' 'accept = http' '' 'accept = full'
	mistaken 2 'this is neither *' 'accept = http' 'allow_domain'
	mistaken 2 'rate: *' '# rates' 'rate = fast'
	mistaken 1 'max_domains: *' 'max_domains = 0'
	mistaken 1 'max_connections: *' 'max_connections = 100000'
	mistaken 1 'learn: *' 'learn = maybe'
	mistaken 1 'probe: *' 'probe = bin/probe'
	mistaken 1 'allow_address: *' 'allow_address = 10.0.0.1/8'
	mistaken 1 'header: *' 'header = Host'
	mistaken 2 "allow_domain: 'http://b.test/'*" 'allow_domain = a.test' '  http://b.test/'
	mistaken 2 '*section*' '[unknown]' 'accept = http'
	mistaken 2 '*only key*' '[signer a]' 'accept = http'
	mistaken 1 'the line is too long*' "allow_domain = $(printf 'a.test %.0s' {1..200})"
	# The rest of a line that is too long is none of its own, in a comment least of all.
	mistaken 1 'the line is too long*' "# $(printf 'x%.0s' {1..196})accept = full"
	printf 'accept = http\0\nallow_domain = *\n' >"$POLICY"
	refused_by_check "$POLICY:1: *NUL*"
	policy 'rate = 2mbit' 'max_rate = 1mbit'
	refused_by_check "rate in $POLICY is above max_rate in $POLICY: *" --domain allowed.test
	rm "$POLICY"
	refused "cannot read the policy $POLICY: No such file*"
	ends_with 125 jobfence run --config "$POLICY" true
}

@test "--config may stand before or after any verb" {
	local verb

	policy 'accept = http' 'allow_domain = allowed.test'
	ends_with 0 jobfence --config "$POLICY" policy check --domain allowed.test
	ends_with 0 jobfence "--config=$POLICY" policy check --domain allowed.test
	ends_with 0 jobfence policy --config "$POLICY" check --domain allowed.test
	ends_with 0 jobfence policy check --domain allowed.test "--config=$POLICY"
	ends_with 3 jobfence policy check --domain other.test --config "$POLICY"
	for verb in list version help gc 'down --all'; do
		# shellcheck disable=SC2086 # two words
		ends_with 0 jobfence --config "$POLICY" $verb
		# shellcheck disable=SC2086 # two words
		ends_with 0 jobfence $verb --config "$POLICY"
	done
	ends_with 2 jobfence --config
	ends_with 2 jobfence --config "$POLICY"
}

@test "drop-ins follow in the order of their names" {
	mkdir "$POLICY.d"
	policy 'accept = none' 'allow_domain = a.test'
	printf 'accept = full\n' >"$POLICY.d/10-full.conf"
	printf 'accept = http\nallow_domain = b.test\n' >"$POLICY.d/20-http.conf"
	printf 'not read\n' | tee "$POLICY.d/.hidden.conf" "$POLICY.d/30.conf.orig" >/dev/null
	taken --domain a.test --domain b.test
	refused '*accept = full*' --network full --rate 0
	printf '\nnonsense\n' >"$POLICY.d/30.conf"
	refused "$POLICY.d/30.conf:2: *" --domain a.test
}

@test "a refusal names the file that has the key" {
	mkdir "$POLICY.d"
	policy 'accept = http' 'allow_domain = a.test'
	printf 'max_rate = 2mbit\nallow_domain = b.test\nallow_ech = b.test\n' >"$POLICY.d/10.conf"
	printf 'max_rate = 1mbit\ndeny_domain = x.b.test\n' >"$POLICY.d/20.conf"
	refused "*set max_rate in $POLICY.d/20.conf" --domain a.test --rate 2mbit
	refused "*set allow_ech = a.test in $POLICY.d/10.conf" --domain a.test --allow-ech a.test
	refused "*set allow_domain = c.test in $POLICY and $POLICY.d/10.conf" --domain c.test
	refused "*deny_domain has x.b.test in $POLICY.d/20.conf" --domain x.b.test
	refused "*set allow_address = 10.0.0.0/8 in $POLICY" --domain a.test --allow-address 10.0.0.0/8
	printf 'rate = 2mbit\n' >"$POLICY.d/30.conf"
	refused "*rate in $POLICY.d/30.conf is above max_rate in $POLICY.d/20.conf: until that is mended no job is accepted" --domain a.test
}

@test "a block that was copied with its blanks, and a comment after a value, are told of" {
	policy '    accept = http' '    allow_domain = a.test'
	refused "*:2: *begins with a blank, and so goes on with the value of the line before*" --domain a.test
	policy 'accept = http' 'allow_domain = a.test' '  b.test'
	taken --domain b.test
	policy 'accept = http # as ever' 'allow_domain = a.test'
	refused "*:1: accept: a comment that begins with # has a line of its own*" --domain a.test
	policy 'accept = http ; as ever' 'allow_domain = a.test'
	taken --domain a.test
}

# Makes the probe of this test: a script of these lines.
probe()
{
	printf '%s\n' '#!/bin/sh' "$@" >"$BATS_TEST_TMPDIR/probe"
	chmod +x "$BATS_TEST_TMPDIR/probe"
	policy 'accept = http' 'allow_domain = *' "probe = $BATS_TEST_TMPDIR/probe" 'probe_timeout = 60'
}

@test "a probe is asked about each job, with its spec and nothing of the caller's environment" {
	probe "cat >$BATS_TEST_TMPDIR/input" "env >$BATS_TEST_TMPDIR/environment" "pwd >$BATS_TEST_TMPDIR/folder"
	JOBFENCE_PROBE_DATA=forged PATH_TO=nowhere taken --domain allowed.test --label a=b
	is "$(jq -c '[.network, .rate, .labels, .job]' "$BATS_TEST_TMPDIR/input")" \
		'[{"type":"http","domains":["allowed.test"]},"1mbit",{"a":"b"},null]'
	is "$(sed -n 's/^JOBFENCE_PROBE_DATA=//p' "$BATS_TEST_TMPDIR/environment")" "$(<"$BATS_TEST_TMPDIR/input")"
	is "$(grep -vE '^(PATH|PWD|JOBFENCE_PROBE_DATA|_|SHLVL)=' "$BATS_TEST_TMPDIR/environment")" ''
	is "$(<"$BATS_TEST_TMPDIR/folder")" /
	job_up --config "$POLICY" --domain allowed.test
	is "$(jq -r .job "$BATS_TEST_TMPDIR/input")" "$JOB"
	# Neither a job without a network nor the operator's own hand is asked about.
	probe 'exit 1'
	taken
	ends_with 0 jobfence run --config "$POLICY" --domain allowed.test true
}

@test "a probe refuses by any status but 0, with its standard error as the reason" {
	probe 'echo "too many jobs of yours" >&2' 'exit 1'
	refused '*probe*too many jobs of yours' --domain allowed.test
	is "$(check --json --domain allowed.test | jq -r '.reasons[].setting')" probe
	probe 'printf "a\033[31m\nb\n" >&2' 'exit 1'
	refused '*probe*a \[31m b' --domain allowed.test
	probe 'printf "\377" >&2' 'exit 9'
	refused '*status 9*' --domain allowed.test
	# shellcheck disable=SC2016 # for the probe
	probe 'kill -SEGV $$'
	refused '*signal*' --domain allowed.test
	probe 'exec sleep 1000'
	sed -i 's/^probe_timeout.*/probe_timeout = 2/' "$POLICY"
	refused '*longer than the 2 s*' --domain allowed.test
	probe 'while :; do echo flood; done >&2'
	refused '*more than 4096 bytes*' --domain allowed.test
	rm "$BATS_TEST_TMPDIR/probe"
	refused '*No such file*' --domain allowed.test
}

@test "a probe is heard also where the caller ignores SIGCHLD" {
	probe 'exit 0'
	is "$(in_lab env --ignore-signal=CHLD "$JOBFENCE" --config "$POLICY" policy check --domain allowed.test)" \
		"$(check --domain allowed.test)"
	probe 'echo no >&2' 'exit 1'
	ends_with 3 in_lab env --ignore-signal=CHLD "$JOBFENCE" --config "$POLICY" policy check --domain allowed.test
	like "$ERRORS" '*the probe * refuses the job: no'
}

@test "what a probe leaves behind is ended, and nobody waits for it" {
	probe "sleep 1000 & echo \$! >$BATS_TEST_TMPDIR/child"
	taken --domain allowed.test
	# It was killed; on a busy machine it may still be going.
	eventually [ ! -e "/proc/$LAB_PROCESS/root/proc/$(<"$BATS_TEST_TMPDIR/child")/exe" ]
}

@test "a probe that takes its time holds up neither gc nor down, and what it allowed is for that job only" {
	mkfifo "$BATS_TEST_TMPDIR/asked" "$BATS_TEST_TMPDIR/go"
	job_up --domain allowed.test
	probe "echo >$BATS_TEST_TMPDIR/asked" "read -r _ <$BATS_TEST_TMPDIR/go"
	jobfence update --config "$POLICY" "$JOB" --add-domain other.test 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	read -r _ <"$BATS_TEST_TMPDIR/asked"
	is "$(in_lab timeout 20 "$JOBFENCE" gc)" ''
	in_lab timeout 20 "$JOBFENCE" down "$JOB"
	job_up --domain allowed.test
	echo >"$BATS_TEST_TMPDIR/go"
	! wait $! || lab_fail 'another job has it'
	is "$(<"$BATS_TEST_TMPDIR/said")" "jobfence: job $JOB was made anew meanwhile; try again"
	is "$(jobfence show "$JOB" --json | jq -c .domains)" '["allowed.test"]'
}

@test "the environment of the caller changes nothing" {
	policy 'accept = http' 'allow_domain = allowed.test'
	ends_with 3 in_lab env HOME="$BATS_TEST_TMPDIR" XDG_CONFIG_HOME="$BATS_TEST_TMPDIR" \
		JOBFENCE_CONFIG=/dev/null JOBFENCE_ACCEPT=full JOBFENCE_DOMAINS=other.test LC_ALL=tr_TR.UTF-8 \
		"$JOBFENCE" --config "$POLICY" policy check --domain other.test
	like "$ERRORS" '*domain other.test *'
}

# Fails unless each of these specs is refused as wrong, and the schema refuses it as well.
no_specs()
{
	local spec

	for spec; do
		ends_with 2 check --spec - <<<"$spec" || lab_fail "spec: $spec" || return
	done
	is "$(in_schema "$@")" "$(printf 'False\n%.0s' "$@")"
}

# Prints for each spec whether it keeps to the JSON Schema that we ship: True or False.
in_schema()
{
	python3 "$LIB/matches_schema.py" "$BATS_TEST_DIRNAME/../share/jobfence/job-spec.schema.json" "$@"
}

@test "a spec may be that of executors in the field" {
	local spec none=('{}' '{"Type":"None"}' '{"job":"a","labels":{"a":"b"},"rate":"1mbit","pacing":"auto"}')
	local http=('{"Type":"HTTP","Domains":["allowed.test"]}' '{"network":{"Type":"Http","Domains":["allowed.test"]}}'
		'{"network":{"type":"HTTP","domains":["allowed.test"]}}' '{"Domains":["allowed.test"]}')

	policy 'accept = http' 'allow_domain = *'
	for spec in "${http[@]}"; do
		job_up --config "$POLICY" --spec - <<<"$spec"
		is "$(up_says '.network + " " + (.domains | join(" "))')" 'http allowed.test'
		jobfence down "$JOB"
	done
	for spec in "${none[@]}"; do
		taken --spec - <<<"$spec"
	done
	is "$(in_schema "${http[@]}" "${none[@]}" | sort | uniq -c)" '      7 True'
}

@test "a spec with anything that is not known, or in two spellings, is refused, by the schema too" {
	policy 'accept = http' 'allow_domain = *'
	no_specs '{"Type":"HTTP","Domains":["a.test"],"job":"a"}' '{"Type":"HTTP","domain":["a.test"]}' \
		'{"network":{"type":"http","Type":"none","domains":["a.test"]}}' '{"network":{"domains":["a.test"],"Domains":[]}}' \
		'{"network":{"TYPE":"http"}}' '{"network":{"type":"host"}}' '{"Type":5}' '{"Domains":"a.test"}' '{"Domains":[5]}' \
		'{"unknown":1}' '{"labels":{"a":1}}' '{"rate":1000000}' '[]' '5' '"a"' '{"job":".a"}' '{"pacing":"none"}'
	ends_with 2 check --spec - <<<'{"unk\u001bnown":1}'
	is "$ERRORS" "jobfence: in the spec, 'unk?nown' is none of: job, network, rate, pacing, header, labels, allow_addresses, guard_domains, deny_domains, allow_ech, intercept, rules, presets, learn, log, owner_pid, slice"
}

@test "a spec has limits of size and depth" {
	policy 'accept = http' 'allow_domain = *'
	ends_with 2 check --spec - < <(printf '[%.0s' {1..5000})
	ends_with 2 check --spec - < <(printf '{"labels":'; printf '{"a":%.0s' {1..1000}; printf '{}'; printf '}%.0s' {1..1001})
	ends_with 2 check --spec - < <(head -c 2000000 /dev/zero | tr '\0' ' ')
	like "$ERRORS" '*1 MiB*'
	ends_with 2 check --spec /dev/null --spec /dev/null
}

# The keys that docs/policy.md names, one a line.
documented_keys()
{
	# shellcheck disable=SC2016 # backquotes of the page
	sed -n '/^## Keys/,/^## /s/^| `\([a-z_]*\)`.*/\1/p' "$BATS_TEST_DIRNAME/../docs/policy.md"
}

@test "the page of the policy names every key, and its example is one" {
	local key

	documented_keys | grep -qx accept
	for key in $(documented_keys); do
		policy "$key ="
		ends_with 3 check
		[[ $ERRORS != *'no such key'* ]] || lab_fail "$key is no key" || return
	done
	is "$(documented_keys | sort)" "$(sed -n 's/^\tROW("\([a-z_]*\)".*/\1/p' "$BATS_TEST_DIRNAME/../user/policy/policy.c" | sort)"
	cp "$BATS_TEST_DIRNAME/../share/jobfence/jobfence.conf" "$POLICY"
	ends_with 3 check --domain allowed.test
	like "$ERRORS" '*accept = http*'
	sed -i 's/^#\([a-z[]\)/\1/' "$POLICY"
	ends_with 3 check --domain allowed.test
	like "$ERRORS" '*allow_domain = allowed.test*'
}

@test "denied and guarded domains of the node hold for a job that learns, which the node has to allow" {
	policy 'accept = http' 'allow_domain = *' 'max_rate = 0'
	refused '*learn = yes in *' --learn
	policy 'accept = http' 'allow_domain = *' 'max_rate = 0' 'learn = yes' 'deny_domain = denied.test' \
		'guard_domain = other.test'
	job_up --config "$POLICY" --learn
	fetch -f -o /dev/null http://allowed.test/
	refused_for denied http://denied.test/
	fetch -f -o /dev/null http://other.test/
	ends_with 35 fetch https://other.test/
}
