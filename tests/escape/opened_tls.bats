#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# A job that attacks the TLS which the proxy opens for it.

load ../lib/job

CA=${BATS_TEST_TMPDIR:-}/ca.pem
SITE=https://allowed.test

# Makes the job, with allowed.test and what is below intercepted.
up()
{
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'allow_intercept = .test 11.0.0.2' \
		"upstream_ca = $LAB/authority.pem" >"$BATS_TEST_TMPDIR/policy"
	job_up --config "$BATS_TEST_TMPDIR/policy" --rate 0 --domain .allowed.test --intercept .allowed.test "$@"
	up_says .trust.ca >"$CA"
}

# The bytes of requests for the path $1, one for each host that follows. The last one closes
# the connection.
requests_for()
{
	local host

	for host in "${@:2:$#-2}"; do printf 'GET %s HTTP/1.1\r\nHost: %s\r\n\r\n' "$1" "$host"; done
	printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" "${*: -1}"
}

# Sends standard input inside TLS with the server name $1. The arguments that follow are
# further options of openssl s_client. Prints what it says, and what it hears.
inside()
{
	in_job_directly timeout 30 openssl s_client -connect 11.0.0.2:443 -servername "$1" -CAfile "$CA" \
		-verify_return_error -ign_eof "${@:2}" 2>&1
}

statuses()
{
	grep -a '^HTTP/1.1' | cut -d ' ' -f 2 | paste -sd ' '
}

@test "each request of a connection has to be for the name that its TLS began with" {
	up --domain other.test
	is "$(requests_for /a allowed.test other.test allowed.test | inside allowed.test | statuses)" '200 421'
	is "$(requests_for /a ALLOWED.test. allowed.test:443 allowed.test:80 | inside allowed.test | statuses)" '200 200 421'
	is "$(requests_for /b www.allowed.test | inside allowed.test | statuses)" 421
	is "$(requests_for /b 11.0.0.2 | inside allowed.test | statuses)" 421
	is "$(requests_for /b 'allowed.test other.test' | inside allowed.test | statuses)" 400
	is "$(requests_for https://other.test/b other.test | inside allowed.test | statuses)" 421
	is "$(printf 'GET /b HTTP/1.1\r\nHost: allowed.test\r\nHost: other.test\r\n\r\n' | inside allowed.test | statuses)" 400
	is "$(printf 'CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n' | inside allowed.test | statuses)" 400
	is "$(printf 'CONNECT allowed.test:80 HTTP/1.1\r\n\r\n' | inside allowed.test | statuses)" 400
	is "$(lab_seen '.event == "request"' .line | sort | uniq -c | awk '{ print $1, $3 }')" '3 /a'
}

@test "HTTP/2 does not follow where HTTP/1.1 was agreed on" {
	up
	is "$(printf 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' | inside allowed.test -alpn http/1.1 | statuses)" 400
	is "$(printf 'GET /c HTTP/1.1\r\nHost: allowed.test\r\nConnection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n' |
		inside allowed.test | statuses)" 200
	is "$(lab_seen '.event == "request"' .head | grep -ciE 'h2c|http2-settings')" 0
	like "$(inside allowed.test -alpn spdy/3,http/1.1x </dev/null)" '*alert number 120*'
}

@test "no other name gets a certificate, be it near to one that does" {
	local name

	up --domain other.test
	for name in allowed.test.evil.test xallowed.test denied.test test; do
		like "$(inside "$name" </dev/null)" '*alert*' || lab_fail "$name" || return
	done
	like "$(inside other.test </dev/null)" '*authority of a lab*'
	like "$(in_job_directly timeout 30 openssl s_client -connect 11.0.0.2:443 -noservername </dev/null 2>&1)" '*alert*'
	is "$(lab_seen '.event == "request"' .line | wc -l)" 0
}

@test "a session of another name or job opens nothing" {
	local session=$BATS_TEST_TMPDIR/session version

	up
	for version in -tls1_2 -tls1_3; do
		is "$(requests_for /a allowed.test | inside allowed.test $version -sess_out "$session" | statuses)" 200
		# With another name, it is that name that counts.
		is "$(requests_for /a allowed.test | inside www.allowed.test $version -sess_in "$session" | statuses)" 421
		is "$(requests_for /b www.allowed.test | inside www.allowed.test $version -sess_in "$session" | statuses)" 200
	done
	jobfence down "$JOB"
	up
	for version in -tls1_2 -tls1_3; do
		requests_for /a allowed.test | inside allowed.test $version -sess_in "$session" >"$BATS_TEST_TMPDIR/said"
		[[ $(<"$BATS_TEST_TMPDIR/said") != *Reused* ]]
	done
}

