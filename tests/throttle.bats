#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# bats file_tags=vm,kernel
#
# The throttle, in the kernel where it has `fq`, else in the proxy. A test knows only
# that it took long enough: a slow machine may take longer.
#
# shellcheck disable=SC2016 # expressions of jq

load lib/job

site=http://allowed.test
size=250000 # bytes, two seconds at 1 Mbit/s

# The pacing that this kernel can do.
best_pacing()
{
	in_lab unshare --net tc qdisc add dev lo root fq 2>/dev/null && echo edt || echo proxy
}

# Runs a command and fails if it moved $1 bytes faster than by half more than 1 Mbit/s.
throttled()
{
	local bytes=$1 begin microseconds

	shift
	begin=${EPOCHREALTIME/./}
	"$@" >"$BATS_TEST_TMPDIR/moved"
	microseconds=$((${EPOCHREALTIME/./} - begin))
	[ $((bytes * 8)) -le $((microseconds * 3 / 2)) ] ||
		lab_fail "$bytes bytes in $microseconds microseconds"
}

@test "pacing is done by the kernel where it can" {
	job_up --domain allowed.test
	is "$(up_says .rate.pacing)" "$(best_pacing)"
}

@test "pacing by the kernel is refused where it cannot, and nothing is left" {
	[ "$(best_pacing)" = proxy ] || skip 'this kernel has fq'
	ends_with 1 jobfence up --job "$JOB" --domain allowed.test --pacing edt
	like "$ERRORS" 'jobfence: *fq*--pacing auto*'
	nothing_is_left
}

@test "a job has the default rate in each direction" {
	head -c $size /dev/zero >"$BATS_TEST_TMPDIR/upload"
	job_up --domain allowed.test
	is "$(up_says .rate.bits_per_second)" 1000000
	throttled $size fetch $site/bytes/$size
	is "$(wc -c <"$BATS_TEST_TMPDIR/moved")" $size
	throttled $size fetch -T "$BATS_TEST_TMPDIR/upload" $site/upload
	like "$(<"$BATS_TEST_TMPDIR/moved")" "$size *"
}

@test "the lowest and the highest rate carry a transfer" {
	job_up --domain allowed.test --rate 8kbit
	is "$(fetch $site/bytes/2000 | wc -c)" 2000
	jobfence update "$JOB" --rate 10gbit
	is "$(fetch $site/bytes/20000000 | wc -c)" 20000000
}

@test "the proxy paces where it is told to" {
	head -c $size /dev/zero >"$BATS_TEST_TMPDIR/upload"
	job_up --domain allowed.test --pacing proxy
	is "$(up_says .rate.pacing)" proxy
	throttled $size fetch $site/bytes/$size
	throttled $size fetch -T "$BATS_TEST_TMPDIR/upload" $site/upload
}

@test "many connections share the rate" {
	job_up --domain allowed.test
	throttled $size fetch --parallel --parallel-immediate -o /dev/null -o /dev/null -o /dev/null -o /dev/null \
		$site/bytes/$((size / 4)) $site/bytes/$((size / 4)) $site/bytes/$((size / 4)) $site/bytes/$((size / 4))
}

@test "TLS, tunnels and chunks are throttled as well" {
	job_up --domain allowed.test
	throttled $size fetch https://allowed.test/bytes/$size
	throttled $size fetch_by_proxy https://allowed.test/bytes/$size
	throttled $size fetch $site/chunked/$size
}

@test "in the node's namespace a job is throttled as well" {
	job_up --netns /proc/self/ns/net --domain allowed.test
	is "$(up_says .rate.pacing)" proxy
	throttled $size fetch $site/bytes/$size
}

@test "in the node's namespace the queueing discipline stays as its operator has it" {
	local before

	before=$(in_lab tc qdisc show dev lo)
	job_up --netns /proc/self/ns/net --domain allowed.test
	is "$(in_lab tc qdisc show dev lo)" "$before"
	jobfence down "$JOB"
	ends_with 1 jobfence up --job "$JOB" --netns /proc/self/ns/net --domain allowed.test --pacing edt
	like "$ERRORS" 'jobfence: *tc qdisc replace dev lo root fq*'
	nothing_is_left
	[ "$(best_pacing)" = edt ] || return 0
	in_lab tc qdisc replace dev lo root fq
	job_up --netns /proc/self/ns/net --domain allowed.test
	is "$(up_says .rate.pacing)" edt
	throttled $size fetch $site/bytes/$size
	throttled $size game $size 4
	jobfence down "$JOB"
	in_lab tc qdisc delete dev lo root
}

