#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# `jobfence metrics`, with the tools of Prometheus itself.

load lib/job

METRICS=${BATS_TEST_TMPDIR:-}/metrics
SHARE=$LIB/../../share/jobfence
QUERY=http://127.0.0.1:9090/api/v1/query
STARTED=() # processes, by their numbers in the lab
WAITED=()  # the same, as children of this shell

teardown()
{
	local pid

	for pid in "${STARTED[@]}"; do
		in_lab kill "$pid" 2>/dev/null || true
	done
	# Without a number it would wait for all, the watchdog of bats as well.
	[ ${#WAITED[@]} -eq 0 ] || wait "${WAITED[@]}" || true
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	: >"$LAB/zone"
	nothing_is_left
}

# Starts a command in the lab, which teardown() ends. Its output goes to the file `server`.
start()
{
	local number=$BATS_TEST_TMPDIR/number

	rm -f "$number"
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$0.new" && mv "$0.new" "$0" && exec "$@"' "$number" "$@" \
		</dev/null >"$BATS_TEST_TMPDIR/server" 2>&1 3>&- &
	WAITED+=($!)
	eventually test -e "$number"
	STARTED+=("$(<"$number")")
}

# Asks a server of metrics. The arguments are curl's.
scrape()
{
	in_lab curl -sS --max-time 20 "$@"
}

# Prints the value of a sample in the file $METRICS. The argument is its name with labels.
value()
{
	awk -v name="$1" '$1 == name { print $2 }' "$METRICS"
}

make_traffic()
{
	fetch -f http://allowed.test/ http://allowed.test/bytes/20000 >/dev/null
	fetch -f -o /dev/null https://allowed.test/
	fetch -o /dev/null http://allowed.test/status/503
	refused_for domain http://denied.test/
	in_job_directly bash -c ': >/dev/tcp/11.0.0.2/25' 2>/dev/null || true
}

@test "the metrics are OpenMetrics, and say what show says" {
	local show

	job_up --domain allowed.test --rate 80mbit
	make_traffic
	show=$(jobfence show "$JOB" --json)
	jobfence metrics >"$METRICS"
	is "$(tail -n 1 "$METRICS")" '# EOF'
	is "$(value 'jobfence_job_up{job="'"$JOB"'"}')" 1
	is "$(value 'jobfence_rate_bytes{job="'"$JOB"'"}')" 10000000
	is "$(value jobfence_jobs)" 1
	for pair in requests:.requests tunnels:.tunnels receive_bytes:.bytes.received transmit_bytes:.bytes.sent lookups:.lookups; do
		is "$(value "jobfence_${pair%%:*}_total{job=\"$JOB\"}")" "$(jq ".statistics${pair#*:}" <<<"$show")"
	done
	is "$(value 'jobfence_answers_total{job="'"$JOB"'",class="5xx"}')" 1
	is "$(value 'jobfence_refused_total{job="'"$JOB"'",reason="domain"}')" "$(jq .statistics.refused.domain <<<"$show")"
	is "$(value 'jobfence_refused_total{job="'"$JOB"'",reason="port"}')" 1
	is "$(value 'jobfence_request_duration_seconds_count{job="'"$JOB"'"}')" 3
	is "$(value 'jobfence_request_duration_seconds_bucket{job="'"$JOB"'",le="+Inf"}')" 3
	is "$(value jobfence_up_seconds_count)" 1
	is "$(grep -c test "$METRICS" || true)" 0 # no domain
	in_lab sed -i 's/"up_milliseconds": [0-9]*/"up_milliseconds": 0/' "/run/jobfence/jobs/$JOB/spec.json"
	jobfence metrics >"$METRICS"
	is "$(value jobfence_up_seconds_count)" 0 # it is not known
}

@test "a job whose counts can't be read takes no metrics from others" {
	local maps=/sys/fs/bpf/jobfence/jobs/odd/maps

	job_up --domain allowed.test
	jobfence up --job odd --domain allowed.test
	in_lab mv "$maps/statistics" "$maps/away"
	in_lab mkdir "$maps/statistics"
	ends_with 0 jobfence metrics
	in_lab rmdir "$maps/statistics"
	in_lab mv "$maps/away" "$maps/statistics"
	METRICS=$BATS_TEST_TMPDIR/read
	printf '%s\n' "$OUTPUT" >"$METRICS"
	is "$(value 'jobfence_requests_total{job="'"$JOB"'"}')" 0
	is "$(value 'jobfence_requests_total{job="odd"}')" ''
	is "$(value jobfence_jobs)" 2
}

@test "promtool finds nothing to improve in the file for node_exporter, which is replaced whole" {
	job_up --domain allowed.test
	make_traffic
	echo old >"$METRICS.prom"
	jobfence metrics --textfile "$METRICS.prom"
	ends_with 0 promtool check metrics <"$METRICS.prom"
	is "$OUTPUT" ''
	is "$ERRORS" ''
	is "$(stat -c %a "$METRICS.prom")" 644
	is "$(echo "$METRICS".prom*)" "$METRICS.prom"
	ends_with 1 jobfence metrics --textfile /proc/metrics.prom
	like "$ERRORS" 'jobfence: cannot write /proc/metrics.prom: *'
}

# Whether Prometheus has the metrics.
has_scraped()
{
	[[ $(scrape "$QUERY?query=up" 2>/dev/null) == *'"1"'* ]]
}

@test "Prometheus scrapes the server, and answers a query" {
	job_up --domain allowed.test
	make_traffic
	start "$JOBFENCE" metrics --listen 127.0.0.1:9469
	cat >"$BATS_TEST_TMPDIR/prometheus.yml" <<-END
		global: { scrape_interval: 200ms }
		rule_files: [ $SHARE/alerts.yml ]
		scrape_configs:
		- { job_name: jobfence, honor_labels: true, static_configs: [ { targets: [ 127.0.0.1:9469 ] } ] }
	END
	start prometheus --config.file="$BATS_TEST_TMPDIR/prometheus.yml" --storage.tsdb.path="$BATS_TEST_TMPDIR/tsdb" \
		--web.listen-address=127.0.0.1:9090 --log.level=warn
	eventually has_scraped
	is "$(scrape "$QUERY" --data-urlencode 'query=sum by (job) (jobfence_requests_total)' |
		jq -c '.data.result[0] | [.metric.job, .value[1]]')" "[\"$JOB\",\"3\"]"
	is "$(scrape "$QUERY" --data-urlencode "query=jobfence_answers_total{class='2xx'}" | jq -r '.data.result[0].value[1]')" 2
}

@test "the server can read and nothing else, and still sees jobs that come later" {
	local status

	start "$JOBFENCE" metrics --listen '[::1]:9469'
	eventually scrape -f -o /dev/null 'http://[::1]:9469/metrics'
	status=$(in_lab cat "/proc/${STARTED[0]}/status")
	like "$status" '*'$'Uid:\t65534\t65534\t65534\t65534\nGid:\t65534\t65534\t65534\t65534\n'*
	like "$status" '*'$'CapPrm:\t0000000000000004\nCapEff:\t0000000000000004\nCapBnd:\t0000000000000004\n'*
	like "$status" '*'$'CapInh:\t0000000000000000\n'*
	like "$status" '*'$'NoNewPrivs:\t1\n'*
	job_up --domain allowed.test
	make_traffic
	scrape 'http://[::1]:9469/metrics' >"$METRICS"
	is "$(value 'jobfence_job_up{job="'"$JOB"'"}')" 1
	is "$(value 'jobfence_requests_total{job="'"$JOB"'"}')" 3
	is "$(scrape -o /dev/null -w '%{http_code}' 'http://[::1]:9469/')" 404
	is "$(scrape -o /dev/null -w '%{http_code}' -d x 'http://[::1]:9469/metrics')" 405
	is "$(scrape -o /dev/null -w '%{content_type}' -H 'Accept: application/openmetrics-text' 'http://[::1]:9469/metrics')" \
		'application/openmetrics-text; version=1.0.0; charset=utf-8'
}

@test "the server reads its folders and no others, writes none, and makes no sockets" {
	local calls=('openat AT_FDCWD /etc/passwd O_RDONLY' 'openat AT_FDCWD /run/jobfence/new O_WRONLY|O_CREAT 0x180'
		'mkdir /run/new 0x1c0' 'unlink /run/jobfence/lock' 'socket AF_INET SOCK_STREAM 0' 'execve /bin/true 0 0'
		'bpf 5 [120] 120' 'bpf 2 [32] 32' 'kill 1 0' 'ptrace 16 1 0 0')

	start "$JOBFENCE" metrics --listen 127.0.0.1:9469
	eventually scrape -f -o /dev/null http://127.0.0.1:9469/metrics
	is "$(in_lab "$LIB/taken_over.py" "${STARTED[0]}" 'openat AT_FDCWD /run/jobfence O_RDONLY' "${calls[@]:1}")" \
		"$(printf '%s\n' 'openat AT_FDCWD /run/jobfence O_RDONLY: ok'; printf '%s: ENOSYS\n' "${calls[@]:1}")"
	if in_lab python3 "$LIB/has_landlock.py"; then
		is "$(in_lab "$LIB/taken_over.py" "${STARTED[0]}" "${calls[0]}")" "${calls[0]}: EACCES"
		is "$(<"$BATS_TEST_TMPDIR/server")" ''
	fi
	scrape -f -o "$METRICS" http://127.0.0.1:9469/metrics
	is "$(value jobfence_jobs)" 0
}

@test "without Landlock the server says that it may read all files" {
	local warning='jobfence: the kernel has no Landlock, so the server may read all files'

	start "${STRACE[@]}" -D -o /dev/null -e trace=landlock_create_ruleset -e inject=landlock_create_ruleset:error=EOPNOTSUPP \
		"$JOBFENCE" metrics --listen 127.0.0.1:9469
	eventually scrape -f -o "$METRICS" http://127.0.0.1:9469/metrics
	is "$(value jobfence_jobs)" 0
	is "$(<"$BATS_TEST_TMPDIR/server")" "$warning"
}

@test "the server can't take what \`down\` tells a proxy" {
	local asked=/run/jobfence/jobs/$JOB/asked-to-end

	job_up --domain allowed.test
	start "$JOBFENCE" metrics --listen 127.0.0.1:9469
	eventually scrape -f -o /dev/null http://127.0.0.1:9469/metrics
	is "$(in_lab "$LIB/taken_over.py" "${STARTED[0]}" "openat AT_FDCWD $asked O_RDONLY|O_NONBLOCK")" \
		"openat AT_FDCWD $asked O_RDONLY|O_NONBLOCK: ENXIO"
	is "$(in_lab stat -c '%F %a %u' "$asked")" 'socket 600 0'
}

@test "clients that are slow, or take nothing, keep nobody else out" {
	local socket=$BATS_TEST_TMPDIR/socket slow

	start "$JOBFENCE" metrics --listen "unix:$socket"
	eventually scrape -f -o /dev/null --unix-socket "$socket" http://metrics/metrics
	# Each sends a byte a second, which bounds no request by itself.
	start "$LIB/slow_clients.py" "$socket"
	slow=$BATS_TEST_TMPDIR/server
	await "$slow" begun
	# By then the first has ended, and this one was taken from the backlog.
	in_lab curl -sS -f --max-time 50 -o "$METRICS" --unix-socket "$socket" http://metrics/metrics
	is "$(value jobfence_jobs)" 0
	await "$slow" ended
}

@test "one program of the node keeps no other out, although both have the address of the loopback" {
	start "$JOBFENCE" metrics --listen 127.0.0.1:9469
	eventually scrape -f -o /dev/null http://127.0.0.1:9469/metrics
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'for i in {1..9}; do exec {fd}<>/dev/tcp/127.0.0.1/9469 || exit; done
		exec curl -sS -f --max-time 20 -o "$0" http://127.0.0.1:9469/metrics' "$METRICS"
	is "$(value jobfence_jobs)" 0
}

@test "it serves at a Unix socket, again after it was killed, and at a socket of systemd" {
	local socket=$BATS_TEST_TMPDIR/socket

	for _ in 1 2; do
		start "$JOBFENCE" metrics --listen "unix:$socket"
		eventually scrape -f -o "$METRICS" --unix-socket "$socket" http://metrics/metrics
		in_lab kill -KILL "${STARTED[-1]}"
		wait "${WAITED[-1]}" || true
	done
	is "$(value jobfence_jobs)" 0
	start systemd-socket-activate -l 127.0.0.1:9469 "$JOBFENCE" metrics
	eventually scrape -f -o "$METRICS" http://127.0.0.1:9469/metrics
	is "$(value jobfence_jobs)" 0
}

@test "without root, one right is enough" {
	local alone=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps '-all,+dac_read_search'
		--ambient-caps '-all,+dac_read_search' -- "$JOBFENCE" metrics)

	start "${alone[@]}" --listen 127.0.0.1:9469
	eventually scrape -f -o /dev/null http://127.0.0.1:9469/metrics
	job_up --domain allowed.test
	scrape -f -o "$METRICS" http://127.0.0.1:9469/metrics
	is "$(value 'jobfence_job_up{job="'"$JOB"'"}')" 1
	in_lab "${alone[@]}" >"$METRICS"
	is "$(value 'jobfence_job_up{job="'"$JOB"'"}')" 1
	is "$(value 'jobfence_requests_total{job="'"$JOB"'"}')" 0
	ends_with 1 in_lab setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all -- "$JOBFENCE" metrics
	like "$ERRORS" "jobfence: cannot read the counters of job $JOB: Permission denied"
}

@test "the alerts and the dashboard are of metrics that there are" {
	local name

	cp "$SHARE/alerts.yml" "$LIB/alerts.test.yml" "$BATS_TEST_TMPDIR"
	promtool test rules "$BATS_TEST_TMPDIR/alerts.test.yml"
	job_up --domain allowed.test
	make_traffic
	jobfence metrics --textfile "$METRICS"
	grep -oh 'jobfence_[a-z_]*' "$SHARE/alerts.yml" <(jq -r '.. | .expr? // empty' "$SHARE/grafana-dashboard.json") |
		sort -u >"$BATS_TEST_TMPDIR/names"
	while read -r name; do
		grep -q "^${name}[{ ]" "$METRICS" || lab_fail "there is no metric $name"
	done <"$BATS_TEST_TMPDIR/names"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/names")" -gt 15 ]
}

@test "what can't be done is said" {
	ends_with 2 jobfence metrics --listen nonsense
	ends_with 2 jobfence metrics --listen 127.0.0.1:65536
	ends_with 2 jobfence metrics --listen example.test:80
	ends_with 2 jobfence metrics --listen unix:
	ends_with 2 jobfence metrics JOB
	ends_with 2 jobfence metrics --listen unix:/x --textfile /y
	ends_with 1 jobfence metrics --listen 192.0.2.1:9469
	like "$ERRORS" 'jobfence: cannot listen on 192.0.2.1:9469: *'
}