@test "a domain that is taken away takes its connections along" {
	local transfer

	up
	: >"$BATS_TEST_TMPDIR/moved"
	fetch --cacert "$CA" $SITE/endless >"$BATS_TEST_TMPDIR/moved" 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
	transfer=$!
	timeout 30 tail -c +1 -f "$BATS_TEST_TMPDIR/moved" | head -c 1 >/dev/null
	fetch --cacert "$CA" $SITE/a -o /dev/null
	jobfence update "$JOB" --remove-domain .allowed.test >/dev/null
	if wait "$transfer"; then
		lab_fail 'the transfer came to its end'
	fi
	ends_with 35 fetch --cacert "$CA" --resolve allowed.test:443:11.0.0.2 $SITE/b
	is "$(jobfence show "$JOB" --json | jq -c '[.refusals[] | .reason] | unique')" '["domain"]'
	is "$(lab_seen '.event == "request" and (.line | contains("/b"))' .line | wc -l)" 0
}

# Prints KiB of memory that the worker alone has.
worker_memory()
{
	# shellcheck disable=SC2016 # a field of awk
	in_lab awk '$1 ~ /^Private_/ { sum += $2 } END { print sum }' "/proc/$(proxy_worker)/smaps_rollup"
}

# `HANDSHAKES=10000 bats tests/escape/opened_tls.bats` makes more of them.
@test "handshakes of all kinds leave nothing in the memory of the worker" {
	local before after first

	! is_sanitized || skip 'a sanitizer keeps what is free'
	up
	first=$(in_job_directly python3 "$LIB/handshakes.py" "$CA" 400 "${SEED:-1}" allowed.test)
	[ "$first" -gt 100 ]
	before=$(worker_memory)
	in_job_directly python3 "$LIB/handshakes.py" "$CA" "${HANDSHAKES:-400}" "${SEED:-2}" allowed.test >/dev/null
	after=$(worker_memory)
	echo "# $before KiB, then $after KiB" >&3
	# Tables fill up, and the heap has holes. A certificate or a session is 3 KiB and
	# more.
	[ "$after" -lt $((before + 400 + ${HANDSHAKES:-400} / 10)) ]
}

# Sets the worker's patience in the state of the name $1 to $2 seconds.
shorten()
{
	local table

	table=$(nm -S "${JOBFENCE%/*}/jobfence-tls" | awk '$4 == "states" { print $1, $2 }')
	# shellcheck disable=SC2086 # two words
	in_lab python3 "$LIB/set_patience.py" "$(proxy_worker)" $table "$1" "$2"
}

@test "a handshake that goes nowhere has its time, and is a connection of the job meanwhile" {
	local client site

	lab_name mute.allowed.test 11.0.0.70
	in_internet "$LIB/listen.py" 11.0.0.70 443 sleep 60 3>&- &
	site=$!
	up
	in_job_directly python3 "$LIB/half_handshake.py" allowed.test >"$BATS_TEST_TMPDIR/client" 3>&- &
	client=$!
	await "$BATS_TEST_TMPDIR/client" begun
	is "$(jobfence show "$JOB" --json | jq .statistics.open.now)" 1
	kill "$client"
	wait "$client" || true
	shorten client-tls 1
	is "$(in_job_directly python3 "$LIB/half_handshake.py" allowed.test | paste -sd ' ')" 'begun ended'
	shorten site-tls 1
	is "$(fetch --cacert "$CA" -o "$BATS_TEST_TMPDIR/body" -w '%{http_code} %header{x-jobfence-denied}' https://mute.allowed.test/)" '504 timeout'
	is "$(fetch --cacert "$CA" $SITE/)" 'this is allowed.test'
	kill "$site"
}

worker_is_another()
{
	local worker

	worker=$(proxy_worker)
	[ -n "$worker" ] && [ "$worker" != "$1" ]
}

# Runs a command as the user $1, who has no capability.
as_user()
{
	in_lab setpriv --reuid "$1" --regid "$1" --clear-groups --inh-caps=-all --bounding-set=-all "${@:2}"
}

