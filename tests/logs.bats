#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The request log of a job: where it is, who may write there, and how it is read.

load lib/job

ROOT=$(realpath "$LIB/../..")

# Prints a line as the proxy writes it, of request $1, with fields changed by the jq
# expression $2.
line()
{
	jq -nc --arg job "$JOB" --argjson number "$1" '{version: 1, time: "2026-11-29T12:00:00.123Z", job: $job,
		number: $number, pid: 4711, comm: "curl", kind: "request", method: "GET", scheme: "http",
		host: "allowed.test", port: 80, path: null, status: 200, by: "site", reason: null, detail: null,
		sent: 123, received: 4567, milliseconds: 12.3, first_byte_milliseconds: 9.1,
		upstream: "11.0.0.2", server_name: null, reused: false} | '"${2:-.}"
}

refused_line()
{
	line "$1" '.status = 403 | .by = "fence" | .reason = "domain" | .host = "denied.test" | .upstream = null'
}

# Appends standard input to the log of the job.
append()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab sh -c 'cat >>"/run/jobfence/jobs/$1/requests.log"' sh "$JOB"
}

# Moves the log to its older half, as the supervisor does.
rotate()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab sh -c 'cd "/run/jobfence/jobs/$1" && cat requests.log >requests.log.1 && : >requests.log' sh "$JOB"
}

# Follows the log. A shell is between, since nsenter stops when its child does.
follow()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab sh -c '"$@" & wait $!' sh "$JOBFENCE" log "$JOB" --follow "$@"
}

# Sends the signal $1 to the follower.
signal()
{
	in_lab kill "-$1" "$(in_lab pgrep -x jobfence)"
}

@test "a job has a log of its own, which only root reads, and which goes with the job" {
	job_up --domain allowed.test
	is "$(up_says .log)" "/run/jobfence/jobs/$JOB/requests.log"
	is "$(jobfence show "$JOB" --json | jq -r .log)" "$(up_says .log)"
	is "$(in_lab stat -c '%a %u' "$(up_says .log)" "$(up_says .log).1")" $'600 0\n600 0'
	ends_with 0 jobfence log "$JOB"
	is "$OUTPUT$ERRORS" ''
	jobfence down "$JOB"
	ends_with 4 jobfence log "$JOB"
	like "$ERRORS" "*no job $JOB, and the log of a job goes with it*--log FILE*"
	# The name of a file without a slash is that of a job.
	cd "$BATS_TEST_TMPDIR"
	: >kept.log
	ends_with 4 jobfence log kept.log
	like "$ERRORS" '*no job kept.log; * jobfence log ./kept.log'
	ends_with 0 jobfence log ./kept.log
}

@test "log prints a line for people, and the same as JSON" {
	job_up --domain allowed.test
	append < <(line 1 && refused_line 2)
	is "$(jobfence log "$JOB")" '2026-11-29T12:00:00.123Z curl[4711] GET allowed.test:80 200 site sent 123 received 4567 12.3 ms
2026-11-29T12:00:00.123Z curl[4711] GET denied.test:80 403 fence:domain sent 123 received 4567 12.3 ms'
	is "$(jobfence log "$JOB" --refused)" '2026-11-29T12:00:00.123Z curl[4711] GET denied.test:80 403 fence:domain sent 123 received 4567 12.3 ms'
	is "$(jobfence log "$JOB" --json)" "$(line 1 && refused_line 2)"
	is "$(jobfence log "$JOB" --json --refused | jq .number)" 2
}

@test "log reads the older half first, and tells of lines that were dropped" {
	job_up --domain allowed.test
	append < <(line 1)
	rotate
	append < <(jq -nc --arg job "$JOB" '{version: 1, time: "2026-11-29T12:00:01.000Z", job: $job, kind: "dropped", count: 7}' && line 9)
	is "$(jobfence log "$JOB" --json | jq -c '.number // .count')" $'1\n7\n9'
	like "$(jobfence log "$JOB" --refused)" '2026-11-29T12:00:01.000Z 7 lines were dropped before this'
}

