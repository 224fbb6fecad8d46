#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Secrets that the proxy sets in requests of a job. No variable and no command line of these
# tests has a value: it is in files alone.

load lib/job

POLICY=${BATS_TEST_TMPDIR:-}/policy
CA=${BATS_TEST_TMPDIR:-}/ca.pem
KEY=${BATS_TEST_TMPDIR:-}/key
SITE=https://allowed.test

# Writes a value to the file $1.
make_key()
{
	head -c 24 /dev/urandom | base64 | tr '+/' 'ab' >"$1"
}

# Makes the job, with allowed.test intercepted. The arguments are further options.
up()
{
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'allow_intercept = allowed.test .test' \
		"upstream_ca = $LAB/authority.pem" 'log_paths = yes' >"$POLICY"
	job_up --config "$POLICY" --rate 0 --domain allowed.test --intercept allowed.test "$@" || return
	up_says .trust.ca >"$CA"
}

up_with_key()
{
	make_key "$KEY"
	up --secret "key=file:$KEY@allowed.test" "$@"
}

# Sends a request by curl, which trusts the authority of the job alone.
secure()
{
	fetch --cacert "$CA" --capath "$BATS_TEST_TMPDIR/none" "$@"
}

# Prints the status and the word of X-Jobfence-Denied, or -. The body is in
# $BATS_TEST_TMPDIR/body.
status()
{
	secure -o "$BATS_TEST_TMPDIR/body" -w '%{http_code} %header{x-jobfence-denied}' "$@"
}

# Prints, for each request that the web server saw, the values of Authorization as words:
# `key` stands for that of $KEY, `none` for no field.
keys()
{
	lab_seen '.event == "request"' .headers |
		jq -r --rawfile key "$KEY" '[.[] | select(.[0] | ascii_downcase == "authorization") | .[1]]
			| if . == [] then "none" else map(if . == "Bearer " + ($key | rtrimstr("\n")) then "key" else . end) | join("+") end' |
		paste -sd ' '
}

@test "a request gets the secret, and the job's own field goes" {
	up_with_key
	is "$(secure $SITE/)" 'this is allowed.test'
	is "$(secure -H 'Authorization: Bearer of the job' $SITE/)" 'this is allowed.test'
	is "$(secure -u user:password -d body $SITE/upload | cut -d ' ' -f 1)" 4
	is "$(secure --proxy "http://$(up_says .proxy.address)" $SITE/)" 'this is allowed.test'
	is "$(secure --http1.0 $SITE/)" 'this is allowed.test'
	is "$(secure -I -o /dev/null -w '%{http_code}' $SITE/)" 200
	is "$(keys)" 'key key key key key key'
}

@test "only the host and the path of a secret get it, and only inside TLS" {
	make_key "$KEY"
	up --domain other.test --intercept other.test --secret "key=file:$KEY@allowed.test/repos/acme"
	secure -o /dev/null "$SITE/repos/acme?x" -o /dev/null $SITE/repos/acme/x/y -o /dev/null $SITE/repos/./x/../acme/
	is "$(keys)" 'key key key'
	lab_forget
	secure -o /dev/null $SITE/repos/acme-evil -o /dev/null $SITE/ -o /dev/null $SITE/repos/acme/../x -o /dev/null https://other.test/repos/acme
	fetch -o /dev/null http://allowed.test/repos/acme
	is "$(keys)" 'none none none none none'
	# The job sends no key of its own to the host, whatever the path.
	lab_forget
	secure -o /dev/null -H 'Authorization: mine' $SITE/x
	secure -o /dev/null -H 'Authorization: mine' https://other.test/x
	is "$(keys)" 'none mine'
	lab_forget
	fetch -o /dev/null -H 'Authorization: mine' http://allowed.test/repos/acme
	is "$(keys)" none
	is "$(status --path-as-is "$SITE/repos%2facme")" '400 rule'
	is "$(status --path-as-is "$SITE/x/..;/repos/acme")" '400 rule'
}

@test "a rule says for which methods a secret is" {
	make_key "$KEY"
	up --secret "key=file:$KEY@GET,HEAD allowed.test/a/*"
	secure -o /dev/null $SITE/a/b -I -o /dev/null $SITE/a/b
	secure -o /dev/null -d x $SITE/a/b
	secure -o /dev/null $SITE/a/b/c
	is "$(keys)" 'key key none none'
}

