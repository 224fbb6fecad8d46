#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Domains whose TLS the proxy opens. What holds for requests of plain HTTP holds for theirs.

load lib/job
load lib/servers

POLICY=${BATS_TEST_TMPDIR:-}/policy
CA=${BATS_TEST_TMPDIR:-}/ca.pem
SITE=https://allowed.test

# Makes the job, with allowed.test intercepted. The arguments are further options.
up()
{
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'allow_intercept = allowed.test .test' \
		"upstream_ca = $LAB/authority.pem" >"$POLICY"
	job_up --config "$POLICY" --rate 0 --domain allowed.test --intercept allowed.test "$@"
	up_says .trust.ca >"$CA"
}

# Sends a request by curl, which trusts the authority of the job alone.
secure()
{
	fetch --cacert "$CA" --capath "$BATS_TEST_TMPDIR/none" "$@"
}

# Prints the status and the word of X-Jobfence-Denied, or -. The body is in $FOLDER/body.
status()
{
	secure -o "$BATS_TEST_TMPDIR/body" -w '%{http_code} %header{x-jobfence-denied}' "$@"
}

has_lines()
{
	[ "$(jobfence log "$JOB" --json | wc -l)" -ge "$1" ]
}

# Waits until the log has $1 lines, and fails unless the expression $2 of jq makes $3 of
# them.
logs()
{
	eventually has_lines "$1" || return
	is "$(jobfence log "$JOB" --json | jq -c "$2")" "$3"
}

# Begins TLS by openssl s_client with allowed.test, and asks for /. The arguments are
# further options.
client()
{
	printf 'GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n' |
		in_job_directly timeout 30 openssl s_client -ign_eof -connect 11.0.0.2:443 -servername allowed.test \
			-CAfile "$CA" -verify_return_error "$@" 2>&1
}

@test "a request inside TLS gets to the site, and bears the header" {
	up
	is "$(secure -4 $SITE/)" 'this is allowed.test'
	is "$(secure -6 $SITE/)" 'this is allowed.test'
	is "$(secure --proxy "http://$(up_says .proxy.address)" $SITE/)" 'this is allowed.test'
	is "$(secure -H 'X-Jobfence-Job-ID: forged' $SITE/)" 'this is allowed.test'
	is "$(lab_seen '.event == "request"' .head | grep -c "X-Jobfence-Job-ID: $JOB")" 4
	is "$(lab_seen '.event == "request"' .head | grep -c forged)" 0
	is "$(lab_seen '.event == "tls"' .name | sort -u)" '"allowed.test"'
	is "$(jobfence show "$JOB" --json | jq -c '.statistics | [.requests, .tunnels]')" '[4,0]'
}

@test "the log has a line for each request inside TLS" {
	up
	secure -o /dev/null "$SITE/a?b" -o /dev/null $SITE/status/404
	secure -o /dev/null --proxy "http://$(up_says .proxy.address)" -d x $SITE/
	logs 3 '[.kind, .method, .scheme, .host, .port, .status, .by]' \
		'["request","GET","https","allowed.test",443,200,"site"]
["request","GET","https","allowed.test",443,404,"site"]
["request","POST","https","allowed.test",443,200,"site"]'
}

@test "TLS to other domains is between the job and the site" {
	up --domain other.test
	is "$(fetch https://other.test/)" 'this is other.test'
	is "$(fetch_by_proxy https://other.test/)" 'this is other.test'
	is "$(lab_seen '.event == "request"' .head | grep -c X-Jobfence)" 0
	like "$(secure https://other.test/ 2>&1)" 'curl: (60) *'
}

@test "clients share connections to a site, and TLS is never mixed with plain HTTP" {
	up
	for _ in 1 2 3; do secure -o /dev/null $SITE/a -o /dev/null $SITE/b; done
	is "$(lab_seen '.event == "tls"' | wc -l)" 1
	fetch -o /dev/null http://allowed.test/
	secure -o /dev/null $SITE/
	is "$(lab_seen '.event == "connection"' .port | sort | uniq -c | awk '{ print $1, $2 }' | paste -sd ' ')" '1 443 1 80'
}

