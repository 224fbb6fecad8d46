#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Requests that other parsers have read in two ways, as nginx and Node read them behind the
# proxy. Each one that the proxy forwards is one request with one header of ours.
# smuggling.bats has those that it refuses.

load ../lib/job
load ../lib/servers

setup_file()
{
	lab_with sites_up
}

sites_up()
{
	local folder=$BATS_FILE_TMPDIR

	nginx_conf "$folder" <<-EOF
		log_format seen escape=json '{"line":"\$request","stamp":"\$http_x_jobfence_job_id","status":\$status}';
		access_log $folder/nginx seen;
		server {
			listen 11.0.0.3:80 reuseport;
			location / { return 200 "this is nginx\n"; }
		}
	EOF
	in_internet nginx -c "$folder/nginx.conf" -e "$folder/errors" || return
	# The lab's own web server listens on the same port. Node can share it only by such
	# a socket.
	in_internet "$LIB/listen.py" 11.0.0.5 80 node "$LIB/node_site.js" >"$folder/node" 2>"$folder/node-errors" 3>&- &
	await "$folder/node" ready
}

setup()
{
	lab_name nginx.test 11.0.0.3
	lab_name node.test 11.0.0.5
	lab_name a.test 11.0.0.5
	lab_name b.test 11.0.0.5
	job_up --rate 0 --domain nginx.test --domain node.test --domain a.test --domain .b.test
}

before='POST /before HTTP/1.1\r\nHost: node.test\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\nA: b\r\n\r\n'

# Sends the requests to 11.0.0.2 in three ways (three_ways.py). Prints a line of statuses
# for each.
statuses()
{
	in_job_directly "$LIB/three_ways.py" "$before" "$@"
}

# Fails unless the log of $1 since line $2 shows $4 times the same, $5. The expression $3
# of jq shows an entry. Entries of the good request do not count.
all_seen()
{
	local seen

	seen=$(tail -n "+$(($2 + 1))" "$BATS_FILE_TMPDIR/$1" | grep -v /before | jq -c "$3")
	is "$(sort <<<"$seen" | uniq -c | sed 's/^ *//')" "$4 $5" || lab_fail "$1 saw: $seen"
}