@test "a secret may have a header of its own, and a job several secrets" {
	local other=$BATS_TEST_TMPDIR/other

	make_key "$KEY"
	make_key "$other"
	up --domain other.test --intercept other.test --secret-header 'second=X-Api-Key: %s;v=1' \
		--secret "key=file:$KEY@allowed.test" --secret "key=@other.test" --secret "second=file:$other@other.test"
	secure -o /dev/null $SITE/ -o /dev/null -H 'X_Api_Key: mine' https://other.test/
	is "$(keys)" 'key key'
	is "$(received x-api-key)" "$(<"$other");v=1"
}

@test "a value may come from a descriptor, which no command of the job has" {
	make_key "$KEY"
	up --secret 'key=fd:7@allowed.test' 7<"$KEY"
	secure -o /dev/null $SITE/
	is "$(keys)" key
	cp "$KEY" "$KEY.copy"
	is "$(jobfence run --domain allowed.test --intercept allowed.test --secret 'key=fd:7@allowed.test' 7<"$KEY.copy" -- \
		sh -c 'cat <&7' 2>&1 | grep -c -F -f "$KEY")" 0
}

@test "a descriptor that nobody gave is not one of the lock and the like" {
	local fd

	for fd in {3..9}; do
		ends_with 1 up --secret "key=fd:$fd@allowed.test" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
		like "$ERRORS" "jobfence: secret key: descriptor $fd: Bad file descriptor"
	done
}

@test "places as long as they may be are kept whole" {
	local long

	make_key "$KEY"
	# With "* allowed.test", "/**" and a newline it has 1024 bytes.
	long=$(printf 'x%.0s' {1..1005})
	ends_with 2 up --secret "key=file:$KEY@allowed.test/x$long"
	like "$ERRORS" '*the places of a secret are too long*'
	up --secret "key=file:$KEY@allowed.test/$long"
	secure -o /dev/null "$SITE/$long" -o /dev/null "$SITE/x$long"
	is "$(keys)" 'key none'
}

@test "a caller's limit of locked memory does not bind the proxy" {
	local limited=(prlimit --memlock=65536: "$JOBFENCE")

	make_key "$KEY"
	up
	jobfence down "$JOB"
	in_lab "${limited[@]}" up --job "$JOB" --json --config "$POLICY" --domain allowed.test --intercept allowed.test \
		--secret "key=file:$KEY@allowed.test" >"$UP"
	jobfence update "$JOB" --secret key
	like "$(in_lab cat "/proc/$(proxy_worker)/limits")" '*Max locked memory *196608 *'
}

@test "a restarted worker goes on with the secret, and a repair reads its file again" {
	local worker

	up_with_key
	worker=$(proxy_worker)
	in_lab kill -KILL "$worker"
	secure --retry 20 --retry-delay 1 --retry-all-errors -o /dev/null $SITE/
	[ "$(proxy_worker)" != "$worker" ]
	make_key "$KEY"
	kill_proxy
	jobfence repair "$JOB"
	jobfence show "$JOB" --json | jq -r .trust.ca >"$CA"
	secure -o /dev/null $SITE/
	like "$(keys)" '* key'
}

@test "without its value a secret is not left out silently" {
	make_key "$KEY"
	up --secret 'key=fd:7@allowed.test/a' 7<"$KEY"
	kill_proxy
	jobfence repair "$JOB"
	jobfence show "$JOB" --json | jq -r .trust.ca >"$CA"
	is "$(status $SITE/a)" '503 rule'
	like "$(<"$BATS_TEST_TMPDIR/body")" '*the secret key has no value*'
	is "$(status $SITE/b)" '200 '
}

