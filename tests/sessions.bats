#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Sessions of TLS 1.2 that are resumed: many servers act on the name under which a session
# began, and not on that of the hello. So a session that an accomplice began for another
# name is refused, and a job's own are not.

load lib/job
load lib/servers

REFUSED='SSL alert number 49'

# Makes a job that may reach two names of the server at the address $1.
job_for()
{
	SITE=$1 FOLDER=$BATS_TEST_TMPDIR
	lab_name allowed.test "$SITE"
	lab_name www.allowed.test "$SITE"
	job_up --rate 0 --domain allowed.test --domain www.allowed.test
}

# Begins a session of the server name $2, or resumes one; more options of s_client follow.
# $1 says from where. Prints "New, TLS", "Reused, TLS", or the alert.
session()
{
	printf 'GET / HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" |
		"$1" timeout 30 openssl s_client -tls1_2 -ign_eof -connect "$SITE:443" -servername "$2" "${@:3}" 2>&1 |
		grep -aoE -m 1 '^(New|Reused), TLS|SSL alert number [0-9]+'
}

# Fails unless the job resumes sessions that it began under the same name, and no others.
# The arguments are options of s_client.
resumes_its_own_only()
{
	local own=$FOLDER/own foreign=$FOLDER/foreign

	is "$(session in_lab denied.test -sess_out "$foreign" "$@")" 'New, TLS'
	is "$(session in_lab allowed.test -sess_in "$foreign" "$@")" 'Reused, TLS'
	is "$(session in_job_directly allowed.test -sess_in "$foreign" "$@")" "$REFUSED"
	is "$(session in_job_directly allowed.test -sess_out "$own" "$@")" 'New, TLS'
	is "$(session in_job_directly allowed.test -sess_in "$own" -sess_out "$own" "$@")" 'Reused, TLS'
	is "$(session in_job_directly www.allowed.test -sess_in "$own" "$@")" "$REFUSED"
	is "$(jobfence show "$JOB" --json | jq -c '[.refusals[] | select(.reason == "session") | .name] | sort')" \
		'["allowed.test","www.allowed.test"]'
}

@test "a session of TLS 1.2 that began under another name is not resumed at nginx" {
	job_for 11.0.0.41
	nginx_conf "$FOLDER" <<-END
		access_log off;
		ssl_certificate $LAB/server.pem;
		ssl_certificate_key $LAB/server.key;
		ssl_session_cache shared:sessions:1m;
		server {
			listen $SITE:443 ssl reuseport;
			return 200;
		}
	END
	in_internet nginx -c "$FOLDER/nginx.conf" -e "$FOLDER/errors"
	resumes_its_own_only
	resumes_its_own_only -no_ticket
}

@test "a session of TLS 1.2 that began under another name is not resumed at HAProxy" {
	job_for 11.0.0.42
	haproxy_up "$FOLDER" <<-END
		frontend site
			mode http
			bind $SITE:443 ssl crt $LAB/server.pem
			http-request return status 200
	END
	resumes_its_own_only
	resumes_its_own_only -no_ticket
}

@test "a session of TLS 1.2 that began under another name is not resumed at OpenSSL's s_server" {
	job_for 11.0.0.43
	in_internet openssl s_server -www -quiet -accept "$SITE:4443" -cert "$LAB/server.pem" >"$FOLDER/openssl" 2>&1 3>&- &
	eventually in_internet bash -c ": >/dev/tcp/$SITE/4443"
	# HAProxy shares the port with the lab's own server, as s_server can't.
	haproxy_up "$FOLDER" <<-END
		listen relay
			bind $SITE:443
			server openssl $SITE:4443
	END
	resumes_its_own_only
	resumes_its_own_only -no_ticket
}

@test "curl and Python resume their sessions of TLS 1.2" {
	job_for 11.0.0.2
	fetch -v --tls-max 1.2 -H 'Connection: close' https://allowed.test/{a,b} >"$FOLDER/out" 2>"$FOLDER/errors"
	is "$(grep -cE 'SSL re-?using session' "$FOLDER/errors")" 1
	is "$(in_job_directly python3 "$LIB/resume.py")" 'False True True True '
}

@test "a session that the proxy has not seen gets an alert in a tunnel, too, and the next one begins anew" {
	local tunnel=(-connect allowed.test:443 -proxy 192.0.0.8:80) own=$BATS_TEST_TMPDIR/own

	job_for 11.0.0.2
	is "$(session in_lab allowed.test -sess_out "$own")" 'New, TLS'
	is "$(session in_job_directly allowed.test -sess_in "$own" "${tunnel[@]}")" "$REFUSED"
	is "$(session in_job_directly allowed.test -sess_out "$own" "${tunnel[@]}")" 'New, TLS'
	is "$(session in_job_directly allowed.test -sess_in "$own" "${tunnel[@]}")" 'Reused, TLS'
}

# Starts a site of its own at $1 that goes through the cases that follow.
flights_at()
{
	in_internet "$LIB/flights.py" site "$@" >"$FOLDER/$1" 2>&1 3>&- &
	await "$FOLDER/$1" ready
}

# What the job gets in the cases given.
job_gets()
{
	in_job_directly "$LIB/flights.py" job "$SITE" "$@" | xargs
}

# An accomplice's site may issue what a victim issued it for another name; then its name is
# led to the victim.
@test "a session that another address issued under the same name is not resumed" {
	job_for 11.0.0.45
	flights_at 11.0.0.45 0 5
	is "$(job_gets 0 5)" 'passed passed'
	: >"$LAB/zone"
	lab_name allowed.test 11.0.0.46
	flights_at 11.0.0.46 1 6
	is "$(job_gets 1 6)" '49 49'
}

@test "a session is resumed at the one address of several that issued it" {
	job_for 11.0.0.47
	flights_at 11.0.0.47 0 1 5 6
	is "$(job_gets 0)" passed
	: >"$LAB/zone"
	lab_name allowed.test 11.0.0.49 11.0.0.48 2600:1::2 11.0.0.47
	is "$(job_gets 1)" passed
	: >"$LAB/zone"
	lab_name allowed.test "$SITE"
	is "$(job_gets 5)" passed
	: >"$LAB/zone"
	lab_name allowed.test 11.0.0.49 "$SITE"
	is "$(job_gets 6)" passed
}

@test "an id or a ticket is known from the site's own word, under one name and of one kind" {
	job_for 11.0.0.44
	in_internet "$LIB/flights.py" site "$SITE" >"$FOLDER/site" 2>&1 3>&- &
	await "$FOLDER/site" ready
	is "$(in_job_directly "$LIB/flights.py" job "$SITE" | xargs)" \
		'passed passed 49 passed 49 passed passed 49 passed passed passed 49 passed passed passed 49 50'
}
