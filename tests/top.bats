#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# `jobfence top`: its lines for scripts, and its screen in a terminal (tmux).

load lib/job

terminals=0

teardown()
{
	terminal kill-server 2>/dev/null || true
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	nothing_is_left
}

terminal()
{
	in_lab env -u TMUX LC_ALL=C.UTF-8 tmux -S "$BATS_TEST_TMPDIR/terminal.$terminals" -f /dev/null "$@"
}

# Opens a terminal of $1 columns with a shell that has no history and a plain prompt. The
# other arguments are variables of the shell.
open_terminal()
{
	local columns=$1

	shift
	# A server that was told to end may still have its socket.
	terminals=$((terminals + 1))
	terminal new-session -d -x "$columns" -y 24 "env PS1='ready> ' $* bash --norc --noprofile"
	eventually shows 'ready>'
}

# Types words and keys, as tmux names keys.
keys()
{
	terminal send-keys "$@"
}

screen()
{
	terminal capture-pane -p "$@"
}

# Whether the screen has a line that matches $1.
shows()
{
	screen | grep -q -- "$1"
}

shows_not()
{
	! shows "$1"
}

# Prints a field of the last line of this test's job in $LINES_OF_TOP. Fields have the names
# of the header.
field()
{
	awk -v job="$JOB" -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		$2 == job { value = $at[name] } END { print value }' "$BATS_TEST_TMPDIR/lines"
}

batch()
{
	jobfence top --batch --iterations 1 --interval 0.2 "$@" >"$BATS_TEST_TMPDIR/lines"
}

goes_fast()
{
	batch "$JOB" && [ "$(field DOWN)" -gt 500000 ]
}

# Starts top in the terminal, and waits for the line of this test's job.
start_top()
{
	keys "$JOBFENCE top --interval 0.2; echo ended with \$?" Enter
	eventually shows "^$JOB  *up "
}

# Prints the number that the top with options $1 has in the lab.
process_of_top()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'for folder in /proc/[0-9]*; do
		[ "$(tr "\0" " " 2>/dev/null <"$folder/cmdline")" != "$0 top $1 " ] || echo "${folder#/proc/}"
	done' "$JOBFENCE" "$1"
}

# Fails unless the terminal works as it did before top.
is_restored()
{
	eventually shows "^ended with $1"
	keys 'clear; stty -a >'"$BATS_TEST_TMPDIR"'/after; echo typed' Enter
	eventually shows '^typed'
	is "$(<"$BATS_TEST_TMPDIR/after")" "$(<"$BATS_TEST_TMPDIR/before")"
	is "$(terminal display-message -p '#{alternate_on} #{cursor_flag}')" '0 1'
}

remember_terminal()
{
	keys 'stty -a >'"$BATS_TEST_TMPDIR"'/before' Enter
	eventually test -s "$BATS_TEST_TMPDIR/before"
}

@test "lines for scripts say what show says" {
	local wanted

	job_up --domain allowed.test --rate 8mbit
	fetch -f -o /dev/null http://allowed.test/bytes/200000
	fetch -f -o /dev/null https://allowed.test/
	refused_for domain http://denied.test/
	ends_with 7 in_job_directly curl -sS http://11.0.0.2:81/ # by the kernel
	eventually none_is_open
	wanted=$(jobfence show "$JOB" --json | jq -r '[.state, .statistics.open.now,
		(.statistics.requests + .statistics.tunnels),
		([.statistics.refused[], .upload.refused[]] | add),
		(.statistics.throttled_milliseconds | .upload + .download),
		.statistics.bytes.received, .statistics.bytes.sent, .restarts.count] | join(" ")')
	batch
	is "$(for name in STATE OPEN REQUESTS REFUSED THROTTLED RECEIVED SENT RESTARTS; do field $name; done | xargs)" "$wanted"
	is "$(field DOWN) $(field UP) $(field LIMIT)" '0 0 8000000'
	[ "$(field PSS)" -gt 100000 ]
	like "$(field TIME)" '20??-??-??T*Z'
}

@test "rates are those of the last interval, and no higher than the limit" {
	local pacing

	for pacing in proxy auto; do
		JOB=$pacing
		job_up --domain allowed.test --rate 2mbit --pacing "$pacing"
		fetch -o /dev/null http://allowed.test/bytes/100000000 3>&- &
		eventually goes_fast
		[ "$(field DOWN)" -lt 4000000 ]
		is "$(field OPEN)" 1
		jobfence down "$JOB"
		wait $! || true
	done
}

