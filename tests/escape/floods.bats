#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# bats file_tags=alone
#
# A job or a site exhausts the proxy. The proxy's memory stays within bounds and shrinks
# again. Other clients are served meanwhile.

load ../lib/job

site=http://allowed.test

setup()
{
	job_up --rate 0 --domain allowed.test
	lab_forget
}

# Prints a figure of the worker's memory in KiB, by its name in /proc/PID/status. Prints 0
# with a sanitizer, since that has memory of its own in the worker.
memory()
{
	if is_sanitized; then
		echo 0
		return
	fi
	# shellcheck disable=SC2016 # expanded by awk
	in_lab awk -v name="$1:" '$1 == name { print $2 }' "/proc/$(proxy_worker)/status"
}

# Opens $2 connections of a kind of flood.py in the job, and runs the remaining arguments
# while they are open.
during()
{
	local kind=$1 count=$2

	shift 2
	mkfifo "$BATS_TEST_TMPDIR/end"
	in_job_directly "$LIB/flood.py" "$kind" "$count" <"$BATS_TEST_TMPDIR/end" >"$BATS_TEST_TMPDIR/flood" 3>&- &
	exec 4>"$BATS_TEST_TMPDIR/end"
	await "$BATS_TEST_TMPDIR/flood" open && "$@" || return
	exec 4>&-
	wait $!
}

serves()
{
	is "$(fetch $site)" 'this is allowed.test'
}

# Fails unless the worker shrinks to at most $1 KiB once no request is left.
gives_back()
{
	local tries=0

	until [ "$(memory VmRSS)" -le "$1" ]; do
		[ $((++tries)) -le 50 ] || lab_fail "it has $(memory VmRSS) KiB" || return
		serves
	done
}

@test "fast open begins no more connections than the job may have" {
	in_job_directly python3 "$LIB/many_fast_open.py" >"$BATS_TEST_TMPDIR/opened" 3>&- &
	await "$BATS_TEST_TMPDIR/opened" ready
	is "$(jobfence show "$JOB" --json | jq -c '[.connections, .unmatched, .upload.refused.limit]')" '[1024,76,76]'
	jobfence show "$JOB" | grep -q 'no entry for them: 76$'
}

@test "heads without end on all connections cost a bounded amount, and it comes back" {
	during heads 1000 serves
	[ "$(memory VmHWM)" -le 49152 ] || lab_fail "it had $(memory VmHWM) KiB"
	gives_back 8192
}

@test "bodies both ways that nobody takes cost a bounded amount, and it comes back" {
	during bodies 1000 true
	[ "$(memory VmHWM)" -le 98304 ] || lab_fail "it had $(memory VmHWM) KiB"
	gives_back 8192
}

# Prints how many KiB the kernel holds in the queues of the proxy's sockets.
kernel_memory()
{
	{
		in_lab ss -tmnH dport = :80
		in_lab nsenter --net="$(up_says .netns)" ss -tmnH sport = :80
	} | sed -n 's/.*skmem:(r\([0-9]*\),.*,w\([0-9]*\),.*/\1 \2/p' | awk '{ sum += $1 + $2 } END { print int(sum / 1024) }'
}

# Waits until kernel_memory stops growing, and fails if it is more than $1 KiB.
kernel_holds()
{
	local before=0 now tries=0

	now=$(kernel_memory)
	until [ "$now" -gt 0 ] && [ "$now" -le "$before" ]; do
		[ $((++tries)) -le 100 ] || lab_fail "it still grows: $now KiB" || return
		serves
		before=$now now=$(kernel_memory)
	done
	[ "$now" -le "$1" ] || lab_fail "the kernel holds $now KiB"
}

@test "answers that nobody reads cost the kernel a bounded amount" {
	during deaf 200 kernel_holds 262144
}

@test "idle connections and hellos byte by byte leave room for others" {
	during idle 500 serves
	rm "$BATS_TEST_TMPDIR/end"
	during hellos 500 serves
}

@test "connections beyond the limit are refused at once, and the limit counts open ones only" {
	local kind

	# Connections to the stub count as well, since all jobs share the kernel's
	# connection table.
	for kind in idle dns; do
		during $kind 1100 true
		rm "$BATS_TEST_TMPDIR/end"
		like "$(<"$BATS_TEST_TMPDIR/flood")" 'open 10?? EPERM'
		serves
	done
}

