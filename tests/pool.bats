#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Idle connections to sites, which the clients of a job share: by whom and for what they are
# used again, and when they are closed.

load lib/job

site=http://allowed.test

up()
{
	job_up --rate 0 --domain allowed.test --domain other.test
}

# Prints the connections on which the sites saw requests, in the order of the requests, and
# numbered from 1 in the order in which they came.
used()
{
	lab_settle
	lab_seen '.event == "request"' .id | awk '!($1 in at) { at[$1] = ++count } { printf "%s ", at[$1] }'
}

# Prints how many connections to sites are open.
established()
{
	in_lab ss -Htn state established 'dport = :80' | wc -l
}

has_established()
{
	[ "$(established)" -eq "$1" ]
}

@test "clients of a job share connections to a site, and each request has the header" {
	up
	is "$(fetch $site)" 'this is allowed.test'
	fetch -H 'Connection: close' -o /dev/null $site/bytes/1000000
	fetch -0 -o /dev/null $site/crumbs/1000
	fetch -I -o /dev/null $site
	fetch --proxytunnel --proxy "http://$(up_says .proxy.address)" -o /dev/null $site/early-hints
	fetch -o /dev/null -H 'X-Jobfence-Job-ID: forged' $site/status/404
	is "$(used)" '1 1 1 1 1 1 '
	is "$(lab_seen '.event == "request"' .head | grep -c "X-Jobfence-Job-ID: $JOB")" 6
	is "$(lab_seen '.event == "request"' .head | grep -c 'forged\|Connection: close')" 0
}

@test "another job, another name and another address have connections of their own" {
	up
	jobfence up --job "$JOB-2" --json --rate 0 --domain allowed.test >"$BATS_TEST_TMPDIR/second.json"
	lab_name moved.wild.test 11.0.0.2
	jobfence update "$JOB" --add-domain moved.wild.test
	fetch -o /dev/null $site
	UP=$BATS_TEST_TMPDIR/second.json JOB=$JOB-2 fetch -o /dev/null $site
	fetch -o /dev/null http://other.test
	fetch -o /dev/null http://moved.wild.test
	fetch -o /dev/null http://moved.wild.test
	: >"$LAB/zone"
	lab_name moved.wild.test 11.0.0.3
	fetch -o /dev/null http://moved.wild.test
	fetch -o /dev/null $site
	is "$(used)" '1 2 3 4 4 5 1 '
	is "$(lab_seen '.event == "connection" and .to == "11.0.0.3"' | wc -l)" 1
}

@test "a client that is idle lends its connection to the others" {
	local client

	up
	mkfifo "$BATS_TEST_TMPDIR/end"
	in_job_directly python3 "$LIB/idle_client.py" <"$BATS_TEST_TMPDIR/end" >"$BATS_TEST_TMPDIR/client" 2>&1 3>&- &
	client=$!
	exec 8>"$BATS_TEST_TMPDIR/end"
	await "$BATS_TEST_TMPDIR/client" allowed.test
	eventually lent
	exec 8>&-
	wait $client
	is "$(<"$BATS_TEST_TMPDIR/client")" $'this is allowed.test\nthis is allowed.test'
}

# Whether another client has got the first connection. Its own ones end with its answer.
lent()
{
	fetch -o /dev/null $site/until-close/1 || return
	[[ "$(used)" = *' 1 ' ]]
}

@test "no request follows an answer that leaves its connection in doubt" {
	local path count=0 bytes

	up
	for path in longer/5 longer-chunk/5 longer-than-none until-close/5 status/101 garbage short/10 cut-chunk/10 chunked/5 \
		'raw?HTTP/1.1%20200%20OK%0d%0aTransfer-Encoding:%20chunked%0d%0a%0d%0a0;a%0d%0a%0d%0a' \
		'raw?HTTP%2f1.0+200+OK%0d%0aConnection:+keep-alive%0d%0aContent-Length:+0%0d%0a%0d%0a' \
		'raw?HTTP/1.1%20204%20No%20Content%0d%0aContent-Length:%205%0d%0a%0d%0a' \
		'raw?HTTP/1.1%20204%20No%20Content%0d%0aTransfer-Encoding:%20chunked%0d%0a%0d%0a' \
		'raw?HTTP/1.1%20103%20Early%20Hints%0d%0aContent-Length:%205%0d%0a%0d%0aHTTP/1.1%20200%20OK%0d%0aContent-Length:%200%0d%0a%0d%0a' \
		'raw?HTTP/1.1%20200%20OK%0aContent-Length:%200%0a%0a' \
		'raw?HTTP/1.1%20200%20OK%0d%0aContent-Length:%200%0d%0a%0d%0aHTTP/1.1%20100%20Continue%0d%0a%0d%0a'; do
		fetch -o /dev/null "$site/$path" || true
		fetch -o /dev/null "$site/last/$((++count))"
	done
	fetch -o /dev/null -d hello $site/early
	fetch -o /dev/null $site/last/0
	fetch -o /dev/null -X POST -d hello $site/unread
	fetch -o /dev/null $site/last/0
	fetch -o /dev/null -H 'Connection: Upgrade' -H 'Upgrade: websocket' $site/status/400
	fetch -o /dev/null $site/last/0
	# Only /last may be before something else on a connection.
	lab_settle
	bytes=$(lab_seen '.event == "request"' '"\(.id) \(.line)"' | jq -r . |
		awk '$1 in line { print line[$1] " was followed by " $0 } $3 !~ "^/last/" { line[$1] = $0 }')
	is "$bytes" ''
	is "$(requests)" 38
}

