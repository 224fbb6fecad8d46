#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The request log: a line for each request, tunnel and refused attempt, when it ends.

load lib/job

FIELDS='["version","time","job","number","pid","comm","kind","method","scheme","host","port","path","status","by","reason","detail","sent","received","milliseconds","first_byte_milliseconds","upstream","server_name","reused"]'

log_file()
{
	echo "/run/jobfence/jobs/$JOB/requests.log"
}

# Prints the log. Fails if it has a byte that is not printable ASCII, or a line that is not
# a whole object.
log()
{
	in_lab cat "$(log_file)" > "$BATS_TEST_TMPDIR/log"
	! LC_ALL=C grep -q '[^ -~]' "$BATS_TEST_TMPDIR/log" || lab_fail 'the log has other bytes' || return
	jq -ec "if keys_unsorted == $FIELDS or .kind == \"dropped\" then . else error(\"other fields\") end" "$BATS_TEST_TMPDIR/log"
}

has_lines()
{
	[ "$(in_lab sh -c "wc -l < $(log_file)")" -ge "$1" ]
}

# Waits until the log has $1 lines, and fails unless $2, an expression of jq, makes $3 of
# all of them.
logs()
{
	eventually has_lines "$1" || return
	is "$(log | jq -sc "$2")" "$3"
}

@test "a request has a line that names the process, the site and what moved" {
	local body

	job_up --rate 0 --domain allowed.test
	body=$(fetch -o /dev/null -w '%{size_header} %{size_download} %{size_request}' \
		http://allowed.test/ --next -sS -o /dev/null -d hello 'http://allowed.test/a?secret=1')
	logs 2 'map([.number, .kind, .comm, .method, .scheme, .host, .port, .path, .status, .by, .reason, .detail, .upstream, .server_name])' \
		"[[1,\"request\",\"curl\",\"GET\",\"http\",\"allowed.test\",80,null,200,\"site\",null,null,\"11.0.0.2\",null],[2,\"request\",\"curl\",\"POST\",\"http\",\"allowed.test\",80,null,200,\"site\",null,null,\"11.0.0.2\",null]]"
	log | jq -se --arg said "$body" '($said | split(" ") | map(tonumber)) as [$head, $body, $sent] |
		.[0].sent == $sent and .[0].received > $body and .[1].sent > 5 and (map(.pid > 0) | all)'
	log | jq -se 'map(.milliseconds >= .first_byte_milliseconds and .milliseconds < 60000 and
		(.time | test("^20[0-9-]{8}T[0-9:]{8}\\.[0-9]{3}Z$"))) | all'
	is "$(log | jq -s 'map(now - (.time | sub("\\.[0-9]*"; "") | fromdate) | . > -2 and . < 60) | all')" true
}

@test "a connection that is used again says so, and counts each request alone" {
	job_up --rate 0 --domain allowed.test
	fetch -o /dev/null http://allowed.test/ --next -sS -o /dev/null http://allowed.test/
	logs 2 'map(.reused)' '[false,true]'
	is "$(log | jq -s '.[0].sent == .[1].sent and .[0].received == .[1].received')" true
}

@test "tunnels have a line when they end, with the name and the bytes of both sides" {
	job_up --rate 0 --domain allowed.test
	fetch -o /dev/null https://allowed.test/
	fetch_by_proxy -o /dev/null https://allowed.test/
	logs 2 'map([.kind, .comm, .method, .scheme, .host, .port, .status, .by, .server_name, .upstream, .reused])' \
		'[["tunnel","curl",null,"https","allowed.test",443,null,"site","allowed.test","11.0.0.2",false],["tunnel","curl","CONNECT","https","allowed.test",443,200,"site","allowed.test","11.0.0.2",false]]'
	log | jq -se 'map(.sent > 500 and .received > 1000 and .first_byte_milliseconds != null) | all'
}

