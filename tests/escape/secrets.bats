#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# A job that is after the secret that the proxy sets for it, or wants to send it elsewhere.

load ../lib/job
load ../lib/servers

CA=${BATS_TEST_TMPDIR:-}/ca.pem
KEY=${BATS_TEST_TMPDIR:-}/key
SITE=https://allowed.test

# Makes the job, with allowed.test and all of .other.test intercepted. The secret is for
# /repos of allowed.test.
up()
{
	head -c 24 /dev/urandom | base64 | tr '+/' 'ab' >"$KEY"
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'allow_intercept = .test' \
		"upstream_ca = $LAB/authority.pem" >"$BATS_TEST_TMPDIR/policy"
	job_up --config "$BATS_TEST_TMPDIR/policy" --rate 0 --domain allowed.test --domain .other.test --intercept allowed.test \
		--intercept .other.test --secret "key=file:$KEY@allowed.test/repos"
	up_says .trust.ca >"$CA"
}

secure()
{
	fetch --cacert "$CA" --capath "$BATS_TEST_TMPDIR/none" "$@"
}

# Sends standard input inside TLS with the server name allowed.test. Prints what it hears.
inside()
{
	in_job_directly timeout 30 openssl s_client -quiet -connect 11.0.0.2:443 -servername allowed.test -CAfile "$CA" \
		-verify_return_error -ign_eof 2>/dev/null
}

statuses()
{
	grep -a '^HTTP/1.1' | cut -d ' ' -f 2 | paste -sd ' '
}

# Prints the heads that the web server saw, with `KEY` in place of the value.
heads()
{
	lab_seen '.event == "request"' .head | jq -r --rawfile key "$KEY" 'split($key | rtrimstr("\n")) | join("KEY")' | tr -d '\r'
}

@test "no spelling of its field lets the job send a key of its own, or a second one" {
	local field

	up
	for field in 'authorization: mine' 'AUTHORIZATION:mine' 'Authorization:  mine  ' 'Authorization:' 'Authorization: a, Bearer mine'; do
		is "$(printf 'GET /repos HTTP/1.1\r\nHost: allowed.test\r\n%s\r\nConnection: close\r\n\r\n' "$field" | inside | statuses)" 200
	done
	is "$(printf 'GET /repos HTTP/1.1\r\nHost: allowed.test\r\nAuthorization: mine\r\nA: b\r\nauthorization: mine\r\nConnection: close\r\n\r\n' |
		inside | statuses)" 200
	for field in 'Authorization : mine' ' Authorization: mine' 'A: b\r\n Authorization: mine' 'Authorization: a\r\n mine' 'Authorization\t: mine' \
		'A: b\nAuthorization: mine' 'A: b\rAuthorization: mine' 'Authorization\0: mine'; do
		is "$(printf 'GET /repos HTTP/1.1\r\nHost: allowed.test\r\n%b\r\nConnection: close\r\n\r\n' "$field" | inside | statuses)" 400 ||
			lab_fail "$field"
	done
	is "$(heads | grep -ci mine)" 0
	is "$(heads | grep -ci '^authorization: Bearer KEY$')" 6
	is "$(heads | grep -ci '^authorization')" 6
}

@test "no Connection, trailer or older version takes the secret away, or moves it" {
	up
	is "$(secure -H 'Connection: authorization, close' -o /dev/null -w '%{http_code}' $SITE/repos)" 200
	is "$(printf 'GET /repos HTTP/1.0\r\nHost: allowed.test\r\nConnection: authorization\r\n\r\n' | inside | statuses)" 200
	is "$(printf 'POST /repos HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\nTE: trailers\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\nAuthorization: mine\r\n\r\n' |
		inside | statuses)" 200
	is "$(heads | grep -ci '^authorization: Bearer KEY$')" 3
	is "$(heads | grep -ciE '^(te|trailer)')" 0
	is "$(lab_seen '.event == "body"' .trailers | sort -u)" '[]'
}

@test "requests in a pipeline each get what is due to them" {
	up
	is "$(printf 'GET /repos/1 HTTP/1.1\r\nHost: allowed.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: allowed.test\r\n\r\nGET /repos/3 HTTP/1.1\r\nHost: allowed.test\r\n\r\nGET /repos/4 HTTP/1.1\r\nHost: x.other.test\r\n\r\n' |
		inside | statuses)" '200 200 200 421'
	is "$(heads | grep -E '^(GET|Auth)' | paste -sd ' ')" \
		'GET /repos/1 HTTP/1.1 Authorization: Bearer KEY GET /2 HTTP/1.1 GET /repos/3 HTTP/1.1 Authorization: Bearer KEY'
	# A body that the site might read as the next request ends its connection.
	is "$(printf 'POST /unread HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 45\r\n\r\nGET /repos/echo HTTP/1.1\r\nHost: allowed.test\r\n\r\n' |
		inside | grep -ac -F -f "$KEY")" 0
}