@test "the key of the authority is out of reach of the user of the proxy" {
	local process user

	up
	for process in $(proxy_processes); do
		# shellcheck disable=SC2016 # fields of awk
		user=$(in_lab awk '$1 == "Uid:" { print $2 }' "/proc/$process/status")
		ends_with 1 as_user "$user" head -c 1 "/proc/$process/mem"
		like "$ERRORS" '*Permission denied*'
		ends_with 2 as_user "$user" ls "/proc/$process/fd/"
		like "$ERRORS" '*Permission denied*'
		# shellcheck disable=SC2016 # fields of awk
		is "$(in_lab awk '/^Max core file size/ { print $5, $6 }' "/proc/$process/limits")" '0 0'
	done
}

# Writes the private key of the job's authority to the file $1.
copy_key()
{
	local fd

	fd=$(in_lab find "/proc/$(proxy_processes | head -n 1)/fd" -lname '/memfd:authority*')
	in_lab head -c 32 "$fd" >"$1"
	is "$(wc -c <"$1")" 32
}

# Prints where processes of the node, and files of its state, have what is in the file $1.
places_of()
{
	in_lab "$LIB/find_in_memory.py" --key --below /run/jobfence "$1"
}

HELD='jobfence-proxy /memfd:authority (deleted) lo dd
jobfence-tls /memfd:authority (deleted) lo dd'

is_held()
{
	[ "$(places_of "$1")" = "$HELD" ]
}

is_renewed()
{
	! in_lab cmp -s "$(up_says .trust.folder)/ca.pem" "$CA"
}

@test "a caller that can't raise its limit of locked memory may use what it has" {
	up
	jobfence down "$JOB"
	in_lab setpriv --bounding-set -sys_resource prlimit --memlock=0:100000 "$JOBFENCE" up --job "$JOB" \
		--config "$BATS_TEST_TMPDIR/policy" --domain .allowed.test --intercept .allowed.test --json >"$UP"
	like "$(in_lab cat "/proc/$(proxy_worker)/limits")" '*Max locked memory *100000 *100000 *'
	up_says .trust.ca >"$CA"
	is "$(fetch --cacert "$CA" $SITE/)" 'this is allowed.test'
}

@test "the key of the authority is in locked pages alone, which are in no core file" {
	local key=$BATS_TEST_TMPDIR/key

	! is_sanitized || skip 'the shadow of a sanitizer is too large to be searched'
	up
	copy_key "$key"
	is "$(places_of "$key")" "$HELD"
	# A certificate is signed, and the authority renewed.
	is "$(fetch --cacert "$CA" $SITE/)" 'this is allowed.test'
	is "$(fetch --cacert "$CA" https://sub.www.allowed.test/)" 'this is sub.www.allowed.test'
	in_lab kill -HUP "$(up_says .proxy.pid)"
	eventually is_renewed
	# The process that renews may not have ended.
	eventually is_held "$key" || is "$(places_of "$key")" "$HELD"
	# It would be found elsewhere.
	in_lab cp "$key" /run/jobfence/key
	like "$(places_of "$key")" "*/run/jobfence/key*"
	in_lab rm /run/jobfence/key
}

@test "a worker can't be traced any more when it reads the key" {
	local trace=$BATS_TEST_TMPDIR/trace worker tracer key fd

	up
	fd=$(in_lab find "/proc/$(proxy_processes | head -n 1)/fd" -lname '/memfd:authority*')
	worker=$(proxy_worker)
	in_lab strace -f -e trace=prctl,mmap -o "$trace" -p "$(proxy_processes | head -n 1)" 2>"$BATS_TEST_TMPDIR/attached" 3>&- &
	tracer=$!
	await "$BATS_TEST_TMPDIR/attached" attached
	in_lab kill -KILL "$worker"
	eventually worker_is_another "$worker"
	is "$(fetch --cacert "$CA" --retry 5 --retry-all-errors $SITE/)" 'this is allowed.test'
	kill "$tracer"
	wait "$tracer" || true
	key=$(grep -n "mmap(NULL, [0-9]*, PROT_READ, MAP_SHARED, ${fd##*/}, 0)" "$trace" | head -n 1 | cut -d : -f 1)
	[ "$(grep -n 'PR_SET_DUMPABLE, SUID_DUMP_DISABLE' "$trace" | head -n 1 | cut -d : -f 1)" -lt "$key" ]
}

@test "nothing of the trust is left behind by the end of a job" {
	local folder

	up
	folder=$(up_says .trust.folder)
	in_lab test -s "$folder/ca.pem"
	jobfence down "$JOB"
	ends_with 1 in_lab test -e "$folder"
}
