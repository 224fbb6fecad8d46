#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Jobs come and go, also where something ends in the middle; and what they leave is nothing.

load lib/job

site=http://allowed.test

proxy_cgroup()
{
	up_says '.cgroup | rtrimstr("/work") + "/proxy"'
}

# The processes of the job's proxy: the supervisor, and in the second line its worker.
proxy_processes()
{
	in_lab sort -n "$(proxy_cgroup)/cgroup.procs"
}

@test "a job comes up, works and goes" {
	job_up --domain allowed.test
	is "$(fetch $site)" 'this is allowed.test'
	jobfence down "$JOB"
	nothing_is_left
	ends_with 4 jobfence down "$JOB"
}

@test "a second up is refused, and the first job does not notice" {
	job_up --domain allowed.test
	ends_with 5 jobfence up --job "$JOB" --domain denied.test
	is "$(fetch $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
}

@test "of many that make the same job at once one succeeds" {
	local pids=() pid status=0 made=0

	for _ in 1 2 3 4 5 6 7 8; do
		jobfence up --job "$JOB" --domain allowed.test 2>/dev/null 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		status=0
		wait "$pid" || status=$?
		case $status in
		0) made=$((made + 1)) ;;
		5) ;;
		*) lab_fail "one ended with $status" ;;
		esac
	done
	is $made 1
	is "$(fetch $site)" 'this is allowed.test'
}

@test "down ends what still runs in the job" {
	local pid

	mkfifo "$BATS_TEST_TMPDIR/started"
	job_up --domain allowed.test
	{
		in_job bash -c "trap '' TERM HUP INT; echo >'$BATS_TEST_TMPDIR/started'; exec sleep infinity" ||
			echo $? >"$BATS_TEST_TMPDIR/status"
	} 3>&- &
	pid=$!
	read -r _ <"$BATS_TEST_TMPDIR/started"
	jobfence down "$JOB"
	wait $pid
	is "$(<"$BATS_TEST_TMPDIR/status")" 137
	nothing_is_left
}

@test "an up that was killed anywhere is put right by the next one, or by down" {
	local call=0

	jobfence up --job first && jobfence down first
	while killed_at $((call += 1)) up --job "$JOB" --domain allowed.test; do
		if [ $((call % 2)) -eq 0 ]; then
			jobfence down "$JOB" 2>/dev/null || [ $? -eq 4 ] || lab_fail "down after call $call"
		else
			job_up --domain allowed.test || [ $? -eq 5 ] || lab_fail "up after call $call"
			jobfence down "$JOB"
		fi
		nothing_is_left || lab_fail "after call $call"
	done
	[ $call -gt 20 ] || lab_fail "only $call calls: $(<"$BATS_TEST_TMPDIR/killed")"
}

@test "an up that was killed while it loads programs is put right by the next one" {
	local call

	for call in 1 5 9 20 40 60 80; do
		jobfence down --all
		in_lab find /sys/fs/bpf/jobfence -mindepth 1 -maxdepth 1 ! -name jobs -exec rm -r {} +
		killed_at $call up --job "$JOB" --domain allowed.test || lab_fail "call $call is behind its end"
		job_up --domain allowed.test || [ $? -eq 5 ] || lab_fail "up after call $call"
		jobfence down "$JOB"
	done
	job_up --domain allowed.test
	is "$(fetch $site)" 'this is allowed.test'
}

@test "a down that was killed anywhere is put right by the next one" {
	local call=0 over=''

	until [ -n "$over" ]; do
		job_up --domain allowed.test
		lab_forget
		killed_at $((call += 1)) down "$JOB" || over=yes
		jobfence down "$JOB" 2>/dev/null || [ $? -eq 4 ] || lab_fail "down after call $call"
		nothing_is_left || lab_fail "after call $call"
	done
	[ $call -gt 10 ] || lab_fail "only $call calls: $(<"$BATS_TEST_TMPDIR/killed")"
}