@test "bodies of all kinds pass in both directions" {
	local file=$BATS_TEST_TMPDIR/file path sum

	up
	head -c 3000000 /dev/urandom >"$file"
	is "$(secure --data-binary "@$file" $SITE/upload)" "3000000 $(sha256sum <"$file" | cut -d ' ' -f 1)"
	is "$(secure -H 'Transfer-Encoding: chunked' --data-binary "@$file" $SITE/upload)" "3000000 $(sha256sum <"$file" | cut -d ' ' -f 1)"
	is "$(secure -H 'Expect: 100-continue' --data-binary "@$file" $SITE/upload)" "3000000 $(sha256sum <"$file" | cut -d ' ' -f 1)"
	for path in bytes/20000000 chunked/3000000 crumbs/1000 bytewise/1000 bytes/0; do
		sum=$(fetch "http://allowed.test/$path" | sha256sum)
		is "$(secure "$SITE/$path" | sha256sum)" "$sum" || lab_fail "of $path"
		is "$(secure --http1.0 "$SITE/$path" | sha256sum)" "$sum" || lab_fail "of $path, by HTTP/1.0"
	done
	is "$(secure $SITE/early-hints)" late
	is "$(secure -I -o /dev/null -w '%{http_code}' $SITE/bytes/1000)" 200
	is "$(status $SITE/garbage)" '502 answer'
	is "$(status $SITE/close)" '502 answer'
}

# The site of the lab ends its connections without a word of TLS.
@test "an answer that an attacker could have cut off is not passed on as whole" {
	up
	like "$(secure $SITE/until-close/1000 2>&1 >/dev/null)" 'curl: (*'
	like "$(secure $SITE/short/1000 2>&1 >/dev/null)" 'curl: (*'
	like "$(secure $SITE/cut-chunk/1000 2>&1 >/dev/null)" 'curl: (*'
}

@test "what a site says after its answer answers nothing, inside TLS as well" {
	local path

	up
	for path in longer/5 longer-chunk/5 longer-than-none; do
		is "$(secure -o "$BATS_TEST_TMPDIR/first" $SITE/$path --next -sS --cacert "$CA" $SITE/)" 'this is allowed.test'
		! grep forged "$BATS_TEST_TMPDIR/first" || lab_fail "$path ended late"
	done
}

@test "a websocket inside TLS is a tunnel once both ends have agreed" {
	up
	is "$(in_job_directly timeout 30 "$LIB/websocket_tls.py" "$CA" | grep -E '^HTTP|^Sec|^True')" \
		'HTTP/1.1 101 Switching Protocols
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
True
True
True'
	is "$(received x-jobfence-job-id)" "$JOB"
}

@test "sessions are resumed on both sides, and no early data is taken" {
	local session=$BATS_TEST_TMPDIR/session version

	up
	for version in -tls1_2 -tls1_3; do
		like "$(client $version -sess_out "$session")" '*New, TLS*this is allowed.test*'
		like "$(client $version -sess_in "$session")" '*Reused, TLS*this is allowed.test*'
	done
	printf 'GET /early HTTP/1.1\r\nHost: allowed.test\r\n\r\n' >"$BATS_TEST_TMPDIR/early"
	like "$(client -tls1_3 -sess_in "$session" -early_data "$BATS_TEST_TMPDIR/early")" '*Early data was not sent*'
	is "$(lab_seen '.event == "request"' .line | sort -u)" '"GET / HTTP/1.1"'
	# The site's connection is not used again after a body. So there is another.
	secure -o /dev/null -d 1 $SITE/
	secure -o /dev/null -d 2 $SITE/
	is "$(lab_seen '.event == "tls"' .resumed | sort | uniq -c | awk '{ print $2, ($1 > 1) }' | paste -sd ' ')" 'false 0 true 1'
}

