#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Jobs come and go, also where something ends in the middle; and what they leave is nothing.

load lib/job
load lib/faults

site=http://allowed.test

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

@test "a frozen job is ended, with a command in it that never began" {
	local cgroup

	job_up --domain allowed.test
	cgroup=$(up_says .cgroup)
	in_lab bash -c "echo 1 >'$cgroup/cgroup.freeze'"
	in_job true 3>&- &
	eventually in_lab grep -q . "$cgroup/cgroup.procs"
	jobfence down "$JOB"
	wait $! || [ $? -eq 137 ]
	nothing_is_left
}

@test "an up that was killed anywhere is put right by the next one, by down, or by gc" {
	local call turn=0 calls

	jobfence up --job first && jobfence down first
	mapfile -t calls < <(changes_of 1 up --job "$JOB" --domain allowed.test)
	[ ${#calls[@]} -gt 60 ] || lab_fail "only these calls: ${calls[*]}"
	jobfence down "$JOB"
	for call in $(sample "${calls[@]}"); do
		killed_at "$call" up --job "$JOB" --domain allowed.test
		[ "$(jobfence list --json | jq -r '.[].state | select(. != "half-made")')" = '' ] ||
			lab_fail "a job stands after call $call"
		case $((turn++ % 3)) in
		0) jobfence gc >/dev/null ;;
		1) jobfence down "$JOB" 2>/dev/null || [ $? -eq 4 ] || lab_fail "down after call $call" ;;
		2) job_up --domain allowed.test && jobfence down "$JOB" || lab_fail "up after call $call" ;;
		esac
		nothing_is_left || lab_fail "after call $call"
	done
}

@test "an up that was killed while it loads programs is put right by the next one" {
	local call calls

	mapfile -t calls < <(forget_programs && changes_of 12 up --job "$JOB" --domain allowed.test)
	for call in $(sample "${calls[@]:0:24}"); do
		forget_programs
		killed_at "$call" up --job "$JOB" --domain allowed.test
		job_up --domain allowed.test || lab_fail "up after call $call"
	done
	is "$(fetch $site)" 'this is allowed.test'
}

# As if no job had come up on this node yet.
forget_programs()
{
	jobfence down --all
	in_lab find /sys/fs/bpf/jobfence -mindepth 1 -maxdepth 1 ! -name jobs -exec rm -r {} +
}