# Lets the $1th call of each kind, of those that take memory or descriptors, of a jobfence command, whose
# arguments follow, fail with the error $2. Fails once it has fewer. Keeps the command's status in $STATUS.
failed_at()
{
	STATUS=0
	in_lab strace -qq -o "$BATS_TEST_TMPDIR/calls" \
		-e "inject=openat,bpf,mkdir,mount,unshare,setns,clone3,rename,pipe2,socket,memfd_create,write,fcntl,unlinkat:error=$2:when=$1" \
		"$JOBFENCE" "${@:3}" >"$BATS_TEST_TMPDIR/failed" 2>&1 || STATUS=$?
	grep -q INJECTED "$BATS_TEST_TMPDIR/calls"
}

@test "an up that gets no memory or descriptors somewhere leaves nothing, or a whole job" {
	local error call

	for error in ENOMEM EMFILE; do
		call=0
		while failed_at $((call += 1)) $error up --job "$JOB" --domain allowed.test; do
			if [ $STATUS -eq 0 ]; then
				is "$(jobfence list --json | jq -r '.[].state')" up
				refused_for domain http://denied.test/
				jobfence down "$JOB"
			fi
			jobfence gc >/dev/null
			nothing_is_left || lab_fail "$error of call $call: $(grep INJECTED "$BATS_TEST_TMPDIR/calls")"
		done
		is $STATUS 0
		jobfence down "$JOB"
		[ $call -gt 50 ] || lab_fail "only $call calls: $(<"$BATS_TEST_TMPDIR/failed")"
	done
}

@test "a down that fails somewhere is put right by the next one" {
	local call=0

	while
		job_up --domain allowed.test
		failed_at $((call += 1)) ENOMEM down "$JOB"
	do
		jobfence down "$JOB" 2>/dev/null || [ $? -eq 4 ] || lab_fail "after call $call"
		nothing_is_left || lab_fail "after call $call"
	done
	[ $call -gt 10 ] || lab_fail "only $call calls: $(<"$BATS_TEST_TMPDIR/failed")"
}

# bats test_tags=vm
@test "a worker of the proxy that died is replaced, and events say so" {
	local worker event

	job_up --rate 0 --domain allowed.test
	worker=$(proxy_processes | sed -n 2p)
	is "$(fetch $site)" 'this is allowed.test'
	is "$(jobfence show "$JOB" --json | jq -c .restarts)" '{"count":0,"last":null,"signal":null,"status":null}'
	: >"$BATS_TEST_TMPDIR/events"
	jobfence events "$JOB" --follow --json >"$BATS_TEST_TMPDIR/events" 3>&- &
	in_lab kill -KILL "$worker"
	is "$(fetch --retry 5 --retry-all-errors --retry-delay 1 $site)" 'this is allowed.test'
	[ "$(proxy_processes | sed -n 2p)" != "$worker" ] || lab_fail 'it did not die'
	refused_for domain http://denied.test/
	await "$BATS_TEST_TMPDIR/events" '"kind":"worker"'
	in_lab kill "$(in_lab pgrep -x jobfence)"
	event=$(grep '"kind":"worker"' "$BATS_TEST_TMPDIR/events")
	is "$(jq -c '[.job, .kind, .comm, .hook, .port, .signal, .status]' <<<"$event")" \
		"[\"$JOB\",\"worker\",\"jobfence-proxy\",null,null,9,null]"
	is "$(jobfence show "$JOB" --json | jq -c '.restarts | [.count, .last, .signal, .status]')" \
		"[1,$(jq -c .time <<<"$event"),9,null]"
	like "$(jobfence show "$JOB")" $'*\nrestarts   1 of the proxy, the last at 20*Z after signal 9 (Killed)\n*'
}

# Tells the programs, from the cgroup $1, that a worker ended with status 7.
tell_lie()
{
	in_lab bash -c 'echo $$ >"$1/cgroup.procs" && exec python3 -c "$2"' tell_lie "$1" \
		'import socket; socket.socket().setsockopt(0x6a66, 1, 7 << 8)'
}

