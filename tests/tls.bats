#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# TLS through a job's proxy. The name in the ClientHello decides, in whatever form it
# arrives.

load lib/job

up()
{
	job_up --rate 0 --domain allowed.test --domain www.allowed.test "$@"
}

hello()
{
	in_job_directly "$LIB/tls.py" "$@"
}

# Prints the extension server_name (RFC 6066 section 3) for the name $1 in hexadecimal. The
# name may have escapes of printf's %b.
name_of()
{
	local name

	name=$(printf %b "$1" | od -An -v -tx1 | tr -d ' \n')
	printf '%04x00%04x%s' $((${#name} / 2 + 3)) $((${#name} / 2)) "$name"
}

@test "an allowed server name gets to the site, by IPv4 and IPv6" {
	up
	is "$(fetch -4 https://allowed.test)" 'this is allowed.test'
	is "$(fetch -6 https://allowed.test)" 'this is allowed.test'
	is "$(hello --name allowed.test 9.9.9.9)" 'this is allowed.test'
	is "$(lab_seen '.event == "tls"' .name | sort -u)" '"allowed.test"'
	is "$(lab_seen '.event == "connection" and .to == "9.9.9.9"')" ''
}

@test "another server name gets an alert, and the site sees nothing" {
	up
	like "$(hello --name denied.test 11.0.0.2)" 'alert *'
	like "$(hello --name sub.www.allowed.test 11.0.0.2)" 'alert *'
	like "$(hello --name allowed.test.denied.test 11.0.0.2)" 'alert *'
	like "$(fetch --connect-to ::11.0.0.2: https://denied.test 2>&1)" 'curl: (35) *alert access denied*'
	lab_saw_nothing
}

@test "a server name in other spellings of it gets to the site as it came" {
	local name

	up --domain under_score.test --domain xn--bcher-kva.test
	for name in ALLOWED.tesT allowed.test. UNDER_score.test xn--bcher-kva.test; do
		is "$(hello --name $name 11.0.0.2)" "this is $name"
		is "$(hello --connect ${name%.}:443 --name $name 192.0.0.8 80)" "this is $name"
		is "$(lab_seen '.event == "tls"' .name | tail -n 1)" "\"$name\""
	done
}

@test "a server name that is none, or not the only one, gets an alert, and the site sees nothing" {
	local name good

	good=$(name_of allowed.test)
	up --domain 11.0.0.2
	# No list, an empty list, an empty name. Then addresses, names that readers take
	# differently, two types of name, and two names.
	for name in '' 0000 0003000000 "$(name_of 11.0.0.2)" "$(name_of 2600:1::2)" "$(name_of '[2600:1::2]')" "$(name_of 184549378)" \
		"$(name_of 'allowed.test\x00')" "$(name_of 'allowed.test\x00.denied.test')" "$(name_of 'denied.test\x00.allowed.test')" \
		"$(name_of allowed.test..)" "$(name_of .allowed.test)" "$(name_of allowed..test)" "$(name_of 'allowed.test ')" \
		"$(name_of allowed.test:443)" "$(name_of '*.test')" "$(name_of 'allowed.test\n')" "$(name_of 'all\xc3\xb3wed.test')" \
		"${good:0:4}01${good:6}" "${good}00" "001e${good:4}${good:4}" "001e${good:4}01${good:6}"; do
		is "$(hello --extension "0:$name" 11.0.0.2)" 'alert 50' || lab_fail "for $name"
		is "$(hello --connect 11.0.0.2:443 --extension "0:$name" 192.0.0.8 80)" 'alert 50' || lab_fail "for $name in a tunnel"
	done
	for name in "$(name_of denied.test)" "$good"; do
		is "$(hello --name allowed.test --extension "0:$name" 11.0.0.2)" 'alert 50'
		is "$(hello --connect allowed.test:443 --name allowed.test --extension "0:$name" 192.0.0.8 80)" 'alert 50'
	done
	is "$(lab_seen '.event == "connection"')" ''
}

# Prints reasons, names and counts of the refusals that jq's condition $1 selects.
refusals()
{
	jobfence show "$JOB" --json | jq -c "[.refusals[] | select($1) | [.reason, .name, .count]]"
}

# An outer encrypted ClientHello and the mark of an inner one (RFC 9849 section 5).
ECH=(65037:0000010001aa0000 65037:01)

@test "an encrypted ClientHello gets an alert, whatever name stands beside it" {
	local way extension

	up --domain 11.0.0.2
	for way in '--name allowed.test 11.0.0.2' '--name allowed.test --connect allowed.test:443 192.0.0.8 80' 11.0.0.2; do
		for extension in "${ECH[@]}"; do
			# shellcheck disable=SC2086 # a list of words
			is "$(hello --extension $extension $way)" 'alert 49'
		done
	done
	is "$(refusals true)" '[["ech","11.0.0.2",2],["ech","allowed.test",4]]'
	is "$(jobfence show "$JOB" --json | jq '[.hits[]] | add')" 2 # the tunnels
	like "$(jobfence show "$JOB")" '*encrypted ClientHellos (ECH) can hide a name*'
	# The encrypted name of an older draft.
	is "$(hello --name allowed.test --extension 65486:0000 11.0.0.2)" 'alert 50'
	is "$(lab_seen '.event == "connection"')" ''
	# The proxy does not know this extension and forwards it. The site's answer then
	# does not match the hello that the client assumes.
	like "$(hello --name allowed.test --extension 65036:00 11.0.0.2)" '@(DECRYPTION_FAILED_OR_BAD_RECORD_MAC|RECORD_LAYER_FAILURE)'
}

@test "the name beside an encrypted ClientHello is checked first" {
	up --guard-domain www.allowed.test
	is "$(hello --name denied.test --extension "${ECH[0]}" 11.0.0.2)" 'alert 49'
	is "$(hello --name www.allowed.test --extension "${ECH[0]}" 11.0.0.2)" 'alert 49'
	is "$(hello --connect allowed.test:443 --name denied.test --extension "${ECH[0]}" 192.0.0.8 80)" 'alert 49'
	is "$(hello --extension "${ECH[0]}" 11.0.0.2)" 'alert 49'
	is "$(refusals true)" '[["domain","11.0.0.2",1],["domain","denied.test",1],["protocol","denied.test",1],["guard","www.allowed.test",1]]'
}

# With ECH allowed the hello is forwarded unchanged. The test's site can't use it.
PASSED='@(DECRYPTION_FAILED_OR_BAD_RECORD_MAC|RECORD_LAYER_FAILURE)'

@test "an encrypted ClientHello gets to a domain that may have one" {
	local way

	up --domain .git.test --domain 11.0.0.2 --domain other.test --allow-ech allowed.test --allow-ech .git.test \
		--allow-ech other.test --allow-ech 11.0.0.2 --guard-domain other.test
	is "$(up_says '.allow_ech | join(" ")')" '11.0.0.2 allowed.test .git.test other.test'
	for way in '--name allowed.test 11.0.0.2' '--connect allowed.test:443 --name allowed.test 192.0.0.8 80' \
		'--name git.test 11.0.0.2' '--name www.git.test 11.0.0.2' 11.0.0.2; do
		# shellcheck disable=SC2086 # a list of words
		like "$(hello --extension "${ECH[0]}" $way)" "$PASSED"
	done
	is "$(refusals true)" '[]'
	# Names are checked as always. Another name of the job has no ECH. A guarded name
	# has no ECH even if the job allows it.
	is "$(hello --connect allowed.test:443 --name git.test --extension "${ECH[0]}" 192.0.0.8 80)" 'alert 49'
	for way in denied.test www.allowed.test other.test; do
		is "$(hello --name "$way" --extension "${ECH[0]}" 11.0.0.2)" 'alert 49'
	done
	is "$(refusals true)" '[["domain","denied.test",1],["protocol","git.test",1],["guard","other.test",1],["ech","www.allowed.test",1]]'
	in_lab kill -KILL -- "$(up_says .proxy.pid)"
	in_lab tail --pid="$(up_says .proxy.pid)" -s 0.02 -f /dev/null
	jobfence repair "$JOB"
	like "$(hello --name allowed.test --extension "${ECH[0]}" 11.0.0.2)" "$PASSED"
}

@test "a job that learns has ECH where it asks for it" {
	job_up --learn --allow-ech allowed.test
	like "$(hello --name allowed.test --extension "${ECH[0]}" 11.0.0.2)" "$PASSED"
	is "$(hello --name other.test --extension "${ECH[0]}" 11.0.0.2)" 'alert 49'
	is "$(jobfence show "$JOB" --json | jq -c '[.learned[].name]')" '["allowed.test"]'
}

@test "ECH is for domains of the job, bounded and checked as others" {
	local options=(--domain .test) i

	ends_with 2 jobfence up --job "$JOB" --domain allowed.test --allow-ech http://allowed.test
	for i in other.test .allowed.test '*.allowed.test' 11.0.0.2; do
		ends_with 2 jobfence up --job "$JOB" --domain allowed.test --allow-ech "$i"
		like "$ERRORS" "*does not declare*--domain '${i/\*/\\*}'"
	done
	ends_with 2 jobfence up --job "$JOB" --network none --allow-ech allowed.test
	ends_with 2 jobfence up --job "$JOB" --learn --allow-ech .co.uk
	for i in {1..33}; do
		options+=(--allow-ech "a$i.test")
	done
	ends_with 2 jobfence up --job "$JOB" "${options[@]}"
	like "$ERRORS" '*at most 32 domains with ECH*'
}

@test "run says what an encrypted ClientHello is" {
	in_lab "$JOBFENCE" run --domain allowed.test -- "$LIB/tls.py" --name allowed.test --extension "${ECH[0]}" 11.0.0.2 2>"$BATS_TEST_TMPDIR/errors"
	is "$(<"$BATS_TEST_TMPDIR/errors")" 'jobfence: refused: ech allowed.test (once)
jobfence: encrypted ClientHellos (ECH) can hide a name; turn them off in the program (for browsers: '"${JOBFENCE%/*}"'/share/doc/jobfence/browsers.md), or trust whoever runs the site: --allow-ech allowed.test'
}

@test "TLS 1.0 to 1.3 get to the site" {
	local version options

	up
	for version in 1.0 1.1 1.2 1.3; do
		options=(--ciphers DEFAULT@SECLEVEL=0 "--tlsv$version" --tls-max "$version" --connect-to ::11.0.0.2:)
		is "$(fetch "${options[@]}" https://allowed.test)" 'this is allowed.test'
		ends_with 35 fetch "${options[@]}" https://denied.test
		like "$ERRORS" '*alert access denied*'
	done
	is "$(lab_seen '.event == "tls"' '.version + " " + .name' | xargs)" \
		'TLSv1 allowed.test TLSv1.1 allowed.test TLSv1.2 allowed.test TLSv1.3 allowed.test'
}

@test "a ClientHello without a server name gets an alert, unless the address is declared" {
	up --domain 11.0.0.2
	like "$(hello 11.0.0.3)" 'alert *'
	lab_saw_nothing
	like "$(hello --connect 11.0.0.2:443 192.0.0.8 80)" 'this is *'
}

@test "a ClientHello in many records is read whole" {
	up
	for size in 1 7 100; do
		is "$(hello --name allowed.test --records $size 11.0.0.2)" 'this is allowed.test'
		like "$(hello --name denied.test --records $size 11.0.0.2)" 'alert *'
	done
}

@test "a ClientHello in many segments is read whole" {
	up
	for size in 1 5 100; do
		is "$(hello --name allowed.test --segments $size 11.0.0.2)" 'this is allowed.test'
		like "$(hello --name denied.test --segments $size 11.0.0.2)" 'alert *'
	done
	is "$(hello --name allowed.test --records 3 --segments 2 11.0.0.2)" 'this is allowed.test'
}

@test "a long ClientHello is read whole, one without end is cut" {
	up
	for size in 8000 16384; do
		is "$(hello --name allowed.test --pad $size 11.0.0.2)" 'this is allowed.test'
		like "$(hello --name denied.test --pad $size 11.0.0.2)" 'alert *'
	done
	is "$(hello --name allowed.test --pad 16384 --segments 1 11.0.0.2)" 'this is allowed.test'
	lab_forget
	like "$(hello --name allowed.test --pad 40000 11.0.0.2)" '@(alert *|reset|closed)'
	lab_saw_nothing
}

@test "a tunnel to one name with the server name of another is cut" {
	up
	for name in denied.test www.allowed.test; do
		like "$(hello --connect allowed.test:443 --name $name 192.0.0.8 80)" '@(alert *|reset|closed)'
	done
	like "$(hello --connect allowed.test:443 192.0.0.8 80)" '@(alert *|reset|closed)'
	is "$(lab_seen '.event == "tls"')" ''
	is "$(hello --connect allowed.test:443 --name allowed.test 192.0.0.8 80)" 'this is allowed.test'
}

@test "a second ClientHello, which a site may ask for, has the name of the first" {
	local way

	lab_name allowed.test 11.0.0.4
	up
	for way in 11.0.0.2 '--connect allowed.test:443 192.0.0.8 80'; do
		# shellcheck disable=SC2086 # a list of words
		is "$(hello --name allowed.test $way)" 'this is allowed.test'
		for name in denied.test www.allowed.test; do
			# shellcheck disable=SC2086
			like "$(hello --name allowed.test --then $name $way)" 'alert *'
		done
		# shellcheck disable=SC2086
		is "$(hello --name allowed.test --then-extension "${ECH[0]}" $way)" 'alert 49'
	done
	is "$(refusals '.reason == "ech"')" '[["ech","allowed.test",2]]'
	is "$(lab_seen '.event == "tls"' .name | sort -u)" '"allowed.test"'
}

@test "a site that resets a connection ends it for the job, too" {
	lab_name allowed.test 11.0.0.6
	up
	like "$(hello --name allowed.test 11.0.0.2)" 'alert *'
	like "$(hello --connect allowed.test:443 --name allowed.test 192.0.0.8 80)" 'alert *'
}

@test "a tunnel to an address needs that address declared" {
	up --domain 11.0.0.77
	is "$(hello --connect 11.0.0.2:443 --name allowed.test 192.0.0.8 80)" 403
	is "$(hello --connect '[2600:1::2]:443' --name allowed.test 192.0.0.8 80)" 403
	lab_saw_nothing
}

@test "a tunnel to port 443 carries nothing but TLS" {
	local head='CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:443\r\n\r\n'

	up
	for first in 'SSH-2.0-OpenSSH_9.2\r\n' 'GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n' \
		'\0026\0003\0001\0000\0004abcd' '\0027\0003\0003\0000\0004abcd'; do
		converse 192.0.0.8 80 "$head$first" >"$BATS_TEST_TMPDIR/answer" ||
			lab_fail "no end after: $first"
		! grep -qa OpenSSH "$BATS_TEST_TMPDIR/answer" || lab_fail 'it was answered'
	done
	is "$(lab_seen '.event == "tls" or .event == "request"')" ''
}

@test "what is no TLS on port 443 is refused at its first byte" {
	up
	# A client that waits for the other side's first bytes gets its answer at once. The
	# answer does not wait for the timeout of a head, since these bytes can't become
	# one.
	for first in 'SSH-2.0-OpenSSH_9.2\r\n' '\0200\0056\0001\0003\0001\0000\0025\0000\0000\0000\0020' G '\0000' '\0025\0003\0001' \
		'GET / HTTP/1.1\r\nHost: denied.test\r\n\r\n' 'CONNECT allowed.test:443 HTTP/1.1\r\n\r\n'; do
		like "$(converse 11.0.0.2 443 "$first")" 'HTTP/1.1 400 *X-Jobfence-Denied: protocol*has to be TLS' || lab_fail "after: $first"
	done
	lab_saw_nothing
}

@test "TLS on port 80 gets an alert, or a 400 within a tunnel" {
	up
	like "$(hello --name allowed.test 11.0.0.2 80)" 'alert *'
	like "$(converse 192.0.0.8 80 'CONNECT allowed.test:80 HTTP/1.1\r\nHost: allowed.test\r\n\r\n\0026\0003\0001\0000\0004abcd')" \
		'HTTP/1.1 200 *HTTP/1.1 400 *'
	lab_saw_nothing
}

@test "the site's certificate is the site's own" {
	up
	ends_with 60 fetch --cacert /etc/ssl/certs/ca-certificates.crt https://allowed.test
	like "$(fetch -v https://allowed.test 2>&1)" '*issuer: CN=authority of a lab*'
}
