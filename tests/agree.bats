#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# `show`, `log`, `events`, `metrics` and `top` are five views of one job. They never
# disagree.

load lib/job

# Each prints what it knows as a line of JSON.
by_show()
{
	jobfence show "$JOB" --json | jq -c '{requests: .statistics.requests, tunnels: .statistics.tunnels,
		domain: .statistics.refused.domain, port: .upload.refused.port,
		received: .statistics.bytes.received, sent: .statistics.bytes.sent}'
}

by_log()
{
	jobfence log "$JOB" --json | jq -sc '{requests: map(select(.kind == "request" and .by == "site")) | length,
		tunnels: map(select(.kind == "tunnel")) | length, domain: map(select(.reason == "domain")) | length,
		received: map(.received) | add, sent: map(.sent) | add}'
}

by_events()
{
	jobfence events "$JOB" --json | jq -sc '{domain: map(select(.reason == "domain")) | length,
		port: map(select(.reason == "port")) | length}'
}

by_metrics()
{
	jobfence metrics | jq -nRc --arg job "job=\"$JOB\"" '[inputs | select(contains($job))] |
		def value($name): map(select(startswith($name)) | split(" ")[1] | tonumber) | add;
		def refused($reason): map(select(contains("reason=\"\($reason)\""))) | value("jobfence_refused_total");
		{requests: value("jobfence_requests_total"), tunnels: value("jobfence_tunnels_total"),
		domain: refused("domain"), port: refused("port"),
		received: value("jobfence_receive_bytes_total"), sent: value("jobfence_transmit_bytes_total")}'
}

by_top()
{
	jobfence top --batch --iterations 1 "$JOB" | jq -nRc '[inputs | split(" ")] | [.[0], .[1]] | transpose |
		map({key: .[0], value: .[1]}) | from_entries |
		{attempts: .REQUESTS | tonumber, refused: .REFUSED | tonumber,
		received: .RECEIVED | tonumber, sent: .SENT | tonumber}'
}

# A line of the log is written a little after its request.
log_has()
{
	[ "$(by_log)" = "$1" ]
}

@test "show, log, events, metrics and top never disagree" {
	local shown

	job_up --domain allowed.test --rate 0
	fetch -f -o /dev/null http://allowed.test/ -o /dev/null http://allowed.test/bytes/100000
	head -c 50000 /dev/zero | fetch -f -o /dev/null --data-binary @- http://allowed.test/upload
	fetch -f -o /dev/null https://allowed.test/
	refused_for domain http://denied.test/
	refused_for domain http://other.test/
	ends_with 1 in_job bash -c ': >/dev/tcp/11.0.0.2/22'
	shown=$(by_show)
	is "$(jq -c 'del(.received, .sent)' <<<"$shown")" '{"requests":3,"tunnels":1,"domain":2,"port":1}'
	is "$(by_metrics)" "$shown"
	is "$(by_events)" "$(jq -c '{domain, port}' <<<"$shown")"
	is "$(jobfence metrics | awk '/^jobfence_refused_total/ { sum += $2 } END { print sum }')" "$(by_top | jq .refused)"
	is "$(by_top)" "$(jq -c '{attempts: (.requests + .tunnels), refused: (.domain + .port), received, sent}' <<<"$shown")"
	eventually log_has "$(jq -c 'del(.port)' <<<"$shown")"
}