@test "a refusal has a line that says who refused, and why" {
	lab_name guarded.test 11.0.0.2
	lab_name unreachable.test 11.0.9.1
	job_up --rate 0 --domain allowed.test --domain 10.1.2.3 --domain guarded.test --guard-domain guarded.test --domain unreachable.test
	refused_for domain http://denied.test/
	fetch -o /dev/null http://10.1.2.3/
	fetch -o /dev/null http://unreachable.test/
	fetch -o /dev/null http://allowed.test/close
	converse 11.0.0.2 80 'GET / HTTP/1.1\r\nbad\r\n\r\n' > /dev/null
	fetch --connect-to ::11.0.0.2: -o /dev/null https://denied.test/ || true
	fetch -o /dev/null https://guarded.test/ || true
	fetch_by_proxy -o /dev/null https://denied.test/ || true
	logs 8 'map([.kind, .method, .host, .port, .status, .by, .reason, .upstream, .server_name])[]' \
		'["request","GET","denied.test",80,403,"fence","domain",null,null]
["request","GET","10.1.2.3",80,403,"fence","address",null,null]
["request","GET","unreachable.test",80,502,"fence",null,null,null]
["request","GET","allowed.test",80,502,"fence",null,"11.0.0.2",null]
["request",null,"11.0.0.2",80,400,"fence","protocol",null,null]
["tunnel",null,"denied.test",443,null,"fence","domain",null,"denied.test"]
["tunnel",null,"guarded.test",443,null,"fence","guard",null,"guarded.test"]
["tunnel","CONNECT","denied.test",443,403,"fence","domain",null,null]'
	is "$(log | jq -sc 'map(.detail)')" \
		'[null,"10.1.2.3","there is no route to the site: 11.0.9.1","the site closed the connection without an answer","the request is malformed",null,null,null]'
	log | jq -se 'map(.sent > 0 and .received > 0) | all'
}

@test "a name that the stub refuses has a line, and a harmless question has none" {
	job_up --domain allowed.test
	in_job getent hosts 1.0.0.10.in-addr.arpa || true
	in_job "$LIB/ask_hostile_names.py" denied
	logs 1 'map([.kind, .host, .port, .by, .reason, .pid, .comm, .status])' '[["dns","denied.test",null,"fence","domain",null,null,null]]'
}

@test "no name, path, method or field forges a line or commands a terminal" {
	local hostile=$'x","by":"site","a":"\n{"version":1}\e[31m\x07\\'

	job_up --rate 0 --domain allowed.test
	# shellcheck disable=SC1003 # the script reads the escapes
	in_job "$LIB/ask_hostile_names.py" 'x","by":"site"\n{"version":1}\x1b[31m\x00\xff\\' '\x9b2J'
	converse 11.0.0.2 80 "GET /\\x1b[31m\",\"by\":\"site HTTP/1.1\r\nHost: allowed.test\r\nX: \\x1b]0;a\\x07\r\n\r\n" > /dev/null
	converse 11.0.0.2 80 'GET / HTTP/1.1\r\nHost: a"\x1b[1m\r\n\r\n' > /dev/null
	converse 11.0.0.2 80 'G"T\x1b / HTTP/1.1\r\nHost: allowed.test\r\n\r\n' > /dev/null
	converse 11.0.0.2 80 'CONNECT a"b:443 HTTP/1.1\r\nHost: a"b:443\r\n\r\n' > /dev/null
	in_job cp "$(command -v curl)" "/tmp/$hostile"
	in_job_directly "/tmp/$hostile" -sS -o /dev/null http://allowed.test/
	eventually has_lines 7
	is "$(log | wc -l)" 7
	is "$(log | jq -sc 'map(.by)')" '["fence","fence","fence","fence","fence","fence","site"]'
	is "$(log | jq -sc '[.[0].host, .[1].host, .[6].comm]')" \
		'["x\",\"by\":\"site\"?{\"version\":1}?[31m??\\.test","?2J.test","x\",\"by\":\"site\","]'
}

@test "a full log moves to the older half, and no line is lost" {
	local policy=$BATS_TEST_TMPDIR/policy

	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'log_max = 65536' > "$policy"
	job_up --config "$policy" --rate 0 --domain allowed.test
	fetch -f -o /dev/null 'http://allowed.test/[1-100]'
	eventually in_lab grep -q '"number":100,' "$(log_file)"
	is "$(in_lab cat "$(log_file).1" "$(log_file)" | jq -sc 'map(.number) | [length, .[0], .[-1], (. == sort)]')" \
		'[100,1,100,true]'
	in_lab sh -c "[ \$(stat -c %s $(log_file)) -le 32768 ] && [ \$(stat -c %s $(log_file).1) -le 32768 ]"
}

# Prints how many lines the log says are lost, and how many it has.
counts()
{
	log | jq -sc '[(map(.count // 0) | add), (map(select(.kind != "dropped")) | length)]'
}

# shellcheck disable=SC2016 # expanded by the inner shell
@test "a full disk costs lines, which are counted, and no request" {
	in_lab mkdir -p /run/jobfence/jobs
	in_lab mount -t tmpfs -o size=256k,mode=755 jobs /run/jobfence/jobs
	job_up --rate 0 --domain allowed.test
	fetch -f -o /dev/null http://allowed.test/
	logs 1 length 1
	in_lab dd if=/dev/zero of=/run/jobfence/jobs/filled bs=4k status=none 2> /dev/null || true
	# What is left of the page that the log has already.
	fetch -f -o /dev/null 'http://allowed.test/[1-40]'
	in_lab rm /run/jobfence/jobs/filled
	fetch -f -o /dev/null http://allowed.test/
	eventually eval '[ "$(counts | jq add)" -ge 42 ]'
	is "$(counts | jq add)" 42
	is "$(counts | jq '.[0] > 0')" true
	is "$(log | jq -s '.[-1].number')" 42
	jobfence down "$JOB"
	in_lab umount /run/jobfence/jobs
}

