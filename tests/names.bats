#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# What the proxy remembers of names and addresses: answers for as long as they are true,
# /etc/hosts until it changes, and which address of a site leads nowhere. None of it opens
# anything.

load lib/job

SILENT=11.0.8.1 HELD=11.0.0.60

setup()
{
	lab_forget
	in_lab cp /etc/hosts /run/hosts
}

teardown()
{
	in_lab cp /run/hosts /etc/hosts
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	: >"$LAB/zone"
	printf 'nameserver 11.0.0.53\n' >"$LAB/resolv.conf"
	nothing_is_left
}

# Prints how often the resolver was asked for the name $1.
asked()
{
	lab_seen ".event == \"query\" and .name == \"$1\"" .type | wc -l
}

# Fetches something of the site that comes last. The site ends the connection, so nobody
# uses it again.
connect_anew()
{
	fetch -f -o /dev/null "${@:1:$#-1}" "${!#}/until-close/1"
}

@test "an answer is remembered as long as its TTL lasts" {
	lab_name kept.test ttl=60 11.0.0.2 2600:1::2
	job_up --rate 0 --domain kept.test --domain fresh.test
	for _ in 1 2 3; do
		is "$(fetch http://kept.test http://fresh.test)" $'this is kept.test\nthis is fresh.test'
	done
	is "$(asked kept.test) $(asked fresh.test)" '2 6'
	is "$(fetch_by_proxy http://kept.test)" 'this is kept.test'
	is "$(asked kept.test)" 2
}

@test "it is remembered that there is no such name, if the answer says for how long" {
	lab_name nowhere.test ttl=5
	lab_name never.test
	job_up --domain nowhere.test --domain never.test
	# By one client, since five seconds may be short on a busy machine.
	is "$(fetch http://nowhere.test http://nowhere.test http://never.test http://never.test | sort | uniq -c | xargs)" \
		"2 jobfence: network: job $JOB: never.test: there is no such name 2 jobfence: network: job $JOB: nowhere.test: there is no such name"
	is "$(asked nowhere.test) $(asked never.test)" '2 4'
}

@test "look-ups of one name at once are one query" {
	in_internet "$LIB/hostile_resolver.py" $HELD >"$BATS_TEST_TMPDIR/resolver" 2>&1 3>&- &
	local resolver=$!
	await "$BATS_TEST_TMPDIR/resolver" ready
	echo "nameserver $HELD" >"$LAB/resolv.conf"
	job_up --rate 0 --domain held.test --domain release.test
	is "$(in_job_directly python3 "$LIB/ask_at_once.py" \
		held.test held.test held.test held.test release.test | uniq -c | xargs)" '4 this is held.test 1 this is release.test'
	is "$(grep -c 'asked A held' "$BATS_TEST_TMPDIR/resolver")" 1
	is "$(grep -c 'asked AAAA held' "$BATS_TEST_TMPDIR/resolver")" 1
	kill "$resolver"
}

@test "addresses are checked again when they are taken from memory" {
	lab_name kept.test ttl=60 11.0.0.3
	job_up --rate 0 --domain kept.test
	is "$(fetch http://kept.test)" 'this is kept.test'
	in_lab ip address add 11.0.0.3/32 dev lo
	refused_for address http://kept.test/
	in_lab ip address del 11.0.0.3/32 dev lo
	is "$(fetch http://kept.test)" 'this is kept.test'
	is "$(asked kept.test)" 2
}

@test "a refused answer is not remembered" {
	lab_name rebound.test ttl=60 11.0.0.2 10.1.2.3
	job_up --domain rebound.test
	refused_for address http://rebound.test/
	: >"$LAB/zone"
	lab_name rebound.test ttl=60 11.0.0.2
	is "$(fetch http://rebound.test)" 'this is rebound.test'
}

@test "a name that was withdrawn is not taken from memory, and a learned one is listed" {
	lab_name kept.test ttl=60 11.0.0.2
	job_up --domain kept.test --domain other.test
	fetch -f -o /dev/null http://kept.test
	jobfence update "$JOB" --remove-domain kept.test
	refused_for domain http://kept.test/
	jobfence update "$JOB" --add-domain kept.test
	fetch -f -o /dev/null http://kept.test
	jobfence down "$JOB"
	job_up --learn
	fetch -f -o /dev/null http://kept.test
	fetch -f -o /dev/null http://kept.test
	is "$(jobfence show "$JOB" --json | jq -c .learned)" '[{"name":"kept.test","count":2}]'
}

@test "a change of /etc/hosts counts at once, whatever is remembered" {
	lab_name kept.test ttl=60 11.0.0.2
	job_up --rate 0 --domain kept.test
	connect_anew http://kept.test
	in_lab bash -c 'echo "11.0.0.3 kept.test" >>/etc/hosts'
	connect_anew http://kept.test
	in_lab bash -c 'echo "10.1.2.3 kept.test" >/etc/hosts'
	refused_for address http://kept.test/
	in_lab cp /run/hosts /etc/hosts
	connect_anew http://kept.test
	lab_settle
	is "$(lab_seen '.event == "connection"' .to | xargs)" '11.0.0.2 11.0.0.3 11.0.0.2'
	is "$(asked kept.test)" 4
}

# Writes the calls $1 of the job's worker to the file `calls`, until trace_ends.
trace_begins()
{
	local worker

	worker=$(proxy_worker)
	in_lab strace -qq -p "$worker" -e "trace=$1" -o "$BATS_TEST_TMPDIR/calls" 3>&- &
	TRACER=$!
	eventually is_traced "$worker"
}

is_traced()
{
	# shellcheck disable=SC2016 # a field of awk
	in_lab awk '/^TracerPid/ { exit !$2 }' "/proc/$1/status"
}

trace_ends()
{
	jobfence down "$JOB"
	wait "$TRACER" || :
}

# Prints where the worker connected to, in order.
connected()
{
	grep -oE 'sin_addr=inet_addr\("[^"]*|sin6_port=htons\(80\).*inet_pton\(AF_INET6, "[^"]*' \
		"$BATS_TEST_TMPDIR/calls" | sed 's/.*"//' | grep -v '^11.0.0.53$' | xargs
}

@test "/etc/hosts is read once, and not for each connection" {
	lab_name kept.test ttl=60 11.0.0.2
	job_up --rate 0 --domain kept.test --domain fresh.test
	trace_begins openat
	for _ in 1 2 3; do
		fetch -f -o /dev/null http://kept.test http://fresh.test
	done
	trace_ends
	is "$(grep -c /etc/hosts "$BATS_TEST_TMPDIR/calls")" 2 # once for each name
}

@test "a family that leads nowhere is waited for a moment, and comes last from then on" {
	lab_name four.test $SILENT 2600:1::2
	job_up --rate 0 --domain four.test
	trace_begins connect,getsockopt,close
	# A silent address alone takes ten seconds.
	connect_anew --max-time 8 http://four.test
	connect_anew http://four.test
	trace_ends
	is "$(connected)" "$SILENT 2600:1::2 2600:1::2"
	# The first address was not given up before the second was tried.
	is "$(grep -oE '^connect.*AF_INET, .*htons\(80\)|^connect.*AF_INET6, .*htons\(80\)|ETIMEDOUT' "$BATS_TEST_TMPDIR/calls" |
		grep -o 'AF_INET6\|AF_INET\|ETIMEDOUT' | xargs)" 'AF_INET AF_INET6 AF_INET6'
}
