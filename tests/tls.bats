#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# TLS through a job's proxy: the name in the ClientHello decides, however it comes.

load lib/job

up()
{
	job_up --rate 0 --domain allowed.test --domain www.allowed.test "$@"
}

hello()
{
	in_job_directly "$LIB/tls.py" "$@"
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
	lab_saw_nothing
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
	is "$(hello --name allowed.test --pad 8000 11.0.0.2)" 'this is allowed.test'
	like "$(hello --name denied.test --pad 8000 11.0.0.2)" 'alert *'
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
	done
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

@test "what is no TLS on port 443 is cut, or refused in words that it understands" {
	up
	converse 11.0.0.2 443 'SSH-2.0-OpenSSH_9.2\r\n\r\n' >"$BATS_TEST_TMPDIR/answer"
	converse 11.0.0.2 443 '\0200\0056\0001\0003\0001\0000\0025\0000\0000\0000\0020' >"$BATS_TEST_TMPDIR/answer" # SSL 2
	like "$(converse 11.0.0.2 443 'GET / HTTP/1.1\r\nHost: denied.test\r\n\r\n')" '@(|HTTP/1.1 40?*)'
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