@test "what can't be a secret is an error that does not show it" {
	local row

	for row in '' '\n' 'short' 'line one\nline two' 'carriage\rreturn' 'a tab\tinside' 'null\0byte!' ' begins with a blank' 'caf\0303\0251 crème' \
		"$(printf 'x%.0s' {1..2041})"; do
		printf %b "$row" >"$KEY"
		ends_with 2 up --secret "key=file:$KEY@allowed.test"
		like "$ERRORS" 'jobfence: secret key: it *'
		[[ ${#row} -lt 7 || $ERRORS != *"${row:0:7}"* ]] || lab_fail "$ERRORS"
	done
	printf '%s\r\n' "$(printf 'x%.0s' {1..2040})" >"$KEY"
	up --secret "key=file:$KEY@allowed.test"
	secure -o /dev/null $SITE/
	is "$(received authorization | wc -c)" 2048
}

@test "a secret that would have no force is an error" {
	make_key "$KEY"
	ends_with 2 up --secret "key=file:$KEY@other.test"
	like "$ERRORS" "*is for 'other.test', whose TLS is not opened; to open it: --intercept 'other.test'*"
	ends_with 2 up --domain other.test --secret "key=file:$KEY@other.test"
	ends_with 2 up --secret "key=file:$KEY@.allowed.test"
	like "$ERRORS" '*no wildcard*'
	ends_with 2 up --secret "key=file:$KEY"
	ends_with 2 up --secret "key=$KEY@allowed.test"
	ends_with 2 up --secret "key=env:KEY@allowed.test"
	ends_with 2 up --secret "key=file:@allowed.test"
	ends_with 2 up --secret "key=fd:1@allowed.test"
	ends_with 2 up --secret "a key=file:$KEY@allowed.test"
	ends_with 2 up --secret-header 'key=Authorization: %s'
	ends_with 2 up --secret "key=file:$KEY@allowed.test" --secret "key=file:$KEY.2@allowed.test"
	ends_with 2 up --secret "key=file:$KEY@allowed.test" --secret "other=file:$KEY@allowed.test/a"
	like "$ERRORS" '*set the same field*'
	for header in 'Authorization' 'Authorization: Bearer' 'Host: %s' 'Connection: %s' 'A: %s%s' 'A: %d%s' 'Authorization: Negotiate %s' \
		'X-Jobfence-Job-ID: %s' $'A: \r\nB: %s' 'Ä: %s'; do
		ends_with 2 up --secret "key=file:$KEY@allowed.test" --secret-header "key=$header"
	done
	ends_with 1 up --secret "key=file:$KEY.missing@allowed.test"
	ends_with 1 up --secret "key=file:$BATS_TEST_TMPDIR@allowed.test"
	ends_with 1 up --secret 'key=fd:77@allowed.test'
	ends_with 2 jobfence up --job "$JOB" --network none --secret "key=file:$KEY@allowed.test"
	ends_with 2 jobfence up --job "$JOB" --spec <(echo '{"secrets": ["key"]}')
}

@test "a caller reads no file of others by it" {
	local rights=-all,+sys_admin,+net_admin,+net_bind_service,+setuid,+setgid,+setpcap,+kill,+dac_read_search,+sys_chroot,+dac_override

	make_key "$KEY"
	chmod 600 "$KEY"
	chmod 755 "$BATS_TEST_TMPDIR"
	ends_with 125 in_lab env SUDO_UID=65534 "$JOBFENCE" run --domain allowed.test --intercept allowed.test \
		--secret "key=file:$KEY@allowed.test" -- true
	like "$ERRORS" '*secret key: user 65534 cannot open *: Permission denied'
	ends_with 125 in_lab env SUDO_UID=0x0 "$JOBFENCE" run --domain allowed.test --intercept allowed.test \
		--secret "key=file:$KEY@allowed.test" -- true
	like "$ERRORS" '*secret key: user 4294967294 cannot open *: Permission denied'
	# Nor by a policy that the caller names.
	printf '%s\n' '[secret key]' "file = $KEY" 'use = allowed.test' 'label = a=b' >"$POLICY"
	ends_with 125 in_lab env SUDO_UID=65534 "$JOBFENCE" run --config "$POLICY" --domain allowed.test --label a=b -- true
	like "$ERRORS" '*secret key: user 65534 cannot open *: Permission denied'
	ends_with 125 in_lab setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$rights" --ambient-caps "$rights" "$JOBFENCE" \
		run --domain allowed.test --intercept allowed.test --secret "key=file:$KEY@allowed.test" -- true
	like "$ERRORS" '*secret key: user 65534 cannot open *: Permission denied'
}

@test "show and JSON say where a secret is set, and never its value" {
	up_with_key
	is "$(up_says '.secrets | map([.name, .header, .uses]) | tojson')" '[["key","Authorization: Bearer %s",["* allowed.test/**"]]]'
	like "$(jobfence show "$JOB")" '*secrets:*key: Authorization in \* allowed.test/\*\**'
	is "$({ jobfence show "$JOB" --json; jobfence show "$JOB"; jobfence list --json; cat "$UP"; } | grep -c -F -f "$KEY")" 0
}

@test "no field of an answer brings a secret back, be it encoded or in a redirect" {
	local seen=$BATS_TEST_TMPDIR/seen

	up_with_key
	is "$(secure -D "$seen" -o /dev/null -w '%{http_code} %{redirect_url}' $SITE/reflect)" '302 '
	is "$(tr -d '\r' <"$seen" | grep .)" 'HTTP/1.1 103 
HTTP/1.1 302 
X-Other: stays
Content-Length: 0'
	# The site may remember the secret, and say it in answer to a request that had none.
	jobfence down "$JOB"
	up --secret "key=file:$KEY@allowed.test/a"
	secure -o /dev/null -D "$seen" "$SITE/raw?HTTP/1.1%20200%20OK%0d%0aA:%20$(<"$KEY")%0d%0aB:%20c%0d%0aContent-Length:%200%0d%0a%0d%0a"
	fetch -D "$seen.2" -o /dev/null "http://allowed.test/raw?HTTP/1.1%20200%20OK%0d%0aA:%20$(<"$KEY")%0d%0aB:%20c%0d%0aContent-Length:%200%0d%0a%0d%0a"
	is "$(cat "$seen" "$seen.2" | grep -c '^[AB]:')" 2
}

# Has the site say the answer $1. Prints the fields A to D that come of it.
fields_of()
{
	secure -o /dev/null -D "$BATS_TEST_TMPDIR/seen" "$SITE/raw?$(printf '%b' "$1" | jq -sRr @uri)" &&
		grep -o '^[A-D]:' "$BATS_TEST_TMPDIR/seen" | paste -sd ' '
}

@test "no field brings a word of a secret back, or one that is encoded again and again" {
	local word once twice

	make_key "$KEY"
	word="$(<"$KEY")+/="
	printf 'Token %s' "$word" >"$KEY"
	once=$(jq -rn --arg word "$word" '$word | @uri')
	twice=$(jq -rn --arg word "$once" '$word | @uri')
	up --secret "key=file:$KEY@allowed.test" --secret-header 'key=Authorization: %s'
	is "$(fields_of "HTTP/1.1 200 OK\r\nA: x$word\r\nB: /?next=$(jq -rn --arg word "$twice" '$word | @uri')\r\nC: ${word:1} Token\r\nD: /?Token+$twice\r\nContent-Length: 0\r\n\r\n")" C:
	is "$(fields_of 'HTTP/1.1 200 OK\r\nA: %25%2525\r\nB: %2\r\nC: %\r\nD: %41\r\nContent-Length: 0\r\n\r\n')" 'A: B: C: D:'
}

@test "TRACE and TRACK, whose answer repeats a request, are refused" {
	local method

	up_with_key
	for method in TRACE TRACK trace; do
		is "$(status -X $method $SITE/)" '405 rule' || lab_fail "$method"
		is "$(fetch -X $method -D - -o /dev/null http://allowed.test/ | head -n 1)" $'HTTP/1.1 405 Method Not Allowed\r'
	done
	is "$(requests)" 0
}

# Uses the secret in all ways. The argument is a command to call after each of them.
use_key()
{
	local check=${1:-true} path

	head -c 200000 /dev/zero >"$BATS_TEST_TMPDIR/zeros"
	for path in /?first echo reflect bytes/200000 chunked/100 garbage close; do
		secure -o /dev/null "$SITE/$path" && $check || return
	done
	secure -o /dev/null --data-binary "@$BATS_TEST_TMPDIR/zeros" $SITE/upload && $check || return
	secure -o /dev/null -H 'Transfer-Encoding: chunked' --data-binary "@$BATS_TEST_TMPDIR/zeros" $SITE/echo && $check || return
	in_job_directly timeout 30 "$LIB/websocket_tls.py" "$CA" >/dev/null && $check
}

# Prints where the processes of the node, and files of its state, have the value. The web
# server, which got it, is left out.
places_of_key()
{
	in_lab "$LIB/find_in_memory.py" --below /run/jobfence --except "$(<"$LAB/internet.pid")" "$KEY"
}

LOCKED='jobfence-proxy /memfd:secrets (deleted) lo dd
jobfence-tls /memfd:secrets (deleted) lo dd'

is_locked()
{
	[ "$(places_of_key)" = "$LOCKED" ]
}

# Fails unless the value is in the locked pages of the two processes of the proxy alone. The
# worker may still have to release a buffer.
nobody_has_key()
{
	eventually is_locked || is "$(places_of_key)" "$LOCKED"
}

# Has a program of the job keep all that it saw of the site, but the body of /echo, which
# repeats the fields of the request.
keep_what_the_job_sees()
{
	# shellcheck disable=SC2016 # expanded in the job
	in_job_directly bash -c '
		seen=$(curl -sS -i --max-time 60 --cacert "$0" "$@"; env; cat /proc/*/cmdline /proc/*/environ | tr "\0" "\n")
		printf %s "$seen" && echo and keeps it && read -r _ <> <(:)' \
		"$CA" $SITE/?first $SITE/reflect $SITE/early-hints $SITE/status/404 -L $SITE/reflect \
		>"$BATS_TEST_TMPDIR/seen" 3>&- &
	await "$BATS_TEST_TMPDIR/seen" 'and keeps it'
}

@test "no process of the node has a value but in the locked pages of the proxy, and no file has one" {
	local events=$BATS_TEST_TMPDIR/events

	! is_sanitized || skip 'the shadow of a sanitizer is too large to be searched'
	up_with_key --label a=b
	jobfence update "$JOB" --trace on
	keep_what_the_job_sees
	use_key nobody_has_key
	{
		jobfence events --json
		jobfence events --trace "$JOB"
		jobfence log "$JOB" --json
		jobfence show "$JOB" --json
		jobfence down "$JOB" --json
	} >"$events" 2>&1
	like "$(<"$events")" '*/reflect*'
	like "$(<"$BATS_TEST_TMPDIR/seen")" '*this is allowed.test*HTTP/1.1 103*X-Other: stays*'
	is "$(cat "$events" "$BATS_TEST_TMPDIR/seen" | grep -a -c -F -f "$KEY")" 0
	kill %% || true
}

# Has a process of the node hold the value as the program $1 of the shell does. $0 is the
# file there. Prints where the search finds it.
found_if()
{
	local holds=$BATS_TEST_TMPDIR/holds

	rm -f "$holds"
	in_lab bash -c "$1" "$KEY" >"$holds" 3>&- &
	await "$holds" '^[0-9]'
	places_of_key
	in_lab kill "$(<"$holds")"
	wait $! || true
}

@test "a process that does have the value is found, in its memory as well as elsewhere" {
	make_key "$KEY"
	is "$(places_of_key)" ''
	# shellcheck disable=SC2016 # expanded there
	{
		like "$(found_if 'held=$(<"$0"); echo $$; read -r _ <> <(:)')" 'bash [[]heap]*'
		is "$(found_if 'export HELD=$(<"$0"); echo $$; exec sleep 300')" 'sleep [stack]
sleep environ'
		is "$(found_if 'exec 7<"$0"; echo $$; exec sleep 300')" "sleep $KEY open"
		is "$(found_if 'cp "$0" "$0.copy"; exec 7<"$0.copy"; rm "$0.copy"; echo $$; exec sleep 300')" "sleep $KEY.copy (deleted) open"
	}
	is "$(places_of_key)" ''
}

@test "a proxy that ends by a fault leaves no core file, and nobody else can trace it" {
	local pid

	up_with_key
	for pid in $(proxy_processes); do
		like "$(in_lab cat "/proc/$pid/limits")" '*Max core file size *0 *0 *'
		# Of a process that can be dumped, its user owns these files.
		is "$(in_lab stat -c %u "/proc/$pid/environ")" 0
	done
}

# Has a debugger write a core file of a process. If $2 is `on`, it has the pages that should
# be in none. Prints how often the value is in it.
in_core()
{
	local core=$BATS_TEST_TMPDIR/core

	rm -f "$core"
	in_lab gdb -nx -batch -p "$1" -ex "set dump-excluded-mappings $2" -ex "generate-core-file $core" \
		>"$BATS_TEST_TMPDIR/gdb" 2>&1 </dev/null
	[ -s "$core" ] || lab_fail "$(<"$BATS_TEST_TMPDIR/gdb")" || return
	grep -a -o -F -f "$KEY" "$core" | wc -l
}

@test "a core file that root has written of a proxy has no value" {
	local pid

	! is_sanitized || skip 'the shadow of a sanitizer is too large for a file'
	up_with_key
	use_key nobody_has_key
	for pid in $(proxy_processes); do
		is "$(in_core "$pid" off)" 0
		# That file has what is looked for, if it is to.
		is "$(in_core "$pid" on)" 1
	done
}

@test "an update gives a secret another value, which later requests and workers have" {
	local worker

	up_with_key
	secure -o /dev/null $SITE/a
	make_key "$KEY"
	secure -o /dev/null $SITE/b
	jobfence update "$JOB" --secret key
	secure -o /dev/null $SITE/c
	# The first value is not that of the file any more.
	like "$(keys)" 'Bearer * Bearer * key'
	make_key "$KEY.2"
	mv "$KEY.2" "$KEY"
	jobfence update "$JOB" --secret key=fd:9 9<"$KEY"
	lab_forget
	secure -o /dev/null $SITE/d
	worker=$(proxy_worker)
	in_lab kill -KILL "$worker"
	secure --retry 20 --retry-delay 1 --retry-all-errors -o /dev/null $SITE/e
	is "$(keys)" 'key key'
	is_sanitized || nobody_has_key # the shadow of a sanitizer is too large
	ends_with 2 jobfence update "$JOB" --secret key
	like "$ERRORS" '*secret key has no file to read again*'
	make_key "$KEY"
	jobfence update "$JOB" --secret "key=file:$KEY"
	is "$(jobfence show "$JOB" --json | jq -r '.secrets[0].file')" "$KEY"
}

@test "an update with a bad value changes nothing" {
	up_with_key --secret "second=file:$KEY@allowed.test" --secret-header 'second=X-Second: %s'
	printf 'short' >"$KEY.bad"
	ends_with 2 jobfence update "$JOB" --secret "key=file:$KEY.bad"
	ends_with 2 jobfence update "$JOB" --secret "key=file:$KEY" --secret "second=file:$KEY.bad"
	ends_with 1 jobfence update "$JOB" --secret "key=file:$KEY.missing"
	ends_with 2 jobfence update "$JOB" --secret "key=$KEY"
	ends_with 2 jobfence update "$JOB" --secret "other=file:$KEY"
	like "$ERRORS" "*began without a secret 'other*"
	secure -o /dev/null $SITE/
	is "$(keys)" key
	is "$(jobfence show "$JOB" --json | jq -r '.secrets | map(.file) | unique | join(" ")')" "$KEY"
	[ -n "$(received x-second)" ]
	# Without a proxy nothing is recorded either.
	kill_proxy
	ends_with 1 jobfence update "$JOB" --secret key
}

# Makes a job by a policy with the lines $1. The arguments that follow are its options.
up_by_policy()
{
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' "upstream_ca = $LAB/authority.pem" "$1" >"$POLICY"
	job_up --config "$POLICY" --rate 0 "${@:2}"
}

@test "the policy has secrets for jobs with some labels, and opens the TLS that they need" {
	local section labels

	make_key "$KEY"
	section="[secret key]
file = $KEY
use = GET allowed.test/a/**
use = nobody.test
label = team=acme
label = stage=test"
	up_by_policy "$section" --domain allowed.test --label team=acme --label stage=test --label more=yes
	up_says .trust.ca >"$CA"
	secure -o /dev/null $SITE/a/b -o /dev/null $SITE/b
	is "$(keys)" 'key none'
	is "$(up_says '[.intercept, (.secrets | map(.uses))] | tojson')" '[["allowed.test"],[["GET allowed.test/a/**","* nobody.test/**"]]]'
	jobfence down "$JOB"
	for labels in '' '--label team=acme' '--label team=evil --label stage=test' '--label team=acme --label stage=Test'; do
		# shellcheck disable=SC2086 # words
		up_by_policy "$section" --domain allowed.test $labels
		is "$(up_says '[.secrets, .trust] | tojson')" '[[],null]' || lab_fail "with $labels"
		jobfence down "$JOB"
	done
	# It is for a host that the job does not reach.
	up_by_policy "$section" --domain other.test --label team=acme --label stage=test
	is "$(up_says '[.secrets, .intercept] | tojson')" '[[],[]]'
	jobfence down "$JOB"
	ends_with 2 up_by_policy "allow_intercept = allowed.test
$section" --domain allowed.test --label team=acme --label stage=test --intercept allowed.test \
		--secret "key=file:$KEY@allowed.test"
	like "$ERRORS" '*give yours another name*'
}

@test "the policy has secrets for specs that somebody has signed" {
	local folder=$BATS_TEST_TMPDIR name section

	make_key "$KEY"
	for name in alice bob; do
		ssh-keygen -q -t ed25519 -N '' -C $name -f "$folder/$name"
		printf '%s %s\n' $name "$(<"$folder/$name.pub")" >>"$folder/signers"
	done
	section="trusted_keys = $folder/signers
[signer alice]
allow_domain = allowed.test
[signer bob]
allow_domain = allowed.test
[secret key]
file = $KEY
use = allowed.test
signer = alice"
	echo '{"network": {"domains": ["allowed.test"]}}' >"$folder/spec"
	for name in alice bob; do
		rm -f "$folder/spec.sig"
		ssh-keygen -q -Y sign -f "$folder/$name" -n jobfence "$folder/spec" 2>"$folder/output"
		up_by_policy "$section" --spec "$folder/spec" --signature "$folder/spec.sig"
		is "$(up_says '.secrets | length')" "$([ $name = alice ] && echo 1 || echo 0)" || lab_fail "by $name"
		jobfence down "$JOB"
	done
	up_by_policy "$section" --spec "$folder/spec"
	is "$(up_says '.secrets | length')" 0
}

@test "a secret for what was signed is for no host beside it" {
	local folder=$BATS_TEST_TMPDIR section row

	make_key "$KEY"
	ssh-keygen -q -t ed25519 -N '' -C alice -f "$folder/alice"
	printf 'alice %s\n' "$(<"$folder/alice.pub")" >"$folder/signers"
	section="trusted_keys = $folder/signers
allow_intercept = .test
[signer alice]
allow_domain = .test
[secret key]
file = $KEY
use = allowed.test
use = other.test
signer = alice"
	while IFS='|' read -r row options wanted; do
		echo "$row" >"$folder/spec"
		rm -f "$folder/spec.sig"
		ssh-keygen -q -Y sign -f "$folder/alice" -n jobfence "$folder/spec" 2>"$folder/output"
		# shellcheck disable=SC2086 # words
		up_by_policy "$section" --spec "$folder/spec" --signature "$folder/spec.sig" $options
		is "$(up_says '.secrets | map(.uses) | tojson')" "$wanted" || lab_fail "$row $options"
		jobfence down "$JOB"
	done <<'END'
{"network": {"domains": ["git.test"]}}|--domain allowed.test|[]
{"network": {"domains": ["allowed.test"]}}|--domain other.test --intercept other.test|[["* allowed.test/**"]]
{"network": {"domains": ["allowed.test", "other.test"]}}||[["* allowed.test/**","* other.test/**"]]
END
}

@test "a section of the policy that is not whole, or makes no sense, is an error" {
	local row

	make_key "$KEY"
	for row in "file = $KEY|use = a.test" "file = $KEY|label = a=b" 'use = a.test|label = a=b' "file = key|use = a.test|label = a=b" \
		"file = $KEY|file = $KEY|use = a.test|label = a=b" "file = $KEY|use = .a.test|label = a=b" "file = $KEY|use = a.test|label = a" \
		"file = $KEY|use = a.test|signer = a|signer = b" "file = $KEY|use = a.test|label = a=b|header = Host: %s" \
		"file = $KEY|use = a.test|label = a=b|allow_domain = b.test"; do
		ends_with 3 up_by_policy "[secret key]
${row//|/
}" --domain allowed.test || lab_fail "$row"
	done
	ends_with 3 up_by_policy "[secret a key]
file = $KEY" --domain allowed.test
	ends_with 1 up_by_policy "[secret key]
file = $KEY.missing
use = allowed.test
label = a=b" --domain allowed.test --label a=b
}