@test "only a proxy can tell that its worker ended, and of its own job only" {
	job_up --domain allowed.test
	jobfence up --job other --domain allowed.test
	ends_with 1 tell_lie "$(up_says .cgroup)"
	tell_lie "$(proxy_cgroup)"
	is "$(jobfence events --json | jq -c 'select(.kind == "worker") | [.job, .signal, .status]')" \
		"[\"$JOB\",null,7]"
	is "$(jobfence show other --json | jq .restarts.count)" 0
}

@test "while no proxy answers a job has no network, and the fence stands" {
	job_up --netns /proc/self/ns/net --domain allowed.test
	# shellcheck disable=SC2046 # numbers
	in_lab kill -STOP $(proxy_processes)
	ends_with 28 in_job_directly curl -sS --max-time 1 --resolve allowed.test:80:11.0.0.2 $site
	# shellcheck disable=SC2046 # numbers
	in_lab kill -KILL $(proxy_processes) || : # the worker ends with its supervisor
	until [ "$(in_lab grep populated "$(proxy_cgroup)/cgroup.events")" = 'populated 0' ]; do :; done
	ends_with 7 in_job_directly curl -sS --resolve allowed.test:80:11.0.0.2 $site
	ends_with 1 in_job_directly bash -c 'echo leak >/dev/udp/11.0.0.2/444'
	lab_saw_nothing
	like "$(jobfence show "$JOB")" '*cut-off*'
	jobfence down "$JOB"
	nothing_is_left
}

@test "the proxy has no rights, and its own view of the system" {
	local pid status

	job_up --domain allowed.test
	for pid in $(proxy_processes); do
		status=$(in_lab cat "/proc/$pid/status")
		like "$status" $'*NoNewPrivs:\t1*'
		for field in CapEff CapPrm CapInh CapBnd CapAmb; do
			like "$status" "*$field:"$'\t0000000000000000*'
		done
		[ "$(awk '$1 == "Uid:" { print $2 }' <<<"$status")" -ne 0 ]
	done
	like "$status" $'*Seccomp:\t2*'
}

@test "a cgroup that others made is fenced, and stays theirs" {
	local cgroup pid

	cgroup=$(<"$LAB/cgroups")/theirs
	in_lab mkdir -p "$cgroup/inner"
	job_up --cgroup "$cgroup" --domain allowed.test
	is "$(up_says .cgroup)" "$cgroup"
	in_lab bash -c "echo \$\$ >'$cgroup/inner/cgroup.procs' && exec sleep infinity" 3>&- &
	until pid=$(in_lab cat "$cgroup/inner/cgroup.procs") && [ -n "$pid" ]; do :; done
	ends_with 1 jobfence down "$JOB"
	like "$ERRORS" "jobfence: *$cgroup*"
	is "$(fetch $site)" 'this is allowed.test'
	in_lab kill "$pid"
	until [ "$(in_lab grep populated "$cgroup/cgroup.events")" = 'populated 0' ]; do :; done
	jobfence down "$JOB"
	nothing_is_left
	in_lab rmdir "$cgroup/inner" "$cgroup"
}

@test "a namespace that others made is fenced, by its path or by a process, and stays theirs" {
	local pid

	in_lab ip netns add theirs
	in_lab ip netns exec theirs ip link set lo up
	job_up --netns /run/netns/theirs --domain allowed.test
	is "$(fetch $site)" 'this is allowed.test'
	is "$(in_job readlink /proc/self/ns/net)" \
		"$(in_lab nsenter --net=/run/netns/theirs readlink /proc/self/ns/net)"
	jobfence down "$JOB"
	in_lab nsenter --net=/run/netns/theirs sleep infinity 3>&- &
	until pid=$(in_lab pgrep -x sleep); do :; done
	job_up --pid "$pid" --domain allowed.test
	is "$(fetch $site)" 'this is allowed.test'
	in_lab kill "$pid"
	jobfence down "$JOB"
	in_lab ip netns delete theirs
	nothing_is_left
}