@test "a hello that offers HTTP/2 alone, or an old version, gets an alert that says so" {
	up
	like "$(client -alpn h2)" '*SSL alert number 120*'
	like "$(client -alpn h2,http/1.1)" '*ALPN protocol: http/1.1*this is allowed.test*'
	like "$(client -alpn http/1.1)" '*ALPN protocol: http/1.1*this is allowed.test*'
	like "$(client -tls1_1 -cipher DEFAULT@SECLEVEL=0)" '*alert protocol version*'
	is "$(jobfence show "$JOB" --json | jq -c '[.refusals[] | [.reason, .name, .count]]')" '[["http2","allowed.test",1]]'
}

@test "Host, the server name and the name of CONNECT have to be the same" {
	local proxy

	up --domain other.test
	proxy=http://$(up_says .proxy.address)
	is "$(status -H 'Host: other.test' $SITE/)" '421 protocol'
	is "$(status -H 'Host: allowed.test:80' $SITE/)" '421 protocol'
	is "$(status -H 'Host: allowed.test:443' $SITE/)" '200 '
	is "$(status -H 'Host: ALLOWED.test.' $SITE/)" '200 '
	is "$(status --request-target https://allowed.test/x $SITE/)" '200 '
	is "$(status --request-target https://other.test/x $SITE/)" '400 protocol'
	is "$(status --request-target http://allowed.test/x $SITE/)" '400 protocol'
	is "$(status -X CONNECT --request-target allowed.test:443 $SITE/)" '400 protocol'
	is "$(status -H 'Host: other.test' --proxy "$proxy" $SITE/)" '421 protocol'
	like "$(secure --proxy "$proxy" --connect-to allowed.test:443:other.test:443 $SITE/ 2>&1)" 'curl: (35) *alert access denied*'
	like "$(secure --proxy "$proxy" --connect-to other.test:443:allowed.test:443 https://other.test/ 2>&1)" 'curl: (35) *alert access denied*'
	is "$(lab_seen '.event == "request"' .line | sort -u)" '"GET / HTTP/1.1"
"GET /x HTTP/1.1"'
}

# Makes the certificate $1 for the name $2, by the authority $3. The arguments that follow
# are of openssl x509.
certify()
{
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -addext "subjectAltName=DNS:$2" \
		-keyout "$FOLDER/$1.key" -out "$FOLDER/$1.csr" &&
		openssl x509 -req -in "$FOLDER/$1.csr" -CA "$3.pem" -CAkey "$3.key" -copy_extensions copy -out "$FOLDER/$1.pem" "${@:4}"
}

# Prints the block server of nginx for the certificate $1, at the address $2.
server()
{
	lab_name "$1.test" "$2"
	cat <<-END
		server {
			listen $2:443 ssl reuseport;
			ssl_certificate $FOLDER/$1.pem;
			ssl_certificate_key $FOLDER/$1.key;
			return 200 'this is $1';
		}
	END
}

@test "a site whose certificate is not good gets no request, and the answer says why" {
	local row site

	FOLDER=$BATS_TEST_TMPDIR
	set_expired
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=nobody' -keyout "$FOLDER/nobody.key" \
		-out "$FOLDER/nobody.pem" 2>"$FOLDER/output"
	{
		certify good good.test "$LAB/authority" -days 1
		certify expired expired.test "$LAB/authority" "${EXPIRED[@]}"
		certify named good.test "$LAB/authority" -days 1
		certify unknown unknown.test "$FOLDER/nobody" -days 1
	} >>"$FOLDER/output" 2>&1
	{
		echo 'access_log off;'
		server good 11.0.0.51
		server expired 11.0.0.52
		server named 11.0.0.53
		server unknown 11.0.0.54
	} | nginx_conf "$FOLDER"
	in_internet nginx -c "$FOLDER/nginx.conf" -e "$FOLDER/errors"
	up --domain good.test --domain expired.test --domain named.test --domain unknown.test \
		--intercept good.test --intercept expired.test --intercept named.test --intercept unknown.test
	is "$(secure https://good.test/)" 'this is good'
	for row in 'expired it has expired' 'named it is for another name' 'unknown its issuer is not one that the node trusts'; do
		site=${row%% *}.test
		is "$(status "https://$site/")" '502 certificate' || lab_fail "from $site"
		like "$(<"$BATS_TEST_TMPDIR/body")" "jobfence: network: job $JOB: $site: the certificate of the site is not good: ${row#* }*"
	done
	is "$(jobfence show "$JOB" --json | jq .statistics.failures.certificate)" 3
	logs 4 '[.kind, .host, .status, .by]' '["request","good.test",200,"site"]
["request","expired.test",502,"fence"]
["request","named.test",502,"fence"]
["request","unknown.test",502,"fence"]'
	# A refusal of the certificate leaves the client's connection as it is.
	is "$(secure -w '%{http_code} %{num_connects} ' -o /dev/null -o /dev/null https://expired.test/{a,b})" '502 1 502 0 '
}