@test "a destination that nobody reads costs lines, and no request" {
	local fifo=$BATS_TEST_TMPDIR/fifo reader

	mkfifo "$fifo"
	exec {reader}<>"$fifo" # is a reader that does not read
	job_up --rate 0 --domain allowed.test --log "$fifo"
	fetch -f -o /dev/null 'http://allowed.test/[1-2000]'
	timeout 10 head -n 100 "$fifo" > "$BATS_TEST_TMPDIR/log"
	is "$(jq -sc '[length, .[0].number, .[-1].number]' "$BATS_TEST_TMPDIR/log")" '[100,1,100]'
	fetch -f -o /dev/null http://allowed.test/
	jobfence down "$JOB"
	exec {reader}>&-
}

# shellcheck disable=SC2016 # expanded by the inner shell
@test "a worker that is killed in the middle leaves whole lines, and the next one goes on" {
	local worker

	job_up --domain allowed.test
	fetch -o /dev/null http://allowed.test/
	logs 1 length 1
	begin_to_fetch http://allowed.test/bytes/1000000
	worker=$(proxy_worker)
	in_lab kill -9 "$worker"
	eventually eval '[ "$(proxy_worker)" != "$worker" ]'
	fetch --retry 9 --retry-all-errors -o /dev/null http://allowed.test/
	logs 2 'map([.number, .status])' '[[1,200],[1,200]]'
}

# Fails unless a down by the command "$@" writes the line of a request that is under way.
ends_under_way_by()
{
	: >"$BATS_TEST_TMPDIR/begun"
	in_job_directly bash -c 'exec 3<>/dev/tcp/11.0.0.2/80; printf "GET /bytes/10000000 HTTP/1.1\r\nHost: allowed.test\r\n\r\n" >&3
		head -c 1 <&3 >/dev/null; echo begun; exec sleep 60' > "$BATS_TEST_TMPDIR/begun" 3>&- &
	await "$BATS_TEST_TMPDIR/begun" begun
	in_lab bash -c "exec 3<'$(log_file)'; $* '$JOBFENCE' down $JOB; cat <&3" > "$BATS_TEST_TMPDIR/log"
	is "$(jq -c '[.kind, .comm, .status, .by, .detail, .received > 0]' "$BATS_TEST_TMPDIR/log")" \
		'["request","bash",200,"site","the job ended",true]'
}

@test "the end of a job writes the lines of what is under way" {
	job_up --domain allowed.test
	ends_under_way_by
}

@test "so does a down in another PID namespace than up" {
	local elsewhere=(unshare --pid --fork --mount-proc) holder

	job_up --domain allowed.test
	ends_under_way_by "${elsewhere[@]}"
	# The namespace lasts as long as its first process. The job's own one is mounted
	# for all.
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$0" && exec "$@"' "$BATS_TEST_TMPDIR/holder" \
		unshare --pid --fork --kill-child --mount --propagation unchanged \
		bash -c 'mount --make-private /proc && mount -t proc proc /proc && "$@" && exec sleep infinity' up "$JOBFENCE" up --json --job "$JOB" --domain allowed.test >"$UP" 3>&- &
	await "$UP" '"job"'
	is "$(jobfence list --json | jq -r .[].state)" up
	ends_under_way_by
	holder=$(<"$BATS_TEST_TMPDIR/holder")
	in_lab kill "$holder"
}

has_requests()
{
	[ "$(jobfence show "$JOB" --json | jq .statistics.requests)" = "$1" ]
}

@test "the end of a job hides nothing of what is under way, however much that is" {
	lab_name silent.test 11.0.8.1
	job_up --domain silent.test --rate 0
	in_job_directly python3 "$LIB/silent_requests.py" 900 >"$BATS_TEST_TMPDIR/begun" 3>&- &
	await "$BATS_TEST_TMPDIR/begun" begun
	# The proxy reads what was sent a moment later.
	eventually has_requests 900
	in_lab bash -c "exec 3<'$(log_file)'; '$JOBFENCE' down $JOB; cat <&3" >"$BATS_TEST_TMPDIR/log"
	is "$(jq -s 'map(if .kind == "dropped" then .count else 1 end) | add' "$BATS_TEST_TMPDIR/log")" 900
	is "$(head -n 1 "$BATS_TEST_TMPDIR/log" | jq -r .host)" silent.test
}