@test "jobs that come, change, lose their proxy and go are noticed" {
	local said=$BATS_TEST_TMPDIR/lines top

	jobfence top --batch --interval 0.1 >"$said" 3>&- &
	await "$said" '^TIME'
	top=$(process_of_top '--batch --interval 0.1')
	job_up --domain allowed.test --rate 1mbit
	await "$said" "$JOB up .* 1000000 0 0 0"
	jobfence update "$JOB" --rate 2mbit
	await "$said" "$JOB up .* 2000000 0 0 0"
	fetch -f -o /dev/null http://allowed.test/
	await "$said" "$JOB up .* 2000000 0 1 0"
	in_lab kill -KILL "$(proxy_processes | sed -n 1p)"
	await "$said" "$JOB cut-off .* 2000000 . 1 0"
	jobfence repair "$JOB"
	fetch -f -o /dev/null http://allowed.test/
	await "$said" "$JOB up .* 2000000 0 2 0"
	jobfence down "$JOB"
	job_up --domain allowed.test --rate 3mbit # a new job by the same name begins at 0
	await "$said" "$JOB up .* 3000000 0 0 0"
	in_lab kill "$top"
}

@test "only the jobs that are asked for" {
	JOB=one job_up --network none --label of=a
	JOB=two job_up --network none --label of=b
	JOB=three job_up --network full --label of=b
	batch
	is "$(awk 'NR > 1 { print $2 }' "$BATS_TEST_TMPDIR/lines" | xargs)" 'one three two'
	batch --label of=b
	is "$(awk 'NR > 1 { print $2 }' "$BATS_TEST_TMPDIR/lines" | xargs)" 'three two'
	batch two missing
	is "$(awk 'NR > 1 { print $2 }' "$BATS_TEST_TMPDIR/lines" | xargs)" two
	ends_with 4 jobfence top missing
	is "$ERRORS" 'jobfence: there is no job missing; see: jobfence list'
	ends_with 4 jobfence top --batch missing another
	is "$ERRORS" 'jobfence: there are no jobs of these names; see: jobfence list'
	JOB=one
	batch
	is "$(field STATE) $(field OPEN) $(field PSS)" 'up - -'
}

@test "without a terminal, or with one that has no cursor, it says what to do" {
	ends_with 2 jobfence top
	like "$ERRORS" '*top needs a terminal*--batch*'
	open_terminal 80
	keys "TERM=dumb $JOBFENCE top; TERM= $JOBFENCE top; TERM=unheard-of $JOBFENCE top; echo ended with \$?" Enter
	eventually shows '^ended with 2'
	is "$(screen -J | grep -c 'without one: jobfence top --batch')" 3
	for wrong in '--interval 0' '--interval 1e3' '--interval nan' '--interval' '--batch --iterations 0' '--iterations 3'; do
		# shellcheck disable=SC2086 # two words
		ends_with 2 jobfence top $wrong
	done
}

# Whether the line of job $1 is the selected one.
selects()
{
	screen -e | grep -q "[;[]7m[^ ]*$1 "
}

@test "the screen shows, sorts and filters jobs" {
	JOB=quiet job_up --network none
	job_up --domain allowed.test --rate 1mbit
	refused_for domain http://denied.test/
	open_terminal 80
	start_top
	shows '^jobfence top  2 jobs, 2 up '
	eventually shows "^$JOB  *up  *0  *0  1.00M  *0  *0  *1  *0.0s  *[0-9.]*[KM]i$"
	keys f
	eventually shows '  by refusals'
	is "$(screen | grep ' up ' | sed 1d | cut -d ' ' -f 1 | xargs)" "$JOB quiet"
	selects "$JOB"
	keys f
	eventually shows '  by refusals, turned'
	is "$(screen | grep ' up ' | sed 1d | cut -d ' ' -f 1 | xargs)" "quiet $JOB"
	selects quiet
	keys Down
	eventually selects "$JOB"
	keys f
	eventually shows '  by refusals$'
	selects "$JOB"
	keys / q u i
	eventually shows '^filter: qui_'
	eventually shows_not "^$JOB "
	keys Enter
	eventually shows 'filter: qui$'
	keys Escape
	eventually shows "^$JOB "
	keys i
	eventually shows '^no jobs'
	keys i h
	eventually shows 'sort by download'
	keys q
	eventually shows "^$JOB "
	is "$(screen | awk 'length > 80')" ''
}