@test "a full network with a rate is refused: nothing could keep to it" {
	ends_with 2 jobfence up --job "$JOB" --network full --rate 1mbit
	like "$ERRORS" 'jobfence: *--rate 0*'
	nothing_is_left
}

# Runs a program that is slow.test and the job at once.
at_both_ends()
{
	in_lab "$LIB/$1" "${@:2}" "/proc/$(<"$LAB/internet.pid")/ns/net" "$(up_says .netns)" "$(up_says .cgroup)"
}

# bats test_tags=long
@test "what is on its way, in either direction, is little" {
	local transfers ahead

	lab_name slow.test 11.0.0.3
	job_up --domain slow.test
	for transfers in 'download 1' 'download 8' 'download 32' 'upload 1' 'upload 32'; do
		# shellcheck disable=SC2086 # two words
		ahead=$(at_both_ends runahead.py $transfers)
		[ "$ahead" -gt 0 ]
		[ "$ahead" -le 262144 ] || lab_fail "$transfers: $ahead bytes ahead"
	done
}

@test "little requests, which get longer on their way, bring the sites no more than the rate" {
	local bytes microseconds

	lab_name a.test 11.0.0.3
	lab_name b.test 11.0.0.3
	job_up --domain a.test --domain b.test --rate 50kbit
	read -r bytes microseconds <<<"$(at_both_ends little_requests.py 8 20)"
	[ "$bytes" -ge 40000 ] || lab_fail "$bytes bytes"
	[ $((bytes * 8 * 20)) -le $((microseconds * 3 / 2)) ] || lab_fail "$bytes bytes in $microseconds microseconds"
}

# Bytes that came to the node from sites by now.
came()
{
	in_lab ip -s -j link show uplink | jq '.[0].stats64.rx.bytes'
}

# Runs a command, which is to bring at least $1 bytes to the node, and then asks for a word
# more. Fails if that is faster than by a third, or by half, more than 1 Mbit/s, but for
# what may be on its way.
brings_no_more_than_the_rate()
{
	local least=$1 part=3 before begin microseconds bytes

	# The proxy knows less of the headers of short segments.
	[ "$(up_says .rate.pacing)" = edt ] || part=2
	shift
	before=$(came) begin=${EPOCHREALTIME/./}
	"$@"
	is "$(fetch $site)" 'this is allowed.test' || return
	microseconds=$((${EPOCHREALTIME/./} - begin)) bytes=$(($(came) - before))
	[ "$bytes" -ge "$least" ] || lab_fail "$bytes bytes" || return
	[ $(((bytes - 262144) * 8)) -le $((microseconds + microseconds / part)) ] || lab_fail "$bytes bytes in $microseconds microseconds"
}

# Goes away $1 times as an answer of $2 bytes begins, of which it has room for $3.
break_off()
{
	in_job_directly python3 "$LIB/break_off.py" "$@"
}

# Has answers of which the proxy drops the most.
fetch_little()
{
	is "$(fetch --http1.0 $site/crumbs/150000 | wc -c)" 150000
	is "$(fetch -o /dev/null -w '%{http_code}' --http1.0 $site/endless-interim)" 502
	for _ in {1..6}; do
		is "$(fetch -o /dev/null -w '%{http_code}' $site/endless-head)" 502
	done
	ends_with 18 fetch -o /dev/null $site/extended
}

# bats test_tags=long
@test "answers that nobody takes bring the node no more than the rate" {
	local pacing pacings

	pacings=("$(best_pacing)")
	[ -n "${EMULATED:-}" ] || [ "${pacings[0]}" = proxy ] || pacings+=(proxy)
	for pacing in "${pacings[@]}"; do
		job_up --domain allowed.test --pacing "$pacing"
		brings_no_more_than_the_rate 500000 break_off 160 250000 65536
		brings_no_more_than_the_rate 500000 break_off 496 4000 1
		brings_no_more_than_the_rate 1000000 fetch_little
		jobfence down "$JOB"
	done
}

@test "the headers of segments count, offloaded or not" {
	local segments transfers=0

	[ "$(best_pacing)" = edt ] || skip 'this kernel has no fq'
	job_up --domain allowed.test --rate 100mbit
	for segments in 1 65535; do
		in_lab ip --netns "jobfence-$JOB" link set lo gso_max_segs $segments
		fetch -o /dev/null $site/bytes/1000000
		transfers=$((transfers + 1))
		is "$(jobfence show "$JOB" --json | jq ".download.paced_bytes >= $transfers * (1000000 + 52 * (1000000 / 1448 | ceil))")" true
	done
}