@test "a connection with a login of its own belongs to one client" {
	local login='raw?HTTP/1.1%20401%20Unauthorized%0d%0aWWW-Authenticate:%20Basic,%20ntlm%0d%0aContent-Length:%200%0d%0a%0d%0a'

	up
	fetch -o /dev/null "$site/$login" -o /dev/null $site --next -sS -o /dev/null $site
	fetch -o /dev/null -H 'Authorization: Negotiate YII=' $site
	fetch -o /dev/null -H 'Authorization: Basic YTpi' $site
	fetch -o /dev/null $site
	is "$(used)" '1 1 1 2 3 3 '
}

@test "a request is repeated once, if the site closes an idle connection and has said nothing" {
	up
	is "$(fetch $site/once)" once
	is "$(fetch $site/once)" once
	is "$(fetch $site/once)" once
	is "$(used)" '1 1 2 2 3 '
	# The connection before had to be left. Two bytes are the beginning of an answer,
	# and so is an interim one.
	for length in 2 28; do
		lab_forget
		is "$(fetch -o /dev/null -w '%{http_code}' http://other.test/once/$length)" 200
		is "$(fetch -o /dev/null -w '%{http_code}' http://other.test/once/$length)" 502
		is "$(used)" '1 1 '
	done
}

@test "a request that may not be repeated has a connection of its own" {
	local method

	up
	is "$(fetch $site/once)" once
	for method in POST DELETE PATCH; do
		lab_forget
		is "$(fetch -X $method $site/once)" once
		is "$(fetch -o /dev/null -w '%{http_code}' -X $method $site/close)" 502
		is "$(used)" '1 2 '
	done
}

@test "what a site says, or that it ends, while a connection is idle, ends it" {
	local ends

	up
	for ends in 0 1; do
		lab_forget
		is "$(fetch $site/lull)" lull
		is "$(fetch http://other.test/rouse/$ends)" rouse
		is "$(fetch $site)" 'this is allowed.test'
		is "$(lab_seen '.event == "request"' .id | sort -u | wc -l)" 3
	done
}

@test "idle connections to a name that is withdrawn are closed" {
	up
	fetch -o /dev/null $site
	fetch -o /dev/null http://other.test
	is "$(established)" 2
	jobfence update "$JOB" --rate 1gbit
	jobfence update "$JOB" --remove-domain allowed.test
	eventually has_established 1
	fetch -o /dev/null http://other.test
	is "$(used)" '1 2 2 '
	jobfence update "$JOB" --add-domain allowed.test
	fetch -o /dev/null $site
	is "$(used)" '1 2 2 3 '
}

@test "idle connections have a bound, the oldest are closed, and they leave no port in use" {
	local names=() i

	for i in {1..40}; do
		names+=("http://n$i.wild.test/")
	done
	job_up --rate 0 --domain '*.wild.test'
	fetch -o /dev/null "http://n{$(seq -s , 40)}.wild.test/"
	is "$(established)" 32
	fetch -o /dev/null http://n1.wild.test/
	fetch -o /dev/null http://n40.wild.test/
	is "$(lab_seen '.event == "connection"' | wc -l)" 41
	is "$(in_lab ss -Htan state time-wait 'dport = :80' | wc -l)" 0
}

@test "idle connections count as those of the job, and make room for clients" {
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_connections = 2' >"$BATS_TEST_TMPDIR/policy"
	job_up --config "$BATS_TEST_TMPDIR/policy" --domain allowed.test --domain other.test --domain git.test
	fetch -o /dev/null http://git.test
	fetch -o /dev/null http://other.test
	fetch -o /dev/null $site
	[ "$(established)" -le 2 ] || lab_fail "$(established) are open"
	is "$(in_job_directly python3 "$LIB/two_clients.py")" $'200\n200'
}

@test "the next idle connection may be the one that makes room for another" {
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_connections = 3' >"$BATS_TEST_TMPDIR/policy"
	job_up --config "$BATS_TEST_TMPDIR/policy" --domain allowed.test --domain other.test
	is "$(in_job_directly python3 "$LIB/make_room.py")" $'this is allowed.test\nthis is other.test\nthis is allowed.test\nthis is other.test'
	is "$(jobfence show "$JOB" --json | jq .restarts.count)" 0
}
