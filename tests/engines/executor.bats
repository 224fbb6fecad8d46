#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# examples/executor.sh: a folder of jobs, each in a container of Docker behind its fence.

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

executor()
{
	in_lab env PATH="$BATS_FILE_TMPDIR/bin:$PATH" DOCKER_CONFIG="$BATS_FILE_TMPDIR" \
		"$LIB/../../examples/executor.sh" "$FOLDER" e1
}

ended_with()
{
	is "$(<"$FOLDER/done/$1.status")" "$2"
}

@test "each job has the network that it declared" {
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

@test "a job that can't be fenced never begins" {
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
	in_lab umount /run/jobfence
	ended_with c 125
	! grep -q began "$FOLDER/done/c.log" || lab_fail 'it began'
}

@test "an executor that is killed leaves nothing once it is started again, and its job runs to its end" {
	local pid

	# shellcheck disable=SC2016 # expanded in the container
	queue a 'echo began; [ "$AGAIN" ] || exec sleep 1000' allowed.test
	executor 3>&- &
	await_file "$FOLDER/done/a.log" began
	pid=$(in_lab pgrep -o -f "executor.sh $FOLDER e1")
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