@test "no trick with a path gets the secret to another one" {
	local path

	up
	for path in /repos/../x /repos/%2e%2e/x /repos/./../x //x /repos/x/../../x /x/../x /REPOS /repos-evil /repos%41 /repos.x /x?/repos \
		'/x?a=/repos/' /%72epos-evil /repos%3f; do
		secure --path-as-is -o /dev/null "$SITE$path" || lab_fail "$path"
	done
	is "$(heads | grep -c KEY)" 0
	is "$(heads | grep -c '^GET')" 14
	for path in '/repos%2f..%2fx' '/repos/..%5cx' '/repos/%252e%252e/x' '/repos/..;/x' '/repos/..;x=y/x' '/../repos' '/repos/%00' '/x\repos'; do
		is "$(secure --path-as-is -o /dev/null -w '%{http_code}' "$SITE$path")" 400 || lab_fail "$path"
	done
	is "$(secure --path-as-is -o /dev/null -w '%{http_code}' $SITE//%72epos/./x/..//y)" 200
	is "$(heads | grep -A 5 '^GET /repos/y' | grep -E '^(GET|Auth)' | paste -sd ' ')" 'GET /repos/y HTTP/1.1 Authorization: Bearer KEY'
	for path in X-Original-URL X-Rewrite-URL X-HTTP-Method-Override; do
		secure -o /dev/null -H "$path: /x" $SITE/repos
	done
	is "$(heads | grep -ciE '^x-(original|rewrite|http)')" 0
	is "$(secure -o /dev/null -w '%{http_code}' -X COPY -H 'Destination: /x' $SITE/repos)" 403
}

@test "a redirect leads the job to another host, but not the secret" {
	up
	secure -L -o /dev/null "$SITE/repos/../raw?HTTP/1.1%20302%20Found%0d%0aLocation:%20https://x.other.test/repos%0d%0aContent-Length:%200%0d%0a%0d%0a" \
		--path-as-is --connect-to x.other.test:443:11.0.0.2:443 --location-trusted || true
	secure -o /dev/null https://x.other.test/repos --connect-to x.other.test:443:11.0.0.2:443
	secure -o /dev/null -H 'Host: allowed.test' https://x.other.test/repos --connect-to x.other.test:443:11.0.0.2:443
	fetch -o /dev/null http://allowed.test/repos
	fetch -o /dev/null --request-target https://allowed.test/repos http://allowed.test/
	fetch_by_proxy -o /dev/null http://allowed.test/repos
	is "$(heads | grep -c KEY)" 0
	[ "$(requests)" -ge 3 ]
}

@test "connections to the site are shared, and the secret is not" {
	up
	for _ in 1 2 3; do secure -o /dev/null $SITE/repos -o /dev/null $SITE/x; done
	is "$(lab_seen '.event == "tls"' | wc -l)" 1
	is "$(heads | grep -c KEY)" 3
	is "$(heads | grep -c '^GET')" 6
}

@test "an upgrade gets the secret as any request does, and no other protocol gets it" {
	up
	is "$(secure -o /dev/null -w '%{http_code}' -H 'Connection: Upgrade, authorization' -H 'Upgrade: websocket' \
		-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' $SITE/repos)" 200
	is "$(secure -o /dev/null -w '%{http_code}' -H 'Connection: Upgrade, HTTP2-Settings' -H 'Upgrade: h2c' -H 'HTTP2-Settings: AAMAAABkAAQAAP__' \
		$SITE/repos)" 200
	is "$(heads | grep -c '^Authorization: Bearer KEY')" 2
	is "$(heads | grep -ci h2c)" 0
}

@test "a site that can't show whose it is gets no secret" {
	local folder=$BATS_TEST_TMPDIR/site name

	mkdir "$folder"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=allowed.test -addext subjectAltName=DNS:allowed.test \
		-keyout "$folder/unknown.key" -out "$folder/unknown.pem" 2>"$folder/output"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=allowed.test -addext subjectAltName=DNS:other.test \
		-keyout "$folder/named.key" -out "$folder/named.csr" 2>>"$folder/output"
	openssl x509 -req -in "$folder/named.csr" -CA "$LAB/authority.pem" -CAkey "$LAB/authority.key" -copy_extensions copy \
		-out "$folder/named.pem" -days 1 2>>"$folder/output"
	# nginx writes each field to its log, so the value would be there.
	# shellcheck disable=SC2016 # variables of nginx
	{
		echo 'log_format all "$request $http_authorization";' "access_log $folder/requests all;"
		for name in unknown:11.0.0.51 named:11.0.0.52; do
			echo "server { listen ${name#*:}:443 ssl reuseport; ssl_certificate $folder/${name%:*}.pem; ssl_certificate_key $folder/${name%:*}.key; return 200 x; }"
		done
	} | nginx_conf "$folder"
	in_internet nginx -c "$folder/nginx.conf" -e "$folder/errors"
	for name in 11.0.0.51 11.0.0.52; do
		: >"$LAB/zone"
		lab_name allowed.test "$name"
		up
		is "$(secure --connect-to allowed.test:443:11.0.0.2:443 -o /dev/null -w '%{http_code} %header{x-jobfence-denied}' $SITE/repos)" '502 certificate'
		jobfence down "$JOB"
	done
	is "$(cat "$folder/requests")" ''
}

