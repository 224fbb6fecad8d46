#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The journal of events, and who reads it.

load lib/job

# Events of the job as JSON, each as the fields $1.
events_of_job()
{
	jobfence events "$JOB" --json | jq -c "$1"
}

# Fails unless each of the lines $1 is as the schema says.
match_schema()
{
	local lines

	mapfile -t lines <<<"$1"
	is "$(python3 "$LIB/matches_schema.py" "$BATS_TEST_DIRNAME/../share/jobfence/event.schema.json" "${lines[@]}" |
		sort -u)" True
}

# Runs a follower of the events with the options $@, which end_followers() ends.
follower()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >>"$1" && exec "${@:2}"' sh "$BATS_TEST_TMPDIR/followers" \
		"$JOBFENCE" events --follow "$@"
}

# Starts one that prints into the file $FOLLOWED.
follow()
{
	follower "$@" >"$FOLLOWED" 3>&- &
}

end_followers()
{
	local pids

	mapfile -t pids <"$BATS_TEST_TMPDIR/followers"
	in_lab kill "${pids[@]}"
}

# This one is the first, as it needs a node on which no job was up.
@test "before any job was up there are no events, and a follower waits for the first" {
	FOLLOWED=$BATS_TEST_TMPDIR/followed
	ends_with 0 jobfence events
	is "$OUTPUT$ERRORS" 'jobfence: there are no events yet, as no job was up'
	follow --json
	job_up
	await "$FOLLOWED" '"kind":"started"'
	ends_with 0 jobfence events nojob
	is "$OUTPUT$ERRORS" 'jobfence: no events of a job nojob are kept'
	ends_with 0 jobfence events "$JOB" --since 0s
	is "$OUTPUT$ERRORS" ''
	jobfence down "$JOB"
	await "$FOLLOWED" '"ended"'
	end_followers
}

@test "events tell of a job from its start to its end, under its name and labels" {
	job_up --domain allowed.test --label team=blue
	ends_with 1 in_job bash -c ': >/dev/tcp/11.0.0.2/22'
	refused_for domain http://denied.test/some/path
	jobfence update "$JOB" --rate 2mbit
	kill_proxy
	jobfence repair "$JOB"
	jobfence down "$JOB"
	is "$(events_of_job '[.kind, .hook, .reason, .name, .port, .what]')" '["started",null,null,null,null,null]
["refusal","connect","port",null,22,null]
["refusal","proxy","domain","denied.test",80,null]
["changed",null,null,null,null,"update"]
["changed",null,null,null,null,"repair"]
["ended",null,null,null,null,null]'
	is "$(events_of_job '[.job, .labels]' | sort -u)" "[\"$JOB\",{\"team\":\"blue\"}]"
	is "$(events_of_job 'select(.hook == "proxy") | [.comm, .pid > 0]')" '["curl",true]'
	is "$(events_of_job 'select(.kind == "ended").report | [.job, .state, .statistics.refused.domain, (.ended_at | type)]')" \
		"[\"$JOB\",\"up\",1,\"string\"]"
	is "$(events_of_job '.time | test("^20[0-9-]{8}T[0-9:]{8}[.][0-9]{3}Z$")' | sort -u)" true
	match_schema "$(jobfence events --json)"
	match_schema '{"kind":"lost","count":1}'
	is "$(events_of_job .number)" "$(events_of_job .number | sort -un)"
	like "$(jobfence events "$JOB")" '*proxy denied.test port 80: a domain that the job did not declare
*the job was changed by update
*the job was changed by repair
*the job ended'
}

@test "an event has the port of the request, through the proxy's own address too" {
	job_up --domain allowed.test
	fetch_by_proxy -o /dev/null https://denied.test/ || true
	fetch_by_proxy -o /dev/null http://denied.test/
	fetch_by_proxy -o /dev/null https://allowed.test:22/ || true
	fetch --connect-to ::11.0.0.2: -o /dev/null https://denied.test/ || true
	converse "$(up_says '.proxy.address | split(":")[0]')" 80 'no request\r\n\r\n'
	is "$(events_of_job 'select(.hook == "proxy") | [.reason, .name, .port]')" \
		'["domain","denied.test",443]
["domain","denied.test",80]
["protocol","allowed.test",22]
["domain","denied.test",443]
["protocol",null,null]'
}

@test "the stub tells of the names that it refuses" {
	job_up --domain allowed.test
	ends_with 2 in_job getent ahostsv4 denied.test
	is "$(events_of_job 'select(.kind == "refusal") | [.hook, .reason, .name, .address, .port]' | sort -u)" \
		'["dns","domain","denied.test",null,null]'
	like "$(jobfence events "$JOB")" "* $JOB - dns denied.test: a domain that the job did not declare*"
}