@test "without a rate nothing is paced" {
	job_up --domain allowed.test --rate 0
	is "$(up_says .rate.pacing)" none
	is "$(fetch $site/bytes/20000000 | wc -c)" 20000000
	is "$(jobfence show "$JOB" --json | jq -c '[.upload.paced_packets, .download.paced_packets]')" '[0,0]'
}

@test "the kernel counts what it paces, and leaves the job's own loopback alone" {
	[ "$(best_pacing)" = edt ] || skip 'this kernel has no fq'
	job_up --domain allowed.test
	fetch -o /dev/null $site/bytes/50000
	like "$(jobfence show "$JOB" --json | jq '.download.paced_bytes >= 50000 and .upload.paced_packets > 0')" true
	in_job_directly python3 "$LIB/own_loopback.py"
	like "$(jobfence show "$JOB" --json | jq '.download.paced_bytes + .upload.paced_bytes < 1000000')" true
}

@test "a job that takes fq away goes no faster" {
	[ "$(best_pacing)" = edt ] || skip 'this kernel has no fq'
	job_up --domain allowed.test
	in_lab nsenter --net="$(up_says .netns)" tc qdisc delete dev lo root
	# But for the five seconds of the horizon, 625000 bytes, which nothing holds back.
	throttled 625000 fetch $site/bytes/1250000
	is "$(wc -c <"$BATS_TEST_TMPDIR/moved")" 1250000
}

# Runs a command in the cgroup $1 and the job's namespace with every privilege, as a
# container that was given too many might.
privileged_in()
{
	local cgroup=$1

	shift
	in_lab nsenter --net="$(up_says '.netns // "/proc/self/ns/net"')" bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' \
		privileged "$cgroup" "$@"
}

game()
{
	privileged_in "$(up_says .cgroup)" "$LIB/gamer.py" "$@"
}

@test "no option of a socket makes an upload faster" {
	local trick

	job_up --domain allowed.test
	for trick in pacing txtime priority mark; do
		throttled $size game $size 1 $trick || lab_fail "with $trick"
	done
}

@test "many connections share the rate of an upload" {
	job_up --domain allowed.test
	throttled $size game $size 16 priority
}

@test "a queueing discipline of the job's own makes nothing faster" {
	job_up --domain allowed.test
	privileged_in "$(up_says .cgroup)" tc qdisc replace dev lo root pfifo
	throttled 2000000 game 2000000 4
}

@test "what gets past the pacer makes nothing faster" {
	[ "$(best_pacing)" = edt ] || skip 'this kernel has no fq'
	job_up --domain allowed.test
	# As for a packet socket, or for packets that tc turned to the proxy after the
	# filter.
	in_lab rm "/sys/fs/bpf/jobfence/jobs/$JOB/links/egress"
	throttled 2000000 game 2000000 4
}

# Runs a command in the job's namespace; what it printed goes to the file "said" of this
# test, what was on the wire meanwhile, and whether it was ever ahead of the rate $1 (bits
# per second), to "wire".
watch_wire()
{
	in_lab nsenter --net="$(up_says .netns)" timeout 120 "$LIB/wire.py" "$@" >"$BATS_TEST_TMPDIR/wire" 2>"$BATS_TEST_TMPDIR/said" ||
		lab_fail "$(<"$BATS_TEST_TMPDIR/said")"
}

# Fails unless the condition $1 of jq holds for what was on the $wire, what the command
# $said, and what `show` says now of the throttle ($shown).
holds()
{
	local shown

	shown=$(jobfence show "$JOB" --json | jq -c '{upload, download}')
	jq -ne --argjson shown "$shown" --slurpfile wire "$BATS_TEST_TMPDIR/wire" --slurpfile said "$BATS_TEST_TMPDIR/said" \
		"\$wire[0] as \$wire | \$said[0] as \$said | $1" >/dev/null ||
		lab_fail "not so: $1; $(cat "$BATS_TEST_TMPDIR"/{wire,said}); $shown"
}