@test "an up that fails leaves nothing" {
	ends_with 1 jobfence up --job "$JOB" --domain allowed.test --netns /run/netns/none
	nothing_is_left
	ends_with 1 jobfence up --job "$JOB" --domain allowed.test --cgroup "$(<"$LAB/cgroups")/none"
	nothing_is_left
	ends_with 1 jobfence up --job "$JOB" --domain allowed.test --pid 999999
	nothing_is_left
}

@test "jobs with like names are kept apart" {
	local job names=(a.b a_b a-b A.b cgroup.procs memory.max 1 a..b "$(printf '%063d' 7)")

	for job in "${names[@]}"; do
		jobfence up --job "$job" --domain allowed.test
	done
	for job in "${names[@]}"; do
		is "$(jobfence exec "$job" -- curl -sS --noproxy '*' $site/echo |
			jq -r '.[] | select(.[0] == "X-Jobfence-Job-ID") | .[1]')" "$job"
	done
	jobfence down "${names[@]}"
	nothing_is_left
}

@test "two jobs have rules of their own" {
	jobfence up --job a --domain allowed.test
	jobfence up --job b --domain denied.test
	JOB=a
	is "$(fetch --noproxy '*' $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
	JOB=b
	is "$(fetch http://denied.test)" 'this is denied.test'
	refused_for domain $site
}

@test "a hundred jobs one after another leave nothing" {
	local processes

	processes=$(in_lab ps -e | wc -l)
	for _ in {1..100}; do
		jobfence up --job "$JOB" --domain allowed.test && jobfence down "$JOB"
	done
	nothing_is_left
	is "$(in_lab ps -e | wc -l)" "$processes"
	is "$(in_lab find "$(<"$LAB/cgroups")" -mindepth 1 -type d ! -name node ! -name jobfence)" ''
}

@test "a full network has no fence, where it was asked for" {
	job_up --network full --rate 0
	is "$(in_job curl -sS http://denied.test/)" 'this is denied.test'
	is "$(received x-jobfence-job-id)" ''
}

@test "64 jobs come and go at once" {
	local pids=() i

	for ((i = 0; i < 64; i++)); do
		{
			jobfence up --job "many$i" --domain allowed.test >/dev/null &&
				is "$(jobfence exec "many$i" -- curl -sS --max-time 60 $site)" 'this is allowed.test' &&
				jobfence down "many$i"
		} 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	nothing_is_left
}

@test "programs of others on the cgroup or above it stay in force, and ours beside them" {
	local above place

	above=$(<"$LAB/cgroups")/above
	clang -target bpf -O2 -c -o "$BATS_TEST_TMPDIR/drop.o" -x c - <<-'END'
		struct __sk_buff;
		__attribute__((section("cgroup_skb/egress"))) int drop(struct __sk_buff *packet)
		{
			return 0;
		}
		char _license[] __attribute__((section("license"))) = "GPL";
	END
	in_lab bpftool prog load "$BATS_TEST_TMPDIR/drop.o" /sys/fs/bpf/drop
	in_lab mkdir -p "$above/inner"
	for place in "$above" "$above/inner"; do
		in_lab bpftool cgroup attach "$place" egress pinned /sys/fs/bpf/drop multi
		job_up --cgroup "$above/inner" --domain allowed.test
		! fetch --max-time 1 --resolve allowed.test:80:11.0.0.2 $site 2>/dev/null ||
			lab_fail "a program on $place is not in force"
		jobfence down "$JOB"
		like "$(in_lab bpftool cgroup list "$place")" '*drop*'
		in_lab bpftool cgroup detach "$place" egress pinned /sys/fs/bpf/drop
		job_up --cgroup "$above/inner" --domain allowed.test
		is "$(fetch $site)" 'this is allowed.test'
		refused_for domain http://denied.test/
		jobfence down "$JOB"
	done
	in_lab rm /sys/fs/bpf/drop
	in_lab rmdir "$above/inner" "$above"
}