@test "two followers see everything, and a filter takes nothing from others" {
	local all="$BATS_TEST_TMPDIR/all" other="$BATS_TEST_TMPDIR/other"

	job_up
	jobfence up --job other
	FOLLOWED=$all follow --json
	FOLLOWED=$other follow other --json
	await "$other" '"kind":"started"'
	ends_with 1 in_job bash -c ': >/dev/tcp/11.0.0.2/21'
	ends_with 1 jobfence exec other -- bash -c ': >/dev/tcp/11.0.0.2/23'
	jobfence down other
	await "$all" '"port":23'
	await "$other" '"ended"'
	end_followers
	is "$(jq -c 'select(.kind == "refusal" and .port > 20) | [.job, .port]' "$all" | tail -n 2)" \
		"[\"$JOB\",21]
[\"other\",23]"
	is "$(jq -c '[.job, .kind, .port]' "$other")" '["other","started",null]
["other","refusal",23]
["other","ended",null]'
	is "$(events_of_job '[.kind, .port]')" '["started",null]
["refusal",21]'
}

@test "events can be asked for since a time" {
	local before

	job_up
	ends_with 1 in_job bash -c ': >/dev/tcp/11.0.0.2/21'
	before=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
	ends_with 1 in_job bash -c ': >/dev/tcp/11.0.0.2/22'
	is "$(jobfence events "$JOB" --json --since "$before" | jq -c .port)" 22
	is "$(jobfence events "$JOB" --json --since "${before%Z}+00:00" | jq -c .port)" 22
	is "$(jobfence events "$JOB" --json --since 10m | jq -c .port)" $'null\n21\n22'
	ends_with 0 jobfence events "$JOB" --json --since 0s
	is "$OUTPUT" ''
	for wrong in '' 10 m 10w 2026-11-29 2026-11-29T12:00:00 2026-11-29T12:00:00.Z 2026-11-29T12:00:00+1:00 -5m; do
		ends_with 2 in_lab "$JOBFENCE" events --since "$wrong"
	done
}

# shellcheck disable=SC2016 # expanded by the inner shell
@test "a cgroup of others that has one job after another tells each by its name" {
	local cgroup

	cgroup=$(<"$LAB/cgroups")/theirs
	in_lab mkdir "$cgroup"
	for name in first second; do
		jobfence up --job "$name" --cgroup "$cgroup" --label "which=$name"
		ends_with 1 in_lab bash -c 'echo $$ >"$1/cgroup.procs" && : >/dev/tcp/11.0.0.2/22' sh "$cgroup"
		jobfence down "$name"
	done
	for name in first second; do
		is "$(jobfence events "$name" --json | jq -c '[.kind, .labels.which]')" \
			"[\"started\",\"$name\"]
[\"refusal\",\"$name\"]
[\"ended\",\"$name\"]"
	done
	in_lab rmdir "$cgroup"
}

# shellcheck disable=SC2016 # expanded by the inner shell
@test "what a job calls itself and asks for gives no line of its own, and no command to a terminal" {
	job_up --domain allowed.test
	in_job bash -c 'cp /bin/bash "/tmp/$1" && exec "/tmp/$1" -c ": >/dev/tcp/11.0.0.2/22"' sh $'\e[2J\n"x' || true
	in_job python3 - <<'END'
import socket
s = socket.create_connection(("192.0.0.8", 80))
s.sendall(b"GET / HTTP/1.1\r\nHost: evil\x1b[2J.test\r\n\r\n")
s.recv(4096)
END
	jobfence events "$JOB" >"$BATS_TEST_TMPDIR/text"
	jobfence events "$JOB" --json >"$BATS_TEST_TMPDIR/json"
	is "$(LC_ALL=C grep -h '[^ -~]' "$BATS_TEST_TMPDIR/text" "$BATS_TEST_TMPDIR/json")" ''
	is "$(jq -s length "$BATS_TEST_TMPDIR/json")" "$(wc -l <"$BATS_TEST_TMPDIR/text")"
	like "$(<"$BATS_TEST_TMPDIR/text")" '*?\[2J?"x\[*'
}

# shellcheck disable=SC2016 # expanded by the inner shell
@test "a reader that went away ends a follower" {
	job_up
	in_lab timeout 20 bash -c '"$1" events --follow | head -n 1' sh "$JOBFENCE"
}

@test "what a follower leaves out for its time is not lost" {
	FOLLOWED=$BATS_TEST_TMPDIR/followed
	job_up --domain allowed.test
	follow --json --since "$(date -u +%Y-%m-%dT%H:%M:%S.%NZ -d '2 seconds')"
	jobfence update "$JOB" --rate 2mbit
	eventually sees_a_change
	end_followers
	is "$(jq -r .kind "$FOLLOWED" | sort -u)" changed
}

sees_a_change()
{
	jobfence update "$JOB" --rate 1mbit
	grep -q changed "$FOLLOWED"
}

@test "a job that asked for many names, or found no room, pushes out little of what is told of others" {
	job_up --domain allowed.test --label a=b
	in_job python3 - <<'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("192.0.0.8", 53))
s.settimeout(5)
for i in range(250):
    name = b"%03d" % i + b"x" * 60
    s.send(b"\0\1\1\0\0\1\0\0\0\0\0\0" + 3 * (bytes([len(name)]) + name) + b"\4test\0\0\1\0\1")
    s.recv(2000)
END
	is "$(jobfence show "$JOB" --json | jq '.refusals | length')" 250
	# What a full file system leaves of a line.
	in_lab sh -c 'printf "{\"id\":1" >>/run/jobfence/events'
	jobfence down "$JOB" --json >"$BATS_TEST_TMPDIR/down"
	is "$(jobfence events "$JOB" --json | jq -c 'select(.kind == "ended") | [.job, .labels.a]')" "[\"$JOB\",\"b\"]"
	is "$(jobfence events "$JOB" --json | jq 'select(.kind == "ended").report.refusals | length > 10 and length < 100')" true
	is "$(jq '.ended[0].refusals | length' "$BATS_TEST_TMPDIR/down")" 250
	# It is halved until it has at most 16 KiB, so half of that is left at least.
	between 8192 17000 "$(in_lab tail -n 1 /run/jobfence/events.details | wc -c)"
}

@test "a job with long labels pushes out no name and no short label of others" {
	local label

	job_up --label a=b
	jobfence down "$JOB"
	label=$(printf '%0255d' 0)
	jq -nc --arg text "${label:10}" '{job: "long", network: {type: "http", domains: ["allowed.test"]}, labels: [range(64) | {"\(1000 + .)\($text)": $text}] | add}' |
		jobfence up --spec -
	is "$(jobfence events long --json | jq -c '[.labels | length]')" '[64]'
	# Two files of 1 MiB take 64 such lines.
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'for i in {1..70}; do "$0" update long --rate "${i}mbit" || exit; done' "$JOBFENCE"
	is "$(events_of_job '[.kind, .labels, .report]')" '["started",{"a":"b"},null]
["ended",{"a":"b"},null]'
	is "$(jobfence events long --json | jq -sc '[length, (map(.job) | unique), .[0].labels, (.[-1].labels | length)]')" \
		'[71,["long"],null,64]'
	# The older one was full. Either may be longer by a line.
	between $((1 << 20)) 2200000 "$(in_lab sh -c 'cat /run/jobfence/events.details*' | wc -c)"
}

@test "a file of events that takes no line costs no event" {
	job_up --label a=b
	in_lab rm -f /run/jobfence/events
	in_lab ln -s /dev/full /run/jobfence/events
	jobfence up --job third --label a=b
	is "$(jobfence events third --json | jq -c '[.kind, .job, .what]')" '["started","third",null]'
	in_lab rm /run/jobfence/events
	jobfence down third
	is "$(jobfence events third --json | jq -c '[.kind, .labels.a]')" '["started","b"]
["ended","b"]'
}

# Causes an event. Succeeds if the receiver $1 has ended, having got an entry.
sends_an_entry()
{
	refused_for domain http://denied.test/
	! kill -0 "$1" 2>/dev/null
}

@test "events go to systemd's journal with their fields" {
	local entries=$BATS_TEST_TMPDIR/entries receiver

	job_up --domain allowed.test --label team=blue
	ends_with 1 jobfence events --journal
	like "$ERRORS" '*cannot reach journald*'
	refused_for domain http://denied.test/
	in_lab python3 "$LIB/journal_socket.py" /run/systemd/journal/socket 2 >"$entries" 3>&- &
	receiver=$!
	await "$entries" ready
	is "$(jobfence events "$JOB" --journal)" ''
	wait "$receiver"
	is "$(grep -v ready "$entries" | jq -c '[.SYSLOG_IDENTIFIER, .PRIORITY, .JOBFENCE_JOB, .JOBFENCE_KIND, .JOBFENCE_LABELS, .JOBFENCE_NAME]')" \
		"[\"jobfence\",\"6\",\"$JOB\",\"started\",\"{\\\"team\\\":\\\"blue\\\"}\",null]
[\"jobfence\",\"5\",\"$JOB\",\"refusal\",\"{\\\"team\\\":\\\"blue\\\"}\",\"denied.test\"]"
	like "$(<"$entries")" '*"MESSAGE": "'"$JOB"' *proxy denied.test port 80: a domain that the job did not declare"*'
	ends_with 2 in_lab "$JOBFENCE" events --journal --json
	: >"$entries"
	in_lab timeout 280 python3 "$LIB/journal_socket.py" /run/systemd/journal/socket 1 >"$entries" 3>&- &
	receiver=$!
	await "$entries" ready
	follower "$JOB" --journal --since 0s 3>&- | true &
	# An event that comes before the follower has begun is not for the journal.
	eventually sends_an_entry "$receiver"
	wait "$receiver"
	end_followers
}