@test "a site whose TLS fails is a 502, and one that asks for a second hello is served" {
	lab_name allowed.test 11.0.0.6
	up
	is "$(status $SITE/)" '502 tls'
	like "$(<"$BATS_TEST_TMPDIR/body")" '*the site ended TLS before it was begun*'
	jobfence down "$JOB"
	: >"$LAB/zone"
	lab_name allowed.test 11.0.0.4
	up
	is "$(secure $SITE/)" 'this is allowed.test'
}

@test "a client that does not trust the job's authority is told of in the log" {
	up
	like "$(fetch --cacert "$LAB/authority.pem" --capath "$BATS_TEST_TMPDIR/none" $SITE/ 2>&1)" 'curl: (60) *'
	logs 1 '[.kind, .host, .by, .detail]' \
		'["tunnel","allowed.test",null,"the client does not trust the authority of the job"]'
}

@test "rules hold inside TLS, and a guarded endpoint sees the header there" {
	up --domain other.test --intercept other.test --guard-domain other.test --rule 'GET allowed.test/a/**'
	is "$(status $SITE/a/b)" '200 '
	is "$(status $SITE/b)" '403 rule'
	is "$(status -X POST $SITE/a/b)" '403 rule'
	is "$(status $SITE/a/%2e%2e/b)" '403 rule'
	is "$(status https://other.test/)" '200 '
	is "$(received x-jobfence-job-id)" "$JOB"
}

worker_is_another()
{
	local worker

	worker=$(proxy_worker)
	[ -n "$worker" ] && [ "$worker" != "$1" ]
}

@test "a worker that is started again goes on with the same authority" {
	local worker

	up
	is "$(secure $SITE/)" 'this is allowed.test'
	worker=$(proxy_worker)
	in_lab kill -KILL "$worker"
	eventually worker_is_another "$worker"
	is "$(secure --retry 5 --retry-all-errors $SITE/)" 'this is allowed.test'
}

# Prints the processes of the job's proxy that have libssl in their memory.
with_libssl()
{
	local process

	for process in $(proxy_processes); do
		in_lab grep -q libssl "/proc/$process/maps" && echo "$process"
	done
}

@test "only the worker of a job with intercepted domains has libssl, and none has libseccomp" {
	local programs=${JOBFENCE%/*} needed

	needed=$(readelf -d "$programs/jobfence-tls")
	like "$needed" '*libssl*'
	# A build with sanitizers names calls by it.
	[[ $needed != *seccomp* ]] || is_sanitized
	needed=$(readelf -d "$programs/jobfence-proxy")
	[[ $needed != *libssl* && $needed != *libcrypto* ]]
	up
	is "$(with_libssl)" "$(proxy_worker)"
	jobfence down "$JOB"
	job_up --rate 0 --domain allowed.test
	is "$(with_libssl)" ''
}

# Prints the KiB of libcrypto in the memory of the process $1.
libcrypto_of()
{
	# shellcheck disable=SC2016 # fields of awk
	in_lab awk '/^[0-9a-f]+-/ { found = /libcrypto/ } found && $1 == "Rss:" { all += $2 } END { print all + 0 }' "/proc/$1/smaps"
}

@test "an idle worker has little of libcrypto in its memory" {
	local idle

	up
	idle=$(libcrypto_of "$(proxy_worker)")
	[ "$idle" -lt 1024 ] || lab_fail "$idle KiB"
	is "$(secure $SITE/)" 'this is allowed.test'
	[ "$(libcrypto_of "$(proxy_worker)")" -gt "$idle" ]
}
