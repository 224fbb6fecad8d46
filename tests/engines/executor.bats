#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# examples/executor.sh and executor.py: a folder of jobs, each in a container of Docker
# behind its fence.

load ../lib/docker

setup_file()
{
	lab_with containers_up docker_up
	mkdir "$BATS_FILE_TMPDIR/bin"
	ln -s "$JOBFENCE" "$BATS_FILE_TMPDIR/bin/jobfence"
	printf '#!/bin/sh\nexec /usr/bin/docker -H unix:///run/docker.sock "$@"\n' >"$BATS_FILE_TMPDIR/bin/docker"
	chmod +x "$BATS_FILE_TMPDIR/bin/docker"
}

setup()
{
	lab_forget
	FOLDER=$BATS_TEST_TMPDIR/jobs
	mkdir -p "$FOLDER/queue"
}

teardown()
{
	is "$(docker ps --all --quiet)" ''
	nothing_is_left
}

# Puts job $1 into the queue. It runs the shell commands $2 and may reach the domain $3.
queue()
{
	jq -n --arg command "$2" --arg domain "$3" '{image: "box", command: ["sh", "-c", $command],
		fence: {network: {type: "http", domains: [$domain]}}}' >"$FOLDER/queue/$1.json"
}

# Runs the executor $EXECUTOR.
executor()
{
	in_lab env PATH="$BATS_FILE_TMPDIR/bin:$PATH" DOCKER_CONFIG="$BATS_FILE_TMPDIR" \
		"$LIB/../../examples/$EXECUTOR" "$FOLDER" e1
}

ended_with()
{
	is "$(<"$FOLDER/done/$1.status")" "$2"
}

gives_each_its_network()
{
	queue a "$PROBE" allowed.test
	queue b 'exit 7' allowed.test
	queue c "$PROBE" other.test
	executor
	ended_with a 1
	is "$(<"$FOLDER/done/a.log")" "$FENCED"
	ended_with b 7
	like "$(<"$FOLDER/done/c.log")" 'HTTP/1.1 403 Forbidden*'
	is "$(jq -c '[.job, .refusals[0].name]' "$FOLDER/done/c.report")" '["e1-c","allowed.test"]'
	is "$(find "$FOLDER" -name '*.json' ! -path '*/done/*')" ''
}

begins_only_behind_a_fence()
{
	queue a 'echo began' 'http://wrong/'
	queue b 'echo began' allowed.test
	in_lab mkdir -p /run/jobfence
	executor
	like "$(<"$FOLDER/refused/a.log")" "jobfence: *http://wrong/*"
	[ ! -e "$FOLDER/done/a.log" ] || lab_fail 'it began'
	is "$(<"$FOLDER/done/b.log")" began
	queue c 'echo began' allowed.test
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	executor
	in_lab umount --lazy /run/jobfence
	ended_with c 125
	! grep -q began "$FOLDER/done/c.log" || lab_fail 'it began'
}

recovers()
{
	local pid

	# shellcheck disable=SC2016 # expanded in the container
	queue a 'echo began; [ "$AGAIN" ] || exec sleep 1000' allowed.test
	executor 3>&- &
	await_file "$FOLDER/done/a.log" began
	pid=$(in_lab pgrep -o -f "$EXECUTOR $FOLDER e1")
	in_lab kill -KILL "$pid"
	wait $! || :
	is "$(jobfence list --json | jq -r '.[] | .job + " " + .state')" 'e1-a up'
	mv "$FOLDER/running/e1/a.json" "$BATS_TEST_TMPDIR/a.json"
	sed 's/exec sleep 1000/exit 3/' "$BATS_TEST_TMPDIR/a.json" >"$FOLDER/running/e1/a.json"
	executor
	ended_with a 3
	is "$(<"$FOLDER/done/a.log")" began
}

# Waits until the file $1 exists and has a line $2.
await_file()
{
	eventually test -e "$1"
	await "$1" "$2"
}

@test "shell: each job has the network that it declared" {
	EXECUTOR=executor.sh gives_each_its_network
}

@test "shell: a job that can't be fenced never begins" {
	EXECUTOR=executor.sh begins_only_behind_a_fence
}

@test "shell: an executor that is killed leaves nothing once it is started again, and its job runs to its end" {
	EXECUTOR=executor.sh recovers
}

@test "Python: each job has the network that it declared" {
	EXECUTOR=executor.py gives_each_its_network
}

@test "Python: a job that can't be fenced never begins" {
	EXECUTOR=executor.py begins_only_behind_a_fence
}

@test "Python: an executor that is killed leaves nothing once it is started again, and its job runs to its end" {
	EXECUTOR=executor.py recovers
	# The events are those of the second try alone.
	is "$(jq -r .kind "$FOLDER/done/a.events" | sort)" $'ended\nstarted'
}

@test "Python: what is refused is said while the job runs, and its events are kept" {
	queue a "$PROBE" allowed.test
	EXECUTOR=executor.py executor 2>"$BATS_TEST_TMPDIR/said"
	is "$(grep -c "^e1-a: refused 'denied.test': domain$" "$BATS_TEST_TMPDIR/said")" 1
	is "$(jq -r 'select(.name == "denied.test").reason' "$FOLDER/done/a.events")" domain
	is "$(jq -r 'select(.kind == "ended").report.job' "$FOLDER/done/a.events")" e1-a
}

@test "Python: a file that describes no job is refused, and the next one runs" {
	local text number=0

	while read -r text; do
		number=$((number + 1))
		echo "$text" >"$FOLDER/queue/bad$number.json"
	done <<-'END'
		[
		[]
		{"image": "box", "command": ["true"]}
		{"image": "box", "command": ["true"], "fence": []}
		{"image": "box", "command": [1], "fence": {}}
		{"image": "box", "command": ["a\u0000b"], "fence": {}}
		{"image": "box\ud800", "command": ["true"], "fence": {}}
		{"image": "box", "command": ["true"], "fence": {"labels": 1}}
		{"image": "box", "command": ["true"], "fence": {"rate": "fast"}}
	END
	printf '%.0s[' {1..100000} >"$FOLDER/queue/deep.json"
	queue last 'exit 5' allowed.test
	EXECUTOR=executor.py executor
	is "$(find "$FOLDER/refused" -name '*.json' | wc -l)" $((number + 1))
	is "$(find "$FOLDER/refused" -name '*.log' -size +0 | wc -l)" $((number + 1))
	ended_with last 5
}