# Fails unless both parsers see each thing that the job sends as the one request $1 with
# one header (@ stands for the host). Node has to see the body $2. This holds for the first
# request of a connection and for later ones. The answer ends the connection.
one_request()
{
	local line=$1 body=$2 node_mark nginx_mark

	shift 2
	node_mark=$(wc -l <"$BATS_FILE_TMPDIR/node") nginx_mark=$(wc -l <"$BATS_FILE_TMPDIR/nginx")
	is "$(statuses "${@//@/nginx.test}" "${@//@/node.test}" | sort | uniq -c | xargs)" "$((6 * $#)) 200" || return
	# shellcheck disable=SC2016 # jq's
	all_seen node "$node_mark" '[.line, .body, .trailers, ([.headers as $h | range(0; $h | length; 2) | select($h[.] |
		ascii_downcase | gsub("[^a-z]"; "-") == "x-jobfence-job-id") | $h[. + 1]])]' $((3 * $#)) \
		"[\"$line\",\"$body\",[],[\"$JOB\"]]"
	all_seen nginx "$nginx_mark" '[.line, .stamp, .status]' $((3 * $#)) "[\"$line HTTP/1.1\",\"$JOB\",200]"
}

end='Host: @\r\nConnection: close\r\n'
inner='GET /smuggled HTTP/1.1\r\nHost: @\r\n\r\n'

@test "chunks in all their spellings are one body" {
	local head="POST /a HTTP/1.1\r\n${end}Transfer-Encoding:"

	one_request 'POST /a' hello "$head chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" \
		"$head  \tchunked\t \r\n\r\n5\r\nhello\r\n0\r\n\r\n" "$head ChUnKeD\r\n\r\n5\r\nhello\r\n0\r\n\r\n" \
		"$head chunked\r\n\r\n005\r\nhello\r\n0\r\n\r\n" "$head chunked\r\n\r\n5;a=b\r\nhello\r\n0;c\r\n\r\n" \
		"$head chunked\r\n\r\n5;a=\"b;c\"\r\nhello\r\n00\r\n\r\n" \
		"$head chunked\r\n\r\n1\r\nh\r\n1\r\ne\r\n3\r\nllo\r\n0\r\n\r\n" \
		"$head chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Jobfence-Job-ID: forged\r\nHost: denied.test\r\n\r\n"
}

@test "a request within a body is a body" {
	one_request 'POST /a' 'GET /smuggled HTTP/1.1' \
		"POST /a HTTP/1.1\r\n${end}Content-Length: 22\r\n\r\nGET /smuggled HTTP/1.1$inner" \
		"POST /a HTTP/1.1\r\n${end}Transfer-Encoding: chunked\r\n\r\n16\r\nGET /smuggled HTTP/1.1\r\n0\r\n\r\n$inner" \
		"POST /a HTTP/1.1\r\n${end}content-length: 0022\r\n\r\nGET /smuggled HTTP/1.1"
	one_request 'GET /a' '' "GET /a HTTP/1.1\r\n${end}Content-Length: 0\r\n\r\n$inner" \
		"GET /a HTTP/1.1\r\n$end\r\n$inner"
	one_request 'GET /a' 'GET /' "GET /a HTTP/1.1\r\n${end}Content-Length: 5\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
}

@test "the header is ours, however the job names it" {
	local name fields requests=()

	for name in X-Jobfence-Job-ID x-jobfence-job-id X_Jobfence_Job_ID X.Jobfence.Job.ID X-Jobfence_Job~ID; do
		for fields in "$name: a" "$name: a\r\n$name: b" "$name:" "Connection: $name\r\n$name: a" \
			"Connection: keep-alive, $name, te" "TE: trailers\r\nTrailer: $name"; do
			requests+=("GET /a HTTP/1.1\r\n$fields\r\n$end\r\n")
		done
	done
	one_request 'GET /a' '' "${requests[@]}"
}

@test "nor does a tunnel to port 80 hide it" {
	local tunnel='CONNECT @:80 HTTP/1.1\r\nHost: @:80\r\n\r\n'

	is "$(statuses "${tunnel//@/node.test}GET /a HTTP/1.1\r\nX-Jobfence-Job-ID: a\r\n${end//@/node.test}\r\n" | sort -u)" '200 200'
	is "$(tail -n 1 "$BATS_FILE_TMPDIR/node" | jq -c '.headers | map(select(test("^(t[0-9]+|a)$")))')" "[\"$JOB\"]"
}

@test "no number of other fields hides the header" {
	local fields

	printf -v fields 'A%d: b\\r\\n' {1..120}
	one_request 'GET /a' '' "GET /a HTTP/1.1\r\n$fields$end\r\n"
}

@test "every form of a request line is one in origin form" {
	local line

	one_request 'GET /a' '' "GET http://@/a HTTP/1.1\r\n$end\r\n" "GET HTTP://@/a HTTP/1.1\r\n$end\r\n" \
		"GET http://@:80/a HTTP/1.1\r\n$end\r\n" "GET /a HTTP/1.0\r\n$end\r\n" "GET http://@/a HTTP/1.0\r\n\r\n" \
		"\r\nGET /a HTTP/1.1\r\n$end\r\n" "GET /a HTTP/1.1\r\nHost: @:80\r\nConnection: close\r\n\r\n" \
		"GET /a HTTP/1.1\r\nHost:@.\r\nProxy-Connection: close\r\n\r\n" "GET /a HTTP/1.1\r\n${end}Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
	# nginx refuses these.
	for line in 'OPTIONS *' 'TRACE /a'; do
		is "$(statuses "$line HTTP/1.1\r\n${end//@/node.test}\r\n" | sort -u)" 200
		is "$(tail -n 1 "$BATS_FILE_TMPDIR/node" | jq -r .line)" "$line"
	done
	one_request 'GET //denied.test/a' '' "GET //denied.test/a HTTP/1.1\r\n$end\r\n"
	one_request 'GET /?a' '' "GET http://@?a HTTP/1.1\r\n$end\r\n"
}

@test "Node reads what the seeds of the fuzz target send as the proxy does" {
	local seen

	seen=$(in_job_directly python3 "$LIB/replay.py" 11.0.0.2 "$BATS_FILE_TMPDIR/node" "$JOB" tests/fuzz/seeds/request)
	# The output is one line, without an error before it.
	like "$seen" '[12][0-9][0-9]'
}