@test "lines that are none are counted and not printed, and none reaches the terminal as it is" {
	job_up --domain allowed.test
	{
		line 1
		echo 'no JSON'
		printf '\x1b[31m\xff\x00\x01{"version":1}\n'
		line 2 '.version = 2'
		line 2 '.host = 7'
		line 2 '.port = -1'
		line 2 '.kind = "other"'
		line 2 '.time = "yesterday"'
		line 2 'del(.status)'
		line 2 '.time = {}'
		echo "[$(line 2)]"
		line 2 | sed 's/"host":"[^"]*"/&,&/'
		line 2 '.host = "nul\u0000"'
		head -c 100000 /dev/zero | tr '\0' a
		echo
		printf '%0.s[' {1..5000}
		echo
		line 2 '.job = "another"'
		line 3 '.host = "\u001b[2J\u202e evil\n2026-11-29T12:00:00.123Z curl[1] GET forged:80" | .comm = "a[1] GET x:80"'
		printf '%s' "$(line 4 | head -c 40)"
	} | append
	ends_with 0 jobfence log "$JOB"
	is "$OUTPUT" '2026-11-29T12:00:00.123Z curl[4711] GET allowed.test:80 200 site sent 123 received 4567 12.3 ms
2026-11-29T12:00:00.123Z a[1]?GET?x:80[4711] GET ?[2J??evil?2026-11-29T12:00:00.123Z?curl[1]?GET?forged:80:80 200 site sent 123 received 4567 12.3 ms'
	is "$ERRORS" 'jobfence: not printed: 15 that are no lines of a request log
jobfence: not printed: 1 lines with the name of another job'
	is "$(jobfence log "$JOB" --json 2>/dev/null | LC_ALL=C tr -d ' -~\n' | wc -c)" 0
	is "$(jobfence log "$JOB" --json 2>/dev/null | jq -c .number)" $'1\n3'
}

@test "a line keeps to the schema, and docs/json.md has its fields" {
	local fields

	job_up --domain allowed.test
	append < <(line 1 && refused_line 2 && jq -nc --arg job "$JOB" '{version: 1, time: "2026-11-29T12:00:01.000Z", job: $job, kind: "dropped", count: 7}')
	mapfile -t lines < <(jobfence log "$JOB" --json)
	is "$(python3 "$LIB/matches_schema.py" "$ROOT/share/jobfence/log.schema.json" "${lines[@]}" "$(line 1 '.status = "200"')" "$(line 1 'del(.by)')")" \
		$'True\nTrue\nTrue\nFalse\nFalse'
	# shellcheck disable=SC2016 # the ` of a table
	fields=$(sed -n '/^## log$/,/^## /s/^| `\([a-z_]*\)`.*/\1/p' "$ROOT/docs/json.md" | sort)
	is "$fields" "$(printf '%s\n' "${lines[@]}" | jq -r keys[] | sort -u)"
	is "$fields" "$(jq -r '.oneOf[].properties | keys[]' "$ROOT/share/jobfence/log.schema.json" | sort -u)"
}

@test "a follower goes on over a rotation, also of lines that it has not read yet, and ends with the job" {
	local follower printed=$BATS_TEST_TMPDIR/printed

	job_up --domain allowed.test
	append < <(line 1)
	follow --json >"$printed" 2>&1 3>&- &
	follower=$!
	await "$printed" '"number":1,'
	signal STOP
	append < <(line 2 && line 3 | head -c 40)
	append < <(line 3 | tail -c +41)
	rotate
	append < <(line 4)
	signal CONT
	await "$printed" '"number":4,'
	rotate
	append < <(line 5)
	await "$printed" '"number":5,'
	append < <(line 6)
	jobfence down "$JOB"
	wait "$follower"
	is "$(jq .number "$printed")" $'1\n2\n3\n4\n5\n6'
}

@test "a follower that was too slow says that lines are missing" {
	local follower printed=$BATS_TEST_TMPDIR/printed

	job_up --domain allowed.test
	append < <(line 1)
	follow --json >"$printed" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	follower=$!
	await "$printed" '"number":1,'
	signal STOP
	append < <(line 2)
	rotate
	append < <(line 3)
	rotate
	append < <(line 4)
	signal CONT
	await "$printed" '"number":4,'
	jobfence down "$JOB"
	wait "$follower"
	is "$(jq .number "$printed")" $'1\n3\n4'
	like "$(<"$BATS_TEST_TMPDIR/said")" '*lines were overwritten before they were read*'
}

@test "a follower ends at SIGTERM, and with its reader" {
	local follower status=0

	job_up --domain allowed.test
	follow >"$BATS_TEST_TMPDIR/printed" 3>&- &
	follower=$!
	append < <(line 1)
	await "$BATS_TEST_TMPDIR/printed" 'allowed.test'
	signal TERM
	wait "$follower"
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	follow >"$BATS_TEST_TMPDIR/pipe" 3>&- &
	follower=$!
	head -n 1 <"$BATS_TEST_TMPDIR/pipe"
	wait "$follower" || status=$?
	is "$status" 0
}

@test "a follower ends at SIGTERM also while nobody takes what it prints" {
	local follower pipe=$BATS_TEST_TMPDIR/pipe

	job_up --domain allowed.test
	mkfifo "$pipe"
	exec 9<>"$pipe"
	follow >"$pipe" 3>&- &
	follower=$!
	append < <(line 1 '. + {number: range(1500)}')
	eventually is_full 9
	signal TERM
	wait "$follower"
	exec 9>&-
}

# Whether no byte has room in the pipe at descriptor $1.
is_full()
{
	python3 "$LIB/is_full.py" "$1"
}

@test "--log FILE keeps the log, beside it the older half; log reads it by its path" {
	local folder=$BATS_TEST_TMPDIR/logs

	mkdir "$folder"
	job_up --domain allowed.test --log "$folder/j.log"
	is "$(up_says .log)" "$folder/j.log"
	is "$(stat -c %a "$folder/j.log" "$folder/j.log.1")" $'600\n600'
	line 1 >>"$folder/j.log"
	is "$(jobfence log "$JOB" --json)" "$(line 1)"
	ends_with 1 in_lab "$JOBFENCE" up --job other --domain allowed.test --log "$folder/j.log"
	like "$ERRORS" '*is the log of another job*'
	# The older half is no log of another, whichever job is first.
	ends_with 1 in_lab "$JOBFENCE" up --job other --domain allowed.test --log "$folder/j.log.1"
	like "$ERRORS" "*j.log.1 is the log of another job*"
	in_lab "$JOBFENCE" up --job other --domain allowed.test --log "$folder/k.log.1" >/dev/null
	ends_with 1 in_lab "$JOBFENCE" up --job third --domain allowed.test --log "$folder/k.log"
	like "$ERRORS" "*k.log.1 is the log of another job*"
	jobfence down other
	jobfence down "$JOB"
	is "$(jobfence log "$folder/j.log" --json)" "$(line 1)"
	line 2 >"$folder/j.log.1"
	ln -s j.log "$folder/link"
	is "$(jobfence log "$folder/link" --json)" "$(line 2 && line 1)"
	ends_with 2 jobfence log "$folder/j.log" --follow
	# A job without a proxy has no requests.
	ends_with 2 in_lab "$JOBFENCE" up --json --job "$JOB" --log "$folder/none.log"
	is "$(jq -c '.error | [.setting, .value]' <<<"$OUTPUT")" "[\"--log\",\"$folder/none.log\"]"
	like "$ERRORS" '*--log needs network http*declare domains*'
	ends_with 125 in_lab "$JOBFENCE" run --network full --rate 0 --log - -- true
	[ ! -e "$folder/none.log" ]
	job_up --log none
	is "$(up_says .log)" null
}

@test "a relative FILE is that of the caller's folder, and repair goes on with it" {
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here"
	job_up --domain allowed.test --log j.log
	is "$(up_says .log)" "$BATS_TEST_TMPDIR/here/j.log"
	line 1 >>j.log
	in_lab kill -9 "$(up_says .proxy.pid)"
	eventually jobfence repair "$JOB"
	is "$(jobfence log "$JOB" --json)" "$(line 1)"
}

@test "no log: --log none, a spec, the policy; and the other way round" {
	local policy=$BATS_TEST_TMPDIR/policy

	job_up --domain allowed.test --log none
	is "$(up_says .log)" null
	ends_with 1 jobfence log "$JOB"
	like "$ERRORS" "*has no request log*"
	jobfence down "$JOB"
	job_up --spec - <<<'{"network": {"domains": ["allowed.test"]}, "log": false}'
	is "$(up_says .log)" null
	jobfence down "$JOB"
	# An option wins, wherever it stands.
	job_up --log "$BATS_TEST_TMPDIR/j.log" --spec - <<<'{"network": {"domains": ["allowed.test"]}, "log": false}'
	is "$(up_says .log)" "$BATS_TEST_TMPDIR/j.log"
	jobfence down "$JOB"
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'log = no' >"$policy"
	job_up --config "$policy" --domain allowed.test
	is "$(up_says .log)" null
	jobfence down "$JOB"
	job_up --config "$policy" --spec - <<<'{"network": {"domains": ["allowed.test"]}, "log": true}'
	is "$(up_says .log)" "/run/jobfence/jobs/$JOB/requests.log"
}

@test "a spec names no file" {
	ends_with 2 in_lab "$JOBFENCE" up --job "$JOB" --spec - <<<'{"log": "/etc/shadow"}'
	like "$ERRORS" "*'log' has to be true or false*"
}

@test "the policy places the logs of jobs, and they stay" {
	local policy=$BATS_TEST_TMPDIR/policy folder=$BATS_TEST_TMPDIR/logs

	mkdir "$folder"
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' "log_path = $folder" 'log_max = 65536' >"$policy"
	job_up --config "$policy" --domain allowed.test
	is "$(up_says .log)" "$folder/$JOB.log"
	jobfence down "$JOB"
	[ -e "$folder/$JOB.log" ]
	printf '%s\n' 'log_max = 65535' >"$policy"
	ends_with 3 in_lab "$JOBFENCE" policy check --config "$policy"
	like "$ERRORS" '*log_max: it has to be a number from 65536 to 536870912*'
}

# Fails unless --log $1 is refused for a reason like $2, and nothing is left.
not_logged()
{
	ends_with 1 in_lab env SUDO_UID= "$JOBFENCE" up --job "$JOB" --domain allowed.test --log "$1" &&
		like "$ERRORS" "jobfence: $2" &&
		nothing_is_left
}

@test "a file of others that has the name of a log is left as it is" {
	local policy=$BATS_TEST_TMPDIR/policy folder=$BATS_TEST_TMPDIR/logs

	mkdir "$folder"
	printf '%s\n' 'accept = http' 'allow_domain = *' "log_path = $folder" >"$policy"
	echo 'Nov 29 12:00:00 node sshd: precious' >"$folder/$JOB.log"
	for file in "$folder/$JOB.log" "$folder/$JOB.log.1"; do
		ends_with 1 in_lab "$JOBFENCE" up --job "$JOB" --config "$policy" --domain allowed.test
		like "$ERRORS" "jobfence: $file is there and is no request log*"
		is "$(<"$file")" 'Nov 29 12:00:00 node sshd: precious'
		[ "$file" = "$folder/$JOB.log.1" ] || mv "$file" "$file.1"
	done
	rm "$folder/$JOB.log.1"
	echo '{"version"' >"$folder/part"
	ends_with 1 in_lab "$JOBFENCE" up --job "$JOB" --domain allowed.test --log "$folder/part"
	nothing_is_left
	line 1 >"$folder/$JOB.log"
	job_up --config "$policy" --domain allowed.test
	is "$(jobfence log "$JOB" --json)" "$(line 1)"
}

@test "FILE is not led elsewhere by others, in their folders or in /tmp" {
	local shared=$BATS_TEST_TMPDIR/shared theirs=$BATS_TEST_TMPDIR/theirs target=$BATS_TEST_TMPDIR/target

	mkdir -m 1777 "$shared"
	mkdir "$theirs" "$target"
	: >"$target/file"
	ln -s "$target" "$shared/link"
	ln -s "$target/file" "$shared/name"
	: >"$shared/file"
	ln "$target/file" "$shared/second"
	mkfifo "$shared/pipe" "$shared/read"
	chown -h 1234 "$theirs" "$shared/link" "$shared/file"
	not_logged "$theirs/log" "$theirs belongs to the user with the number 1234*"
	not_logged "$shared/link/log" "$shared/link belongs to the user with the number 1234*"
	not_logged "$shared/name" '*is a symbolic link*'
	not_logged "$shared/file" '*belongs to the user with the number 1234*'
	not_logged "$shared/second" '*has other names*'
	not_logged "$shared/pipe" 'nobody reads from *'
	python3 "$LIB/bind_unix.py" "$shared/socket"
	not_logged "$shared/socket" 'cannot open the log *: Operation not supported'
	not_logged "$target" 'cannot open the log *: Is a directory'
	not_logged "$target/missing/log" 'cannot see *'
	chmod 777 "$target"
	not_logged "$target/log" 'everybody may write to *'
	chmod 2775 "$target"
	chgrp 50 "$target"
	not_logged "$target/log" 'a group may write to *'
	chmod 755 "$target"
	rm "$shared/second"
	chmod 620 "$target/file"
	chgrp 50 "$target/file"
	not_logged "$target/file" 'a group may write to *'
	chmod 602 "$target/file"
	not_logged "$target/file" 'everybody may write to *'
	is "$(wc -c <"$target/file")" 0
	# The user who called sudo is trusted, with a group of the same number, and owns
	# what is made.
	chgrp 1234 "$theirs"
	chmod 775 "$theirs"
	in_lab env SUDO_UID=1234 SUDO_GID=1234 "$JOBFENCE" up --job "$JOB" --domain allowed.test --log "$theirs/log"
	is "$(stat -c '%u %a' "$theirs/log" "$theirs/log.1")" $'1234 600\n1234 600'
}

# Prints an expression of jq of each line of the log.
logged()
{
	jobfence log "$JOB" --json | jq -c "$1"
}

# Whether $3 lines of the log, or one, have the text $2 in the field $1.
has_logged()
{
	[ "$(logged ".$1" | grep -c -x "\"$2\"")" -ge "${3:-1}" ]
}

# Sends a request. Fails while the process $1 is there.
fetch_until_ended()
{
	fetch -o /dev/null http://allowed.test/ && ! kill -0 "$1" 2>/dev/null
}

@test "requests, refusals, tunnels and names that were looked up are in the log, and keep to the schema" {
	local lines

	job_up --rate 0 --domain allowed.test
	is "$(fetch http://allowed.test/)" 'this is allowed.test'
	refused_for domain http://denied.test/secret?query
	fetch -o /dev/null https://allowed.test/
	fetch_by_proxy -o /dev/null https://allowed.test/
	in_job getent hosts unknown.test || true
	eventually has_logged kind tunnel 2
	eventually has_logged kind dns
	mapfile -t lines < <(jobfence log "$JOB" --json)
	is "$(python3 "$LIB/matches_schema.py" "$ROOT/share/jobfence/log.schema.json" "${lines[@]}" | sort -u)" True
	is "$(logged 'select(.host == "allowed.test" and .kind == "request") | [.method, .port, .status, .by, .comm, .path]')" \
		'["GET",80,200,"site","curl",null]'
	is "$(logged 'select(.status == 403) | [.host, .by, .reason, .comm, .path]')" '["denied.test","fence","domain","curl",null]'
	is "$(jobfence log "$JOB" --json --refused | jq -r .host | sort -u | tr '\n' ' ')" 'denied.test unknown.test '
	is "$(jobfence log "$JOB" 2>&1 >/dev/null)" ''
}

@test "the policy may have the paths of requests in the log, without queries" {
	local policy=$BATS_TEST_TMPDIR/policy

	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'log_paths = yes' >"$policy"
	job_up --config "$policy" --domain allowed.test
	fetch -o /dev/null 'http://allowed.test/a%20b?secret'
	eventually has_logged path /a%20b
	like "$(jobfence log "$JOB")" '*GET allowed.test:80/a%20b 200 site*'
}

@test "run writes the log to standard error with --log -, and to a file that it keeps" {
	local said=$BATS_TEST_TMPDIR/said file=$BATS_TEST_TMPDIR/run.log

	is "$(jobfence run --domain allowed.test --log - -- curl -sS http://allowed.test/ 2>"$said")" 'this is allowed.test'
	is "$(grep -c '^{"version":1,.*"host":"allowed.test"' "$said")" 1
	# A file of the caller has no limit, whatever is in it.
	head -c 2000000 /dev/zero | tr '\0' '\n' >"$said"
	jobfence run --domain allowed.test --log - -- curl -sS http://allowed.test/ 2>>"$said"
	is "$(grep -c '^{"version":1,.*"host":"allowed.test"' "$said")" 1
	jobfence run --domain allowed.test --log - -- curl -sS http://allowed.test/ 2>&1 >/dev/null | cat >"$said"
	is "$(grep -c '^{"version":1,.*"host":"allowed.test"' "$said")" 1
	jobfence run --job kept --domain allowed.test --log "$file" -- curl -sS http://allowed.test/
	is "$(jobfence log "$file" --json | jq -c '[.job, .host, .status]')" '["kept","allowed.test",200]'
	ends_with 125 in_lab python3 "$LIB/error_to_socket.py" "$JOBFENCE" run --domain allowed.test --log - -- true
	like "$OUTPUT" '*standard error is a socket*'
}

@test "a reader of a named pipe that is slow, or has ended, costs lines and no request" {
	local pipe=$BATS_TEST_TMPDIR/pipe reader i

	mkfifo "$pipe"
	exec 5<>"$pipe"
	job_up --rate 0 --domain allowed.test --log "$pipe"
	ends_with 1 jobfence log "$JOB"
	like "$ERRORS" '*is no regular file*'
	fetch -o /dev/null http://allowed.test/
	read -r -t 60 -u 5 i
	is "$(jq -r .host <<<"$i")" allowed.test
	# More than both pipes hold.
	fetch -o /dev/null 'http://allowed.test/[1-1500]'
	timeout 60 grep -q -m 1 '"kind":"dropped"' <&5 3>&- &
	reader=$!
	eventually fetch_until_ended "$reader"
	wait "$reader"
	exec 5<&-
	is "$(fetch http://allowed.test/)" 'this is allowed.test'
	is "$(jobfence list --json | jq -r '.[].state')" up
}