# Has the site say the answer $1, with the value in place of KEY. The request has the fields
# $2, and $3 follows it. Prints what the job hears, to the end of the connection.
hear()
{
	local answer

	answer=$(printf %b "${1//KEY/$(<"$KEY")}" | jq -sRr @uri)
	printf 'GET /raw?%s HTTP/1.1\r\nHost: allowed.test\r\n%b\r\n%b' "$answer" "${2:-Connection: close\r\n}" "${3:-}" | inside
}

@test "a site that says the secret in odd places of an answer is not heard" {
	local upgrade='Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' statuses answer

	up
	while IFS='|' read -r statuses answer; do
		hear "$answer" >"$BATS_TEST_TMPDIR/heard"
		is "$(statuses <"$BATS_TEST_TMPDIR/heard")" "$statuses" || lab_fail "$answer"
		is "$(grep -a -c -F -f "$KEY" "$BATS_TEST_TMPDIR/heard")" 0 || lab_fail "$answer"
	done <<-'END'
		200|HTTP/1.1 200 OK\r\nA: x\r\n KEY\r\n\tKEY\r\nContent-Length: 0\r\n\r\n
		200|HTTP/1.1 200 OK\r\nKEY : x\r\nContent-Length: 0\r\n\r\n
		200|HTTP/1.1 200 KEY\nA: KEY\nContent-Length: 0\n\n
		200|HTTP/1.1 200 OK\r\nConnection: KEY, close\r\nKEY: x\r\nProxy-Authenticate: KEY\r\nKeep-Alive: KEY\r\nTrailer: KEY\r\nContent-Length: 0\r\n\r\n
		100 102 103 200|HTTP/1.1 100 KEY\r\nA: KEY\r\n\r\nHTTP/1.1 102 KEY\r\nKEY: a\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </KEY>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nA: KEY\r\nContent-Length: 0\r\n\r\n
		300|HTTP/1.1 300 KEY\r\nLocation: https://x.other.test/KEY\r\nAlternates: KEY\r\nContent-Length: 0\r\n\r\n
		308|HTTP/1.1 308 KEY\r\nLocation: //user:KEY@x.other.test\r\nContent-Location: /KEY\r\nContent-Length: 0\r\n\r\n
		200|HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=KEY\r\na\r\n0;KEY=b\r\nA: KEY\r\nKEY: b\r\n\r\n
		200|HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naKEY
		200|HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 KEY\r\nContent-Length: 24\r\n\r\nKEY
		204|HTTP/1.1 204 No Content\r\nContent-Length: 32\r\n\r\nKEY
		304|HTTP/1.1 304 Not Modified\r\nContent-Length: 32\r\n\r\nKEY
		502|KEY\r\n\r\n
		502|HTTP/1.1 200KEY\r\n\r\n
		502|HTTP/1.1 KEY OK\r\n\r\n
		502|HTTP/1.1 200 OK\r\nKEY\r\n\r\n
		502|HTTP/1.1 200 OK\r\nA KEY: x\r\n\r\n
		502|HTTP/1.1 200 OK\r\nTransfer-Encoding: KEY\r\n\r\n
		502|HTTP/1.1 200 OK\r\nContent-Length: KEY\r\n\r\n
		502|HTTP/1.1 101 KEY\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nA: KEY\r\n\r\nKEY
	END
	# The site ends this one without an alert.
	hear 'HTTP/1.1 101 KEY\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: KEY\r\nSec-WebSocket-Protocol: a, KEY\r\n\r\n' \
		"$upgrade" 'GET /end HTTP/1.1\r\nConnection: close\r\n\r\n' >"$BATS_TEST_TMPDIR/heard" || true
	like "$(tr -d '\r' <"$BATS_TEST_TMPDIR/heard" | paste -sd ' ')" 'HTTP/1.1 101  Connection: Upgrade Upgrade: websocket  HTTP/1.1 200 *'
	hear 'HTTP/1.1 101 KEY\r\nConnection: Upgrade\r\nUpgrade: KEY\r\nA: KEY\r\n\r\nKEY' "$upgrade" >"$BATS_TEST_TMPDIR/heard"
	is "$(statuses <"$BATS_TEST_TMPDIR/heard")" 502
	is "$(grep -a -c -F -f "$KEY" "$BATS_TEST_TMPDIR/heard")" 0
	# What is a body comes whole, so the value is in what the site says.
	is "$(hear 'HTTP/1.1 200 OK\r\nA: KEY\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nKEY\r\n0\r\n\r\n' | grep -a -c -F -f "$KEY")" 1
}