@test "a down that was killed anywhere is put right by the next one, or by gc" {
	local call calls turn=0

	job_up --domain allowed.test
	mapfile -t calls < <(changes_of 5 down "$JOB")
	[ ${#calls[@]} -gt 15 ] || lab_fail "only these calls: ${calls[*]}"
	for call in $(sample "${calls[@]}"); do
		job_up --domain allowed.test
		lab_forget
		killed_at "$call" down "$JOB"
		if [ $((turn++ % 2)) -eq 0 ] && [ "$(jobfence list --json | jq -r '.[].state')" != up ]; then
			jobfence gc >/dev/null
		else
			jobfence down "$JOB" 2>/dev/null || [ $? -eq 4 ] || lab_fail "down after call $call"
		fi
		nothing_is_left || lab_fail "after call $call"
	done
}

@test "an up that gets no memory or no descriptor somewhere says so and leaves nothing" {
	local call calls turn=0 errors=(ENOMEM EMFILE)

	jobfence up --job first && jobfence down first
	mapfile -t calls < <(takers_of 4 up --job "$JOB" --domain allowed.test)
	[ ${#calls[@]} -gt 60 ] || lab_fail "only these calls: ${calls[*]}"
	jobfence down "$JOB"
	for call in $(sample "${calls[@]}"); do
		failed_at "$call" "${errors[turn++ % 2]}" up --job "$JOB" --domain allowed.test
		if [ "$STATUS" -eq 0 ]; then
			is "$(jobfence list --json | jq -r '.[].state')" up
			is "$(fetch $site)" 'this is allowed.test'
			refused_for domain http://denied.test/
			jobfence down "$JOB"
		fi
		nothing_is_left || lab_fail "$(grep INJECTED "$BATS_TEST_TMPDIR/calls")"
	done
}

@test "a down that fails somewhere is put right by the next one" {
	local call calls turn=0 errors=(ENOMEM EMFILE)

	job_up --domain allowed.test
	mapfile -t calls < <(takers_of 4 down "$JOB")
	for call in $(sample "${calls[@]}"); do
		job_up --domain allowed.test
		failed_at "$call" "${errors[turn++ % 2]}" down "$JOB"
		jobfence down "$JOB" 2>/dev/null || [ $? -eq 4 ] || lab_fail "after call $call"
		nothing_is_left || lab_fail "after call $call"
	done
}

# bats test_tags=vm
@test "a worker of the proxy that died is replaced, and events say so" {
	local worker event

	job_up --rate 0 --domain allowed.test
	worker=$(proxy_worker)
	is "$(fetch $site)" 'this is allowed.test'
	is "$(jobfence show "$JOB" --json | jq -c .restarts)" '{"count":0,"last":null,"signal":null,"status":null}'
	: >"$BATS_TEST_TMPDIR/events"
	jobfence events "$JOB" --follow --json >"$BATS_TEST_TMPDIR/events" 3>&- &
	in_lab kill -KILL "$worker"
	is "$(fetch --retry 5 --retry-all-errors --retry-delay 1 $site)" 'this is allowed.test'
	[ "$(proxy_worker)" != "$worker" ] || lab_fail 'it did not die'
	refused_for domain http://denied.test/
	await "$BATS_TEST_TMPDIR/events" '"kind":"worker"'
	in_lab kill "$(in_lab pgrep -x jobfence)"
	event=$(grep '"kind":"worker"' "$BATS_TEST_TMPDIR/events")
	is "$(jq -c '[.job, .kind, .comm, .hook, .port, .signal, .status]' <<<"$event")" \
		"[\"$JOB\",\"worker\",\"jobfence-proxy\",null,null,9,null]"
	# The clock may be put right between the two.
	is "$(jobfence show "$JOB" --json | jq -c --argjson event "$event" '
		def seconds: (.[:19] + "Z" | fromdate) + (.[19:-1] | tonumber);
		.restarts | [.count, ((.last | seconds) - ($event.time | seconds) | fabs < 0.1), .signal, .status]')" \
		"[1,true,9,null]"
	like "$(jobfence show "$JOB")" $'*\nrestarts   1 of its worker, the last at 20*Z after signal 9 (Killed)\n*'
}

# Tells the programs, from the cgroup $1, that a worker ended with status 7.
tell_lie()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$1/cgroup.procs" && exec python3 "$2"' tell_lie "$1" "$LIB/worker_ended.py"
}

@test "only a proxy can tell that its worker ended, and of its own job only" {
	local before

	before=$(jobfence events --json | jq -s 'map(.number) | max')
	job_up --domain allowed.test
	jobfence up --job other --domain allowed.test
	ends_with 1 tell_lie "$(up_says .cgroup)"
	tell_lie "$(proxy_cgroup)"
	is "$(jobfence events --json | jq -c --argjson before "$before" \
		'select(.kind == "worker" and .number > $before) | [.job, .signal, .status]')" "[\"$JOB\",null,7]"
	is "$(jobfence show other --json | jq .restarts.count)" 0
}

@test "while no proxy answers a job has no network, and the fence stands" {
	job_up --netns /proc/self/ns/net --domain allowed.test
	# shellcheck disable=SC2046 # numbers
	in_lab kill -STOP $(proxy_processes)
	ends_with 28 in_job_directly curl -sS --max-time 1 --resolve allowed.test:80:11.0.0.2 $site
	# shellcheck disable=SC2046 # numbers
	in_lab kill -KILL $(proxy_processes) || : # the worker ends with its supervisor
	eventually in_lab grep -q 'populated 0' "$(proxy_cgroup)/cgroup.events"
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
		like "$status" $'*Seccomp:\t2*'
	done
}

@test "a cgroup that others made is fenced, and stays theirs" {
	local cgroup pid

	cgroup=$(<"$LAB/cgroups")/theirs
	in_lab mkdir -p "$cgroup/inner"
	job_up --cgroup "$cgroup" --domain allowed.test
	is "$(up_says .cgroup)" "$cgroup"
	in_lab bash -c "echo \$\$ >'$cgroup/inner/cgroup.procs' && exec sleep infinity" 3>&- &
	eventually in_lab grep -q . "$cgroup/inner/cgroup.procs"
	pid=$(in_lab cat "$cgroup/inner/cgroup.procs")
	ends_with 1 jobfence down "$JOB"
	like "$ERRORS" "jobfence: *$cgroup*"
	is "$(fetch $site)" 'this is allowed.test'
	in_lab kill "$pid"
	eventually in_lab grep -q 'populated 0' "$cgroup/cgroup.events"
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
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'cd /run && "$1" up --job "$2" --netns netns/theirs' relative "$JOBFENCE" "$JOB"
	is "$(in_job readlink /proc/self/ns/net)" \
		"$(in_lab nsenter --net=/run/netns/theirs readlink /proc/self/ns/net)"
	jobfence down "$JOB"
	in_lab nsenter --net=/run/netns/theirs sleep infinity 3>&- &
	eventually in_lab pgrep -x sleep >/dev/null
	pid=$(in_lab pgrep -x sleep)
	ends_with 0 job_up --pid "$pid" --domain allowed.test
	like "$ERRORS" "jobfence: process $pid is not in the job's cgroup, and so is not fenced; *"
	is "$(fetch $site)" 'this is allowed.test'
	in_lab sh -c "${ERRORS#*put it there: }"
	jobfence down "$JOB"
	# Had it been in the cgroup before, there would have been nothing to say.
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab sh -c 'mkdir "$1" && echo $$ >"$1/cgroup.procs" && exec sleep infinity' sh "$(<"$LAB/cgroups")/theirs" 3>&- &
	eventually in_lab pgrep -x sleep >/dev/null
	pid=$(in_lab pgrep -x sleep)
	ends_with 0 job_up --pid "$pid" --cgroup "$(<"$LAB/cgroups")/theirs" --network none
	is "$ERRORS" ''
	in_lab kill "$pid"
	eventually in_lab grep -qx 'populated 0' "$(<"$LAB/cgroups")/theirs/cgroup.events"
	jobfence down "$JOB"
	in_lab rmdir "$(<"$LAB/cgroups")/theirs"
	in_lab ip netns delete theirs
	nothing_is_left
}

@test "another namespace under the same path is not the job's" {
	in_lab ip netns add theirs
	job_up --netns /run/netns/theirs
	in_lab ip netns delete theirs
	in_lab ip netns add theirs
	ends_with 125 in_job true
	like "$ERRORS" "jobfence: /run/netns/theirs is not the network namespace of job $JOB"
	jobfence down "$JOB"
	in_lab ip netns delete theirs
}

# Ends a job whose record can't be read with a command.
unreadable_is_ended_with()
{
	job_up --domain allowed.test
	in_lab bash -c "echo { >/run/jobfence/jobs/$JOB/spec.json"
	ends_with 1 jobfence show "$JOB"
	is "$(jobfence list --json | jq -c '.[] | [.job, .state, .network]')" "[\"$JOB\",\"unreadable\",null]"
	is "$(jobfence list --json --label a=b)" '[]'
	is "$(jobfence gc)" ''
	jobfence "$@"
	nothing_is_left
}

@test "a job whose record can't be read is listed, and ended by name or with all" {
	unreadable_is_ended_with down "$JOB"
	unreadable_is_ended_with down --all
}

@test "nobody else may write a job's record, whatever the caller's umask" {
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'umask 0 && "$1" up --job "$2" --domain allowed.test' open "$JOBFENCE" "$JOB"
	is "$(in_lab find /run/jobfence -perm /022)" ''
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

# Loads a program of somebody else, which drops every packet that leaves.
load_drop()
{
	clang -target bpf -O2 -c -o "$BATS_TEST_TMPDIR/drop.o" -x c - <<-'END'
		struct __sk_buff;
		__attribute__((section("cgroup_skb/egress"))) int drop(struct __sk_buff *packet)
		{
			return 0;
		}
		char _license[] __attribute__((section("license"))) = "GPL";
	END
	in_lab bpftool prog load "$BATS_TEST_TMPDIR/drop.o" /sys/fs/bpf/drop
}

@test "24 commands make and end the same job at once" {
	local pids=() pid i status

	for ((i = 0; i < 12; i++)); do
		jobfence up --job "$JOB" --domain allowed.test >/dev/null 2>&1 3>&- &
		pids+=($!)
		jobfence down "$JOB" >/dev/null 2>&1 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		status=0
		wait "$pid" || status=$?
		[[ $status = @(0|4|5) ]] || lab_fail "one ended with $status"
	done
	like "$(jobfence list --json | jq -c '[.[].state]')" '@([[]]|[[]"up"])'
	jobfence down "$JOB" 2>/dev/null || [ $? -eq 4 ]
	nothing_is_left
}

# Takes the locks of all jobs, until give_locks.
take_locks()
{
	mkfifo "$BATS_TEST_TMPDIR/held"
	in_lab python3 "$LIB/hold_lock.py" >"$BATS_TEST_TMPDIR/held" 3>&- &
	TAKER=$!
	read -r HOLDER <"$BATS_TEST_TMPDIR/held"
}

give_locks()
{
	in_lab kill "$HOLDER"
	wait "$TAKER" || :
}

# Whether that many commands are about to wait for a lock.
wait_for_locks()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	[ "$(in_lab bash -c 'for pid in $(pgrep -x jobfence); do readlink /proc/$pid/fd/*; done' | grep -c '^/run/jobfence/lock')" -eq "$1" ]
}

@test "down of all jobs is done, though another one ends them" {
	local pids=()

	job_up && jobfence up --job other
	take_locks
	for _ in 1 2; do
		jobfence down --all 3>&- &
		pids+=($!)
	done
	eventually wait_for_locks 2
	give_locks
	wait "${pids[0]}" && wait "${pids[1]}"
	nothing_is_left
	ends_with 4 jobfence down "$JOB"
}

@test "show of a job that is being ended says that there is none" {
	local pid status=0

	job_up
	take_locks
	in_lab rm -r "/sys/fs/bpf/jobfence/jobs/$JOB" # as down does, halfway
	jobfence show "$JOB" 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
	pid=$!
	eventually wait_for_locks 1
	in_lab rm "/run/jobfence/jobs/$JOB/spec.json"
	give_locks
	wait "$pid" || status=$?
	like "$status $(<"$BATS_TEST_TMPDIR/errors")" "4 jobfence: job $JOB is half made*"
	jobfence gc
}

@test "programs of others on the cgroup or above it stay in force, and ours beside them" {
	local above place

	above=$(<"$LAB/cgroups")/above
	load_drop
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

@test "beside a program that allows no other no job comes up, and that one stays in force" {
	local above place

	above=$(<"$LAB/cgroups")/above
	load_drop
	in_lab mkdir -p "$above/inner"
	for place in "$above" "$above/inner"; do
		in_lab bpftool cgroup attach "$place" egress pinned /sys/fs/bpf/drop
		ends_with 1 jobfence up --job "$JOB" --cgroup "$above/inner" --domain allowed.test
		like "$ERRORS" "jobfence: *cannot attach*egress*another*"
		nothing_is_left
		like "$(in_lab bpftool cgroup list "$place")" '*drop*'
		in_lab bpftool cgroup detach "$place" egress pinned /sys/fs/bpf/drop
	done
	in_lab rm /sys/fs/bpf/drop
	in_lab rmdir "$above/inner" "$above"
}

@test "a program above that says it may be overridden yields to ours" {
	local above

	above=$(<"$LAB/cgroups")/above
	load_drop
	in_lab mkdir -p "$above/inner"
	in_lab bpftool cgroup attach "$above" egress pinned /sys/fs/bpf/drop override
	job_up --cgroup "$above/inner" --domain allowed.test
	is "$(fetch $site)" 'this is allowed.test'
	refused_for domain http://denied.test/
	jobfence down "$JOB"
	in_lab bpftool cgroup detach "$above" egress pinned /sys/fs/bpf/drop
	in_lab rm /sys/fs/bpf/drop
	in_lab rmdir "$above/inner" "$above"
}

@test "a worker is replaced also where the caller ignored and blocked SIGCHLD" {
	local worker

	in_lab env --ignore-signal=CHLD --block-signal=CHLD,TERM "$JOBFENCE" up --job "$JOB" --json --domain allowed.test >"$UP"
	worker=$(proxy_worker)
	in_lab kill -KILL "$worker"
	is "$(fetch --retry 10 --retry-all-errors --retry-delay 1 http://allowed.test)" 'this is allowed.test'
	[ "$(proxy_worker)" != "$worker" ] || lab_fail 'it is the same worker'
	is "$(jobfence events "$JOB" --json | jq -c 'select(.kind == "worker") | .signal')" 9
}
