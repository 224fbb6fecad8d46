#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# A job is refused far more often than is kept of it. All of it is counted, memory and
# files stay small, and the job beside it loses nothing. tests/bench/refusals measures what
# the other job feels.

load lib/job

# Is refused (refused.py) until $stop is closed, and writes how often into the file $1.
flood()
{
	in_job_directly python3 "$LIB/refused.py" "$@" <"$BATS_TEST_TMPDIR/stop" >"$BATS_TEST_TMPDIR/$1" 3>&- {stop}>&- &
	FLOODS+=("$!")
}

# Prints the most memory, in KiB, that a process of the job's proxy had.
most_memory()
{
	local pid

	for pid in $(proxy_processes); do
		# shellcheck disable=SC2016 # expanded by awk
		in_lab awk '$1 == "VmHWM:" { print $2 }' "/proc/$pid/status"
	done | sort -n | tail -n 1
}

# Prints the number of the last line of the job's log, and how many lines are neither there
# nor counted as dropped. Before the first line are those that the log had no room for.
lines_logged()
{
	jobfence log "$JOB" --json | jq -sc 'reduce .[] as $line ({missing: 0};
		if $line.kind == "dropped" then (if .next then .next += $line.count else . end)
		else .missing += $line.number - (.next // $line.number) | .next = $line.number + 1 end) | [.next - 1, .missing]'
}

# Whether the last line of the log is the one with the number $1.
logged()
{
	[[ $(lines_logged) = "[$1,"* ]]
}

# Whether both the kernel and the proxy have refused a hundred times.
under_way()
{
	jobfence show "$JOB" --json | jq -e '.upload.refused.port > 100 and .statistics.refused.domain > 100' >/dev/null
}

# Eight requests, eight that the proxy refuses, and eight connections that the kernel
# refuses, of the neighbour. Fails unless they end as they should.
neighbour_works()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	is "$(jobfence exec neighbour -- bash -c 'for i in {1..8}; do
		curl -sS -w "%{http_code}\n" -o /dev/null http://allowed.test/ -o /dev/null "http://n$i.test/"
		: >"/dev/tcp/11.0.0.2/$((100 + i))"
	done' 2>/dev/null | sort | uniq -c | tr -s ' ' | paste -sd,)" ' 8 200, 8 403'
}

@test "a job that is refused ten thousand times stays small, hides nothing of its neighbour, and all is counted" {
	local stop connects requests names last lost folder file

	job_up --rate 0 --domain allowed.test
	jobfence up --job neighbour --rate 0 --domain allowed.test
	last=$(jobfence events --json | jq -s 'last.number')
	mkfifo "$BATS_TEST_TMPDIR/stop"
	exec {stop}<>"$BATS_TEST_TMPDIR/stop"
	FLOODS=()
	flood connects 10000
	flood requests 4000
	flood names 1000
	eventually under_way
	neighbour_works
	exec {stop}>&-
	wait "${FLOODS[@]}"
	connects=$(<"$BATS_TEST_TMPDIR/connects") requests=$(<"$BATS_TEST_TMPDIR/requests")
	names=$(<"$BATS_TEST_TMPDIR/names")

	# Each is in the counts, in the numbers of the log, and an event or counted as lost.
	is "$(jobfence show "$JOB" --json | jq -c '[.upload.refused.port, .statistics.refused.domain, (.refusals |
		length <= 256, (map(.count) | add))]')" "[$connects,$((requests + names)),true,$((requests + names))]"
	lost=$(jobfence show "$JOB" --json | jq .events_lost)
	is "$(jobfence events --json | jq -s 'last.number')" $((last + connects + requests + names - lost + 16))
	eventually logged $((requests + names))
	is "$(lines_logged)" "[$((requests + names)),0]"

	folder=/run/jobfence/jobs/$JOB
	for file in "$folder"/requests.log{,.1}; do
		[ "$(in_lab stat -c %s "$file")" -le $((512 << 10)) ]
	done
	[ "$(in_lab du -sk /run/jobfence | cut -f 1)" -le 2048 ]
	is_sanitized || [ "$(most_memory)" -le 4096 ]

	is "$(jobfence show neighbour --json | jq -c '[.upload.refused.port, .statistics.refused.domain, .events_lost]')" '[8,8,0]'
	is "$(jobfence events neighbour --json | jq -r 'select(.kind == "refusal") | .name // .port' | sort)" \
		"$(printf '%s\n' {101..108} n{1..8}.test | sort)"
	is "$(jobfence log neighbour --json | jq -r '"\(.host) \(.status)"' | sort | uniq -c | tr -s ' ')" \
		" 8 allowed.test 200
$(printf ' 1 n%d.test 403\n' {1..8})"
}