@test "what waits is marked beyond a second, if it can be, and dropped beyond five" {
	[ "$(best_pacing)" = edt ] || skip 'this kernel has no fq'
	job_up --domain allowed.test --rate 80kbit
	watch_wire 80000 "$LIB/datagrams.py" "$(up_says .cgroup)" 120 capable
	holds '$wire.up.marked > 0 and $wire.up.marked == $shown.upload.marked_packets'
	# A second is ten of them, and what is left of the credit.
	holds '$wire.up.packets - $wire.up.marked >= 10'
	holds '$said.refused > 0 and $said.refused == $shown.upload.dropped_packets'
	holds '$wire.up.packets == 120 - $said.refused and $wire.up.packets >= 50'
	watch_wire 80000 "$LIB/datagrams.py" "$(up_says .cgroup)" 120
	holds '$said.refused > 0 and $wire.up.packets >= 50 and $wire.up.capable == 0'
}

@test "a TCP that knows of ECN is told by marks, and no other" {
	[ "$(best_pacing)" = edt ] || skip 'this kernel has no fq'
	job_up --domain allowed.test --rate 160kbit
	game 80000 16
	is "$(jobfence show "$JOB" --json | jq .upload.marked_packets)" 0
	in_lab nsenter --net="$(up_says .netns)" sysctl -q net.ipv4.tcp_ecn=1
	# On a busy machine connections may begin one after another: nothing waits then.
	for _ in 1 2 3; do
		watch_wire 160000 bash -c 'echo $$ >"$1/cgroup.procs" && exec "$2" 80000 16' watched "$(up_says .cgroup)" "$LIB/gamer.py"
		[ "$(jobfence show "$JOB" --json | jq .upload.marked_packets)" -eq 0 ] || break
	done
	holds '$wire.up.marked > 0 and $wire.up.marked == $shown.upload.marked_packets'
	holds '$wire.up.capable < $wire.up.packets and $wire.down.echoes > 0'
}

@test "a raw socket brings the proxy no more than the rate and five seconds of it" {
	[ "$(best_pacing)" = edt ] || skip 'this kernel has no fq'
	job_up --domain allowed.test --rate 80kbit
	watch_wire 80000 "$LIB/datagrams.py" "$(up_says .cgroup)" 400 inherited
	holds '$wire.up.packets == 400 and $said.refused == 0'
	holds '$said.taken * 8000 <= 80000 * ($said.seconds + 5) + 8 * (1500 + 1000)'
	holds '$said.taken >= 40'
	holds '$shown.download.dropped_packets > 0'
}

@test "a packet socket brings the proxy no more than the rate and five seconds of it" {
	local inherited=''

	[ "$(best_pacing)" = edt ] || skip 'this kernel has no fq'
	job_up --domain allowed.test --rate 80kbit
	# BPF LSM refuses it one of its own. What either sends comes by no filter of the
	# cgroup.
	! in_lab test -e "/sys/fs/bpf/jobfence/jobs/$JOB/links/socket_create" || inherited=inherited
	watch_wire 80000 "$LIB/datagrams.py" "$(up_says .cgroup)" 400 frames $inherited
	holds '$said.refused == 0 and $shown.upload.paced_packets == 0'
	holds '$said.taken * 8000 <= 80000 * ($said.seconds + 5) + 8 * (1500 + 1000)'
	holds '$said.taken >= 40'
	holds '$shown.download.dropped_packets == 400 - $said.taken'
}

wait_for_both()
{
	game $((size / 2)) 2 && wait "$1"
}

@test "a child cgroup shares the rate of its job" {
	job_up --domain allowed.test
	in_lab mkdir "$(up_says .cgroup)/child"
	privileged_in "$(up_says .cgroup)/child" "$LIB/gamer.py" $((size / 2)) 2 3>&- &
	throttled $size wait_for_both $!
}

@test "neither direction goes faster than the rate beside the other" {
	job_up --domain allowed.test
	game $size 2 3>&- &
	throttled $size fetch -o /dev/null $site/bytes/$size
	wait $!
}

@test "show tells what was paced, marked and dropped, and what waits" {
	job_up --domain allowed.test
	game 50000 2
	is "$(jobfence show "$JOB" --json | jq -c '[.upload, .download | .paced_bytes, .marked_packets, .dropped_packets, .delay_microseconds | type] | unique')" '["number"]'
	[ "$(best_pacing)" = edt ] || return 0
	is "$(jobfence show "$JOB" --json | jq '.upload.paced_bytes >= 50000')" true
	like "$(jobfence show "$JOB")" '*upload *bytes paced*'
}