@test "one job in detail, with what was refused last" {
	job_up --domain allowed.test --rate 1mbit
	fetch -f -o /dev/null http://allowed.test/
	refused_for domain http://denied.test/
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_job_directly bash -c 'printf "\033[7mx\tup" >/proc/self/comm; exec 3<>/dev/tcp/11.0.0.2/81' || true
	open_terminal 80
	start_top
	keys Enter
	eventually shows '^requests   1, tunnels 0, 2xx 1'
	shows '^started    20.*Z$'
	shows '^network    http, 1mbit each way'
	shows 'Z  *1  domain   denied.test$'
	keys End
	eventually shows 'Z port  *?\[7mx?up\[[0-9]*\] to 11.0.0.2 port 81$'
	keys Home
	jobfence down "$JOB"
	eventually shows 'the job has ended'
	keys q
	eventually shows '^no jobs'
}

@test "a screen that is resized, or too small" {
	JOB=a-name-that-is-longer-than-its-column-of-the-screen
	job_up --domain allowed.test
	open_terminal 80
	JOB=a-name-that-is-~ start_top
	terminal resize-window -x 120 -y 30
	eventually shows "^$JOB  *up "
	terminal resize-window -x 79 -y 30
	eventually shows '^top needs 80 columns'
	shows '^and 8 lines, not 79x30'
	terminal resize-window -x 80 -y 7
	eventually shows '^and 8 lines, not 80x7'
	terminal resize-window -x 80 -y 8
	eventually shows '^a-name-that-is-~ up '
}

@test "a state is red, but not with NO_COLOR or on a terminal without colours" {
	local red=$'\e\\[[0-9;]*31m' plain

	job_up --domain allowed.test
	in_lab kill -KILL "$(proxy_processes | sed -n 1p)"
	open_terminal 80
	keys "$JOBFENCE top" Enter
	eventually shows "^$JOB .*cut-off"
	screen -e | grep -q "$red"
	keys Enter
	eventually shows '^state      cut-off: its proxy has ended; see: jobfence help repair$'
	for plain in NO_COLOR=1 TERM=vt100; do
		terminal kill-server
		open_terminal 80 "$plain"
		keys "$JOBFENCE top" Enter
		eventually shows "^$JOB .*cut-off"
		screen -e | grep "$red" && lab_fail "there is red with $plain"
	done
	jobfence repair "$JOB"
}

@test "the terminal is restored, however it ends" {
	job_up --domain allowed.test
	open_terminal 80
	remember_terminal
	start_top
	keys q
	is_restored 0
	start_top
	keys C-c
	is_restored 0
	for signal in TERM HUP; do
		start_top
		in_lab kill "-$signal" "$(process_of_top '--interval 0.2')"
		is_restored $((128 + $(kill -l "$signal")))
	done
	start_top
	keys C-z
	eventually shows 'Stopped'
	is_restored 148
	keys 'fg; echo ended with $?' Enter
	eventually shows "^$JOB  *up "
	keys q
	is_restored 0
}

# Prints the seconds of processor time that a command took.
cost()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'TIMEFORMAT="%U %S"; time "$@" >"$0"' "$BATS_TEST_TMPDIR/lines" "$JOBFENCE" "$@" 2>&1 | awk '{ print $1 + $2 }'
}

# The machine may be slow or busy. So the measure is what `show` takes in the same minute.
@test "a round of a hundred jobs takes a tenth of what show takes at most" {
	local show start more

	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'for ((i = 0; i < 100; i++)); do "$0" up --job "job-$i" --domain allowed.test || exit; done >/dev/null' "$JOBFENCE"
	show=$(cost show --all)
	start=$(cost top --batch --iterations 1 --interval 0.2)
	more=$(cost top --batch --iterations 26 --interval 0.2)
	is "$(grep -c ' up ' "$BATS_TEST_TMPDIR/lines")" 2600
	# The second one had 25 rounds more.
	awk -v show="$show" -v start="$start" -v more="$more" 'BEGIN { round = (more - start) / 25
		print "of a show:", round / show; exit !(round < show / 10) }'
}
