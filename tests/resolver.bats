#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Resolvers of the node that don't answer, or not each question: a look-up costs little,
# what was seen is remembered, and who fetches something is told whose fault it is.

load lib/job

GOOD=11.0.0.54 SILENT=11.0.0.55 SILENT_TOO=11.0.0.56 FAILING=11.0.0.57 NO_AAAA=11.0.0.58

setup_file()
{
	lab_with resolvers_up
}

resolvers_up()
{
	start_resolver $GOOD && start_resolver $SILENT silent && start_resolver $SILENT_TOO silent &&
		start_resolver $FAILING servfail && start_resolver $NO_AAAA no-aaaa
}

start_resolver()
{
	in_internet "$LIB/hostile_resolver.py" "$@" >"$BATS_FILE_TMPDIR/$1" 2>&1 3>&- &
	await "$BATS_FILE_TMPDIR/$1" ready
}

# Makes the job, with the names $2…, on a node that has the resolvers $1 (in words).
up_with()
{
	local names=("${@:2}") resolvers

	read -ra resolvers <<<"$1"
	printf 'nameserver %s\n' "${resolvers[@]}" >"$LAB/resolv.conf"
	job_up --rate 0 "${names[@]/#/--domain=}"
}

# How often the resolver $1 was asked for the name $2.test; $3: the type, if it matters.
asked()
{
	grep -cx "asked ${3:-A*} $2" "$BATS_FILE_TMPDIR/$1" || :
}

proxy_log()
{
	in_lab cat "/run/jobfence/jobs/$JOB/proxy.log"
}

@test "a resolver that drops queries for IPv6 addresses is waited for a moment" {
	up_with $NO_AAAA first.test second.test
	# c-ares gives up after six seconds.
	for name in first second; do
		is "$(fetch --max-time 5 "http://$name.test")" "this is $name.test"
		[ "$(asked $NO_AAAA $name AAAA)" -gt 0 ] || lab_fail 'nobody asked for the other family'
	done
	like "$(proxy_log)" "*resolver $NO_AAAA: silent, and asked last for a minute, for first.test*"
}

@test "the other family is asked of a resolver that answers for it" {
	up_with "$NO_AAAA $GOOD" here.test there.test
	is "$(fetch http://here.test)" 'this is here.test'
	is "$(fetch http://there.test)" 'this is there.test'
	is "$(asked $NO_AAAA there A) $(asked $NO_AAAA there AAAA)" '1 0'
	is "$(asked $GOOD there A) $(asked $GOOD there AAAA)" '0 1'
}

@test "an answer that comes after the look-up is used by nobody" {
	up_with $GOOD late.test release.test
	is "$(fetch http://late.test)" 'this is late.test'
	is "$(fetch http://release.test)" 'this is release.test'
	[ "$(tac "$BATS_FILE_TMPDIR/$GOOD" | awk '/^released/ { print $2; exit }')" -gt 0 ] || lab_fail 'nothing was late'
	is "$(fetch http://late.test)" 'this is late.test'
	lab_settle
	is "$(lab_seen '.event == "connection"' .to | sort -u)" '"11.0.0.2"'
}

@test "resolvers that are silent are asked last from then on" {
	up_with "$SILENT $SILENT_TOO $GOOD" {one,two,three}.test
	# c-ares alone asks the third one after eight seconds.
	is "$(fetch --max-time 7 http://one.test)" 'this is one.test'
	[ "$(asked $SILENT one)" -gt 0 ] && [ "$(asked $SILENT_TOO one)" -gt 0 ] || lab_fail 'they were not asked'
	for name in two three; do
		is "$(fetch http://$name.test)" "this is $name.test"
		is "$(asked $SILENT $name) $(asked $SILENT_TOO $name)" '0 0'
	done
}

@test "a resolver that fails costs one query for each family" {
	up_with "$FAILING $GOOD" good.test
	is "$(fetch http://good.test)" 'this is good.test'
	is "$(asked $FAILING good A) $(asked $FAILING good AAAA)" '1 1'
}

# Fails unless a request for the name $2 is answered by status $1, for the reason $3.
is_explained()
{
	is "$(fetch -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' "http://$2/")" "$1" &&
		is "$(<"$BATS_TEST_TMPDIR/body")" "jobfence: network: job $JOB: $2: $3"
}

@test "who fetches something is told what the resolver said" {
	up_with $GOOD {servfail,refused,no-such-name,no-address,silent}.test
	is_explained 502 servfail.test "the node's resolver $GOOD answered SERVFAIL"
	like "$(proxy_log)" "*resolver $GOOD: *, for servfail.test*"
	is_explained 502 refused.test "the node's resolver $GOOD answered REFUSED"
	is_explained 502 no-such-name.test 'there is no such name'
	is_explained 502 no-address.test 'the name has no address'
	is_explained 504 silent.test "the node's resolver $GOOD did not answer"
	like "$(in_job curl -sS https://servfail.test 2>&1)" '*502*'
	jobfence down "$JOB"
	up_with "$SILENT $SILENT_TOO" a.test
	is_explained 504 a.test "the node's resolvers did not answer"
	jobfence down "$JOB"
	in_internet sysctl -qw net.ipv4.icmp_ratelimit=0
	up_with 11.0.0.59 a.test
	is_explained 502 a.test "the node's resolver 11.0.0.59 can't be reached"
}

@test "the node's own names are asked of no resolver" {
	up_with $GOOD {node,alias,other}.test localhost
	in_lab bash -c 'echo "11.0.0.2 node.test alias.test # other.test" >>/etc/hosts'
	is "$(fetch http://Alias.test http://node.test http://other.test | xargs)" \
		'this is alias.test this is node.test this is other.test'
	is "$(asked $GOOD alias) $(asked $GOOD node) $(asked $GOOD other AAAA)" '0 0 1'
	refused_for address http://localhost/
}

# Runs jobfence on a node whose /etc has nothing but a policy, and the resolv.conf $1 if
# that is a file.
on_bare_node()
{
	in_lab unshare --mount "$LIB/bare-etc" "$1" "$JOBFENCE" "${@:2}"
}

@test "a node that names no resolver is told so, and one that names nonsense has no job" {
	local file=$BATS_TEST_TMPDIR/resolv.conf

	ends_with 0 on_bare_node "$file" run --domain a.test -- true
	like "$ERRORS" 'jobfence: warning: /etc/resolv.conf is missing or names no resolver, so the proxy asks 127.0.0.1*'
	ends_with 0 on_bare_node "$file" run -- true
	is "$ERRORS" ''
	echo 'options edns0' >"$file"
	ends_with 0 on_bare_node "$file" run --domain a.test -- true
	like "$ERRORS" 'jobfence: warning: /etc/resolv.conf is missing or names no resolver*'
	echo 'nameserver resolver.example' >"$file"
	ends_with 125 on_bare_node "$file" run --domain a.test -- true
	like "$ERRORS" "jobfence: /etc/resolv.conf has no line 'nameserver ADDRESS' that can be used*"
	: >"$LAB/resolv.conf"
	ends_with 0 job_up --domain a.test
	like "$ERRORS" 'jobfence: warning: /etc/resolv.conf is missing or names no resolver*'
}