@test "100,000 connections one after another leave nothing, and the proxy as it was" {
	local files count=100000

	! is_sanitized || count=10000
	serves
	files=$(in_lab ls "/proc/$(proxy_worker)/fd" | wc -l)
	in_job_directly "$LIB/flood.py" reset $count
	serves
	gives_back 8192
	is "$(in_lab ls "/proc/$(proxy_worker)/fd" | wc -l)" "$files"
}

@test "a site that lies about its answer costs the job that answer only" {
	ends_with 18 fetch -o /dev/null $site/short/10
	is "$(fetch -o /dev/null -w '%{http_code}' $site/endless-head)" 502
	is "$(fetch -o /dev/null -w '%{http_code}' $site/switch)" 502
	is "$(fetch -H 'Connection: Upgrade' -H 'Upgrade: websocket' -o /dev/null -w '%{http_code}' $site/switch)" 502
	! fetch --max-time 2 -o /dev/null $site/endless-interim || lab_fail 'it had an end'
	[ "$(memory VmHWM)" -le 8192 ] || lab_fail "it had $(memory VmHWM) KiB"
	serves
}

# Waits until the site got $1 requests for a path that it answers only partly or never.
asked()
{
	local tries=0

	until [ "$(lab_seen '.line // "" | test("/(half|silence)")' | wc -l)" -ge "$1" ]; do
		[ $((++tries)) -le 200 ] || lab_fail 'the site was not asked so often' || return
		serves || return
	done
}

@test "sites that don't answer, or by halves, keep nobody else waiting, and cost little" {
	during silence 500 asked 500
	rm "$BATS_TEST_TMPDIR/end"
	during halves 400 asked 900
	[ "$(memory VmHWM)" -le 8192 ] || lab_fail "it had $(memory VmHWM) KiB"
}

# Prints the worker's processor time for a command in nanoseconds.
cost_of()
{
	local before

	before=$(in_lab cat "/proc/$(proxy_worker)/schedstat")
	"$@" && echo $(($(in_lab cut -d ' ' -f 1 "/proc/$(proxy_worker)/schedstat") - ${before%% *}))
}

@test "an answer that comes byte by byte is whole, and its head is not looked at anew with each" {
	local head body

	is "$(fetch $site/bytewise/1000 | sha256sum)" "$(fetch $site/bytes/1000 | sha256sum)"
	# Each byte of a body also costs a write.
	head=$(cost_of fetch -o "$BATS_TEST_TMPDIR/late" $site/bytewise-head/32000)
	body=$(cost_of fetch -o "$BATS_TEST_TMPDIR/body" $site/bytewise/32000)
	is "$(<"$BATS_TEST_TMPDIR/late")" late
	is "$(wc -c <"$BATS_TEST_TMPDIR/body")" 32000
	[ "$head" -lt "$body" ] || is_sanitized || lab_fail "the head took $head ns, the body $body ns"
}

@test "urgent data in a tunnel hold nothing up" {
	in_job_directly python3 "$LIB/urgent_data.py"
}

# Sets the worker's patience in the state of the name $1 to $2 seconds.
shorten()
{
	local table

	table=$(nm -S "${JOBFENCE%/*}/jobfence-proxy" | awk '$4 == "states" { print $1, $2 }')
	# shellcheck disable=SC2086 # two words
	in_lab python3 "$LIB/set_patience.py" "$(proxy_worker)" $table "$1" "$2"
}

@test "a site that sends no more is given up after its time, and the client sees what it lacks" {
	local path

	shorten exchange 1
	for path in silence half-head; do
		like "$(fetch -D - $site/$path)" "HTTP/1.1 504 *job $JOB: allowed.test: the site*did not answer in time: @(11.0.0.2|2600:1::2)"
	done
	ends_with 18 fetch -o /dev/null $site/half/1000
	ends_with 18 fetch -o /dev/null $site/half-chunk/1000
	ends_with 56 fetch -o /dev/null $site/half-until-close/1000
	# Each byte that moves starts the time again.
	is "$(fetch $site/bytewise/10000 | wc -c)" 10000
	shorten tunnel 1
	like "$(fetch https://allowed.test/half/1000 2>&1 || true)" '*curl: (@(18|56))*'
	await "$LAB/internet" '"left".*half-until-close'
	is "$(lab_seen '.event == "left"' .line | wc -l)" 6
	serves
}
