#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# What scripts rely on: exit statuses, JSON, one line of error, and what a command gets from
# `run`.

load lib/job

run_job()
{
	jobfence run --job "$JOB" --domain allowed.test "$@"
}

# Fails unless the command ends with status $1, nothing on standard output, and one line of
# error that matches $2.
fails_with()
{
	local status=$1 pattern=$2

	shift 2
	ends_with "$status" "$@" || return
	is "$OUTPUT" '' && like "$ERRORS" "jobfence: $pattern" && is "$(wc -l <<<"$ERRORS")" 1
}

# Fails unless the options of each argument, a list of words, are refused as wrong.
wrong()
{
	local options

	for options; do
		# shellcheck disable=SC2086 # a list of words
		fails_with 2 '?*' jobfence up --job "$JOB" $options || return
	done
	nothing_is_left
}

# The domains that a job gets which declares the arguments.
declared()
{
	job_up "${@/#/--domain=}" && up_says '.domains | sort | join(" ")' && jobfence down "$JOB"
}

@test "help and version go to standard output" {
	local verb

	for verb in help --help version --version 'help run' 'run --help'; do
		# shellcheck disable=SC2086 # two words
		ends_with 0 jobfence $verb
		like "$OUTPUT" '*jobfence*'
		is "$ERRORS" ''
	done
}

@test "jobfence is not linked with libraries that few commands need" {
	local library needed

	needed=$(readelf -d "$JOBFENCE")
	like "$needed" '*NEEDED*libbpf.so*'
	for library in idn2 psl unistring ncurses tinfo systemd microhttpd; do
		[[ $needed != *"lib$library"* ]] || lab_fail "it is linked with $library"
	done
}

@test "help shows the words of each command, and the options that it takes" {
	local verb

	for verb in run version repair; do
		like "$(jobfence help $verb)" "jobfence $verb ?OPTIONS?*--config FILE*--help*" || return
	done
	is "$(jobfence help policy | head -n 1)" 'jobfence policy check | features [OPTIONS]'
	is "$(jobfence help preset | head -n 1)" 'jobfence preset list | show PRESET [OPTIONS]'
	is "$(jobfence help exec | head -n 1)" 'jobfence exec [OPTIONS] JOB [--] COMMAND [ARG...]'
	ends_with 0 jobfence policy check --network none
	ends_with 0 jobfence policy --network none check
}

@test "a wrong command line is status 2 and one line of error" {
	fails_with 2 '*jobfence help*' jobfence
	fails_with 2 '*frobnicate*' jobfence frobnicate
	fails_with 2 '*--frobnicate*' jobfence up --frobnicate
	fails_with 2 '*--domain*' jobfence up --job a --domain
	fails_with 2 '*--job*' jobfence up --domain allowed.test
	fails_with 2 '*' jobfence up --job a b
	fails_with 2 '*' jobfence show
	fails_with 2 '*' jobfence down
	fails_with 2 '*' jobfence down a --all
	fails_with 2 '*' jobfence list a
}

@test "what is not there is status 4, what is there already 5" {
	fails_with 4 "*$JOB*" jobfence show "$JOB"
	fails_with 4 "*$JOB*" jobfence down "$JOB"
	fails_with 125 "*$JOB*" jobfence exec "$JOB" true
	job_up
	fails_with 5 "*$JOB*" jobfence up --job "$JOB" --domain allowed.test
}

@test "run ends as its command did" {
	ends_with 0 run_job -- true
	ends_with 7 run_job sh -c 'exit 7'
	ends_with 143 run_job -- sh -c 'kill -TERM $$'
	ends_with 137 run_job -- sh -c 'kill -KILL $$'
	nothing_is_left
}

@test "run says by 125, 126 and 127 that there was no command" {
	fails_with 125 '*' run_job
	fails_with 125 '*frobnicate*' run_job --frobnicate true
	fails_with 125 '*' run_job --domain 'a b' true
	fails_with 126 '*/etc/passwd*' run_job /etc/passwd
	fails_with 127 '*/no/such/program*' run_job /no/such/program
	fails_with 127 '*no-such-program*' run_job no-such-program
	job_up
	fails_with 125 "*$JOB*" run_job true
}

@test "exec ends as its command did" {
	job_up
	ends_with 7 jobfence exec "$JOB" sh -c 'exit 7'
	ends_with 143 jobfence exec "$JOB" -- sh -c 'kill -TERM $$'
	ends_with 127 jobfence exec "$JOB" no-such-program
	ends_with 125 jobfence exec "$JOB"
}

@test "standard input, output and error pass through" {
	is "$(echo hello | run_job tr h j)" jello
	ends_with 0 run_job sh -c 'echo out; echo err >&2'
	is "$OUTPUT" out
	is "$ERRORS" err
}

@test "signals pass through" {
	local signal pid

	mkfifo "$BATS_TEST_TMPDIR/started" "$BATS_TEST_TMPDIR/started.never"
	for signal in TERM INT HUP USR1; do
		# shellcheck disable=SC2016 # expanded by the inner shell
		run_job bash -c 'trap "exit 42" "$1"; echo >"$2"; while :; do read -r -t 1 <>"$2.never"; done' \
			sh $signal "$BATS_TEST_TMPDIR/started" 3>&- &
		pid=$!
		read -r _ <"$BATS_TEST_TMPDIR/started"
		in_lab kill -$signal "$(in_lab pgrep -o -x jobfence)"
		wait $pid || [ $? -eq 42 ] || lab_fail "SIG$signal did not arrive"
		nothing_is_left
	done
}

@test "run makes up a name that is free" {
	like "$(jobfence run --domain allowed.test -- curl -sS http://allowed.test/echo | jq -r '.[] |
		select(.[0] == "X-Jobfence-Job-ID") | .[1]')" 'run-?*'
	nothing_is_left
}

@test "run sets the variables of the proxy, unless told not to" {
	like "$(run_job env | grep -i '_proxy=' | sort)" \
		'HTTPS_PROXY=http://192.0.0.8:80*HTTP_PROXY=*http_proxy=*https_proxy=*no_proxy=*'
	is "$(run_job --no-proxy-env env | grep -i '_proxy=')" ''
	is "$(jobfence run env | grep -i '_proxy=')" ''
}

@test "run ends with a word on what was refused, and how to get it" {
	ends_with 0 run_job curl -sS -o /dev/null http://denied.test/ http://denied.test/ http://other.test/
	like "$ERRORS" 'jobfence: refused:*denied.test (2 times)*other.test*--domain denied.test*--domain other.test*'
	ends_with 1 run_job bash -c ': >/dev/tcp/11.0.0.2/22'
	like "$ERRORS" '*jobfence: refused:*port other than 80 and 443 (once)*'
	ends_with 0 run_job curl -sS http://allowed.test/
	is "$ERRORS" ''
}

@test "run is silent on what was nothing to refuse, and advises what would help only" {
	ends_with 0 run_job --no-proxy-env python3 "$LIB/harmless_lookups.py"
	is "$ERRORS" ''
	ends_with 0 run_job --allow-address 10.0.0.0/8 dig +tries=1 +time=20 denied.test . test intranet printer.local \
		_http._tcp.denied.test co.uk 10.0.0.1 11.0.0.2 192.168.0.1
	like "$ERRORS" 'jobfence: refused: *intranet (once)*'
	is "$(tail -n 1 <<<"$ERRORS")" 'jobfence: to allow the names: --domain 10.0.0.1 --domain 11.0.0.2 --domain denied.test'
	ends_with 0 run_job dig +tries=1 +time=20 intranet
	is "$ERRORS" 'jobfence: refused: intranet (once)'
}

@test "mistakes are told, with what to do" {
	ends_with 0 jobfence run --network full -- true
	fails_with 125 '*leave out --rate*' jobfence run --network full --rate 1mbit -- true
	fails_with 125 '*repeat the option for each*' jobfence run --domain a.test,b.test -- true
	fails_with 125 '*--learn; add it*' jobfence run --learn-output "$BATS_TEST_TMPDIR/list" -- true
	fails_with 125 '*learned*' jobfence run --learn --learn-output /dev/full -- curl -sS -o /dev/null http://allowed.test/
	echo allowed.test | jobfence run --domain-file - -- curl -sS -o /dev/null http://allowed.test/
	ends_with 2 jobfence up --spec - <<<'{"job":"a","domains":["allowed.test"]}'
	like "$ERRORS" "*'domains' belongs into 'network'*"
	ends_with 2 jobfence run -- getent hosts allowed.test
	like "$ERRORS" '*the job has no network; to give it a site: --domain NAME'
}

# The words that completion offers after the arguments, without what they mean.
offered()
{
	"${at[@]}" "$JOBFENCE" completion words "$@" | cut -f 1 | paste -sd ' '
}

@test "completion offers what the tables of commands and options say" {
	local verb verbs=0 at=()

	for verb in $("$JOBFENCE" help | awk '/^  / { print $1 }'); do
		like " $(offered "$verb") " "* $verb *"
		is "$(offered "$verb" -)" "$("$JOBFENCE" help "$verb" | awk '/^  --/ { print $1 }' | paste -sd ' ')"
	done
	is "$(offered up)" 'up update upgrade'
	is "$(offered preset '')" 'list show'
	is "$(offered preset show ru)" 'ruby rust'
	is "$(offered --config /dev/null run --preset=ru)" '--preset=ruby --preset=rust'
	is "$(offered up --network '')" 'none http full'
	is "$(offered up --pacing = e)" edt
	is "$(offered up --domain '')" ''
	is "$(offered show "$JOB" '')" ''
	is "$(offered run --user=roo)" '--user=root'
	is "$(offered exec "$JOB" -- '')" :commands
	is "$(offered run --spec '') $(offered run ls -)" ':files :files'
	is "$(offered no-such-verb '')" ''
	at=(in_lab)
	job_up --domain allowed.test
	for verb in $("$JOBFENCE" help | awk '/^  / { print $1 }'); do
		[[ $("$JOBFENCE" help "$verb" | head -n 1) = *JOB* ]] || continue
		is "$(offered "$verb" "${JOB:0:1}")" "$JOB" || return
		verbs=$((verbs + 1))
	done
	is $verbs 9
	is "$(offered down "$JOB" "${JOB:0:1}")" "$JOB"
	fails_with 2 '*bash, zsh, fish*' jobfence completion csh
}

@test "bash, zsh and fish complete the name of a job" {
	local shell

	jobfence up --job complete-me
	for shell in bash zsh fish; do
		jobfence completion $shell >"$BATS_TEST_TMPDIR/script"
		cmp "$BATS_TEST_TMPDIR/script" "$LIB/../../share/completion/jobfence.$shell"
		in_lab "$LIB/complete.py" $shell "$JOBFENCE" "$BATS_TEST_TMPDIR/script" 'jobfence show compl' complete-me || return
	done
	is "$(jobfence completion)" "$(<"$LIB/../../share/completion/jobfence.bash")"
}

@test "a command has the identity of its user, and the modes of its caller" {
	local seen

	# shellcheck disable=SC2016 # expanded by the inner shell
	seen=$(in_lab env HOME=/root XDG_CACHE_HOME=/root/.cache MAIL=/var/mail/root \
		"$JOBFENCE" run --user nobody -- sh -c 'echo "$HOME $USER $LOGNAME $MAIL $XDG_CACHE_HOME $XDG_RUNTIME_DIR"; id -Gn')
	is "$seen" $'/nonexistent nobody nobody /var/mail/nobody  /run/user/65534\nnogroup'
	# shellcheck disable=SC2016 # expanded by the inner shell
	is "$(in_lab env HOME=/root "$JOBFENCE" run --user nobody -- env HOME=/srv sh -c 'echo "$HOME"')" /srv
	# shellcheck disable=SC2016 # expanded by the inner shell
	is "$(in_lab sh -c 'umask 077; exec "$@"' masked "$JOBFENCE" run --user nobody --domain allowed.test -- \
		sh -c 'umask; curl -sS http://allowed.test/')" $'0077\nthis is allowed.test'
}

@test "what ends run, or its output, leaves nothing that gc does not take" {
	local pid

	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c '"$1" run --domain allowed.test -- sh -c "echo one; getent hosts denied.test" 2>&1 | head -n 1' piped "$JOBFENCE"
	nothing_is_left
	run_job --job "$JOB" sh -c 'echo; exec sleep 1000' >"$BATS_TEST_TMPDIR/begun" 3>&- &
	pid=$!
	await "$BATS_TEST_TMPDIR/begun" '^$'
	in_lab kill -KILL "$(in_lab pgrep -o -x jobfence)"
	wait $pid || true
	eventually is_empty "$JOB"
	jobfence gc
	nothing_is_left
}

# Whether nothing runs in the job $1.
is_empty()
{
	! in_lab grep -q 'populated 1' "$(<"$LAB/cgroups")/jobfence/$1/work/cgroup.events"
}

@test "a command has no right that would open the fence" {
	local status forbidden=$((1 << 12 | 1 << 13 | 1 << 16 | 1 << 19 | 1 << 21 | 1 << 25 | 1 << 39))

	status=$(run_job cat /proc/self/status)
	like "$status" $'*NoNewPrivs:\t1*'
	for field in CapEff CapPrm CapBnd; do
		is $((0x$(awk "\$1 == \"$field:\" { print \$2 }" <<<"$status") & forbidden)) 0
	done
	is "$(awk '$1 == "CapAmb:" { print $2 }' <<<"$status")" 0000000000000000
	is "$(run_job id -u)" 0
	is "$(run_job --user nobody id -u)" "$(id -u nobody)"
	like "$(run_job --user nobody cat /proc/self/status)" $'*CapPrm:\t0000000000000000*'
	fails_with 125 '*no-such-user*' run_job --user no-such-user true
}

@test "a command sees neither pins nor state, and cannot change its cgroup" {
	is "$(run_job ls -A /sys/fs/bpf)" ''
	ends_with 1 run_job test -e /run/jobfence
	ends_with 1 run_job bash -c "echo \$\$ >$(<"$LAB/cgroups")/cgroup.procs"
	like "$ERRORS" '*ead-only file system*'
	ends_with 1 run_job mkdir "$(<"$LAB/cgroups")/mine"
	is "$(run_job cat /etc/resolv.conf)" 'nameserver 192.0.0.8'
}

@test "up prints what an executor needs" {
	job_up --domain allowed.test --label executor=e1 --label stage=two --rate 10mbps
	is "$(jq -r '[.job, .network, .domains[0], .labels.executor, .rate.bits_per_second,
		.proxy.address, .env.http_proxy, .env.https_proxy, .netns, .resolv_conf] | join(" ")' "$UP")" \
		"$JOB http allowed.test e1 80000000 192.0.0.8:80 http://192.0.0.8:80 http://192.0.0.8:80 \
/run/netns/jobfence-$JOB /run/jobfence/jobs/$JOB/resolv.conf"
	is "$(wc -l <"$UP")" 1
	like "$(up_says .rate.pacing)" '@(edt|proxy)'
	in_lab test -d "$(up_says .cgroup)"
	in_lab kill -0 "$(up_says .proxy.pid)"
	is "$(in_lab cat "$(up_says .resolv_conf)")" 'nameserver 192.0.0.8'
	jobfence down "$JOB"
	ends_with 0 jobfence up --job "$JOB"
	is "$OUTPUT$ERRORS" ''
}

@test "up that can't tell of its job leaves none" {
	local said

	for said in /dev/full 'a pipe that nobody reads'; do
		if [ "$said" = /dev/full ]; then
			in_lab "$JOBFENCE" up --job "$JOB" --domain allowed.test --json >/dev/full 2>"$BATS_TEST_TMPDIR/errors" && return 1
		else
			in_lab python3 "$LIB/closed_pipe.py" "$JOBFENCE" up --job "$JOB" --domain allowed.test --json 2>"$BATS_TEST_TMPDIR/errors" && return 1
		fi
		like "$(<"$BATS_TEST_TMPDIR/errors")" "jobfence: job $JOB is taken down again*" || return
		is "$(jobfence list)" '' || return
		nothing_is_left
	done
}

@test "list and show tell of jobs, for people and as JSON" {
	jobfence up --job a --domain allowed.test --label team=red
	jobfence up --job b --label team=blue
	is "$(jobfence list --json | jq -r '[.[].job] | sort | join(" ")')" 'a b'
	is "$(jobfence list --json --label team=red | jq -r '.[].job')" a
	is "$(jobfence list --json --label team=green)" '[]'
	like "$(jobfence list)" '*a *http *allowed.test*team=red*'
	jobfence exec a -- curl -sS -o /dev/null http://allowed.test/ http://denied.test/
	is "$(jobfence show a --json | jq -c '[.job, .hits, (.refusals[] | [.reason, .name, .count])]')" \
		'["a",{"allowed.test":1},["domain","denied.test",1]]'
	like "$(jobfence show a)" '*domains:*allowed.test *1 request*denied.test*'
	is "$(jobfence show b --json | jq -c '[.network, .proxy]')" '["none",null]'
	like "$(jobfence show b)" $'*\nstarted    20*Z\nnetwork    none\nlabels     team=blue\n*'
	is "$(jobfence show b | grep 'redirected\|throttled\|refused\|^log')" ''
	like "$(jobfence show a)" $'*\nlog        /run/jobfence/jobs/a/requests.log\n*'
}

# Fails unless there is only printable ASCII, some words of plain text, and line ends in the
# arguments.
is_tame()
{
	! LC_ALL=C grep -qP '[^\x20-\x7e]' <<<"$*" || lab_fail "it has: $(cat -v <<<"$*")"
}

@test "words of others bring no command to a terminal, wherever they are printed" {
	local evil=$'\e]0;owned\a\e[2K\r\xc2\x9b2J\xe2\x80\xae\xe2\x81\xa6' taken words
	local label=$'a\xc2\x9b2J\xe2\x80\xae\xe2\x81\xa6'

	job_up --label "k$label=$label"
	is_tame "$(<"$UP")" && is "$(up_says '.labels | to_entries[] | .key + "=" + .value')" "k$label=$label"
	is_tame "$(jobfence list)" "$(jobfence list --json)" "$(jobfence show "$JOB")" "$(jobfence show "$JOB" --json)"
	like "$(jobfence list)" '*ka?2J??=a?2J??*'
	jq -n --arg key "$evil" '{($key): 1}' >"$BATS_TEST_TMPDIR/spec.json"
	fails_with 2 '*is none of:*' jobfence up --job other --spec "$BATS_TEST_TMPDIR/spec.json"
	is_tame "$ERRORS"
	jq -n --arg key "io.jobfence.$evil" '{id: "c1", pid: 1, annotations: {($key): "x"}}' >"$BATS_TEST_TMPDIR/state.json"
	for taken in '' --annotations; do
		ends_with 2 jobfence oci-hook $taken createRuntime <"$BATS_TEST_TMPDIR/state.json"
		like "$ERRORS" '*annotation*]0;owned*' && is_tame "$ERRORS"
	done
	for words in "$evil" "show $evil" "down $evil" "up --job $evil" "up --job other --domain $evil" "up --job other --rate $evil" \
		"up --$evil" "exec $evil true" "run --user $evil true" "policy check --spec $evil" "policy check --config $evil" $'\x9b2J'; do
		# shellcheck disable=SC2086 # a list of words
		in_lab "$JOBFENCE" $words >"$BATS_TEST_TMPDIR/said" 2>&1 && lab_fail "done: $words"
		is_tame "$(<"$BATS_TEST_TMPDIR/said")"
	done
}

@test "down takes jobs by name, by label, or all" {
	for job in a b c d; do
		jobfence up --job $job --label "kind=${job/[ab]/ab}"
	done
	jobfence down c
	jobfence down --label kind=ab
	is "$(jobfence list --json | jq -r '.[].job')" d
	ends_with 4 jobfence down c d
	nothing_is_left
	ends_with 0 jobfence down --all
}

@test "a spec says the same as options" {
	local spec='{"job":"'$JOB'","network":{"type":"http","domains":["allowed.test"]},"rate":"2mbit","labels":{"executor":"e1"}}'

	jobfence up --spec - --json <<<"$spec" >"$UP"
	is "$(up_says '[.job, .network, .domains[], .rate.bits_per_second, .labels.executor] | join(" ")')" \
		"$JOB http allowed.test 2000000 e1"
	jobfence down "$JOB"
	echo "$spec" >"$BATS_TEST_TMPDIR/spec"
	jobfence up --spec "$BATS_TEST_TMPDIR/spec" --json >"$UP.file"
	is "$(jq 'del(.proxy.pid, .started, .started_at)' "$UP.file")" "$(jq 'del(.proxy.pid, .started, .started_at)' "$UP")"
}

@test "a spec that is wrong is status 2" {
	local spec

	for spec in '' '{' '[]' '"a"' '{"job":5}' '{"job":"a","job":"b"}' '{"jobs":"a"}' '{"job":"a","rate":1}' \
		'{"job":"a","network":"http"}' '{"job":"a","network":{"kind":"http"}}' '{"job":"a\u0000b"}' \
		'{"job":"a","network":{"type":"http","domains":"allowed.test"}}' '{"job":"a"} {"job":"b"}' \
		'{"job":"a","network":{"type":"none","domains":["allowed.test"]}}' \
		'{"job":"a","network":{"domains":["allowed.test\u0000.denied.test"]}}' \
		'{"job":"a","labels":["b"]}' '{"job":"a","labels":{"b":5}}' '{"job":"../a"}'; do
		fails_with 2 '?*' jobfence up --spec - <<<"$spec" || lab_fail "spec: $spec"
	done
	fails_with 1 '*/no/such/file*' jobfence up --spec /no/such/file
}

@test "domains are canonical and as few as say the same" {
	is "$(declared ALLOWED.Test. ' allowed.test ')" allowed.test
	is "$(declared y.foo.com .foo.com x.foo.com)" .foo.com
	is "$(declared foo.com '*.foo.com' a.foo.com)" '.foo.com'
	is "$(declared 'bücher.example')" xn--bcher-kva.example
	is "$(declared 11.0.0.2 2600:0001::0002)" '11.0.0.2 2600:1::2'
	printf '# mirrors\nallowed.test  # this one\n\n\tother.test\r\n' >"$BATS_TEST_TMPDIR/domains"
	job_up --domain-file "$BATS_TEST_TMPDIR/domains"
	is "$(up_says '.domains | sort | join(" ")')" 'allowed.test other.test'
}

# Runs jobfence where the library $1 can't be loaded.
without_library()
{
	local library

	library=$(ldconfig -p | awk -v name="$1" '$1 == name { print $NF; exit }')
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab unshare --mount sh -c 'mount --bind /dev/null "$0" && exec "$@"' "$library" "$JOBFENCE" "$@"
}

@test "without their libraries, names beyond ASCII and wildcards are refused" {
	fails_with 2 "*'bücher.example'*needs the library libidn2.so.0*" \
		without_library libidn2.so.0 up --job "$JOB" --domain bücher.example
	fails_with 2 '*public suffix*' without_library libpsl.so.5 up --job "$JOB" --domain .allowed.test
	ends_with 0 without_library libidn2.so.0 up --job "$JOB" --domain allowed.test
	jobfence down "$JOB"
}

@test "domains that are none are status 2" {
	local domain

	for domain in '' ' ' . .. '*' '*.' 'a b' $'allowed.test\ndenied.test' 'allowed.test;' 'allowed.test#' \
		http://allowed.test allowed.test/ allowed.test:80 user@allowed.test 11.0.0.0/8 11.0.0.256 \
		011.0.0.2 '[2600:1::2]' 2600:1::/32 'a.*.test' 'a*.test' '-a.test' 'a..test' allowed%2etest \
		.com '*.co.uk' .github.io "$(printf '%064d' 7).test" $'allowed.test\x01'; do
		fails_with 2 '*' jobfence up --job "$JOB" --domain "$domain" || lab_fail "domain: $domain"
	done
	nothing_is_left
}

@test "values that make no sense are status 2" {
	wrong '--network http --network' '--network web' '--network none --domain allowed.test' \
		'--network full --domain allowed.test' '--rate fast' '--rate -1mbit' '--rate 1' '--rate 1pbit' \
		'--label =a' '--header Host' '--header a:b' '--header content-length' '--pacing slow' \
		'--allow-address 10.0.0.1/8' '--allow-address allowed.test' '--cgroup /tmp' '--netns /etc/passwd' \
		'--pid x' '--pid 1 --netns /proc/1/ns/net' "--job $(printf %064d 7)" '--job .a' '--job a/b' '--job ..'
}

@test "an empty list of domains is no network" {
	job_up --network http
	is "$(up_says .network)" none
	ends_with 7 fetch http://11.0.0.2/
	lab_saw_nothing
}

@test "events tell what was refused" {
	job_up --domain allowed.test
	in_job bash -c ': >/dev/tcp/11.0.0.2/22' || true
	like "$(jobfence events --json | jq -c --arg job "$JOB" 'select(.job == $job)' | tail -n 1)" '*"port"*11.0.0.2*22*'
}

@test "names that a job makes up hide no other name, and its events not those of another job" {
	job_up --domain allowed.test
	in_job bash -c 'seq -f "url = http://n%g.denied.test/" 400 | curl -sS --parallel -K - >/dev/null 2>&1'
	in_job curl -sS -o /dev/null http://evil.test/
	is "$(jobfence show "$JOB" --json | jq -c '.refusals | [(length <= 256), (map(.count) | add),
		any(.[]; .name == "evil.test"), any(.[]; .name == "other names" and .count > 100)]')" '[true,401,true,true]'
	like "$(jobfence show "$JOB")" '*domain *other names*'
	# More than the share of a job, and in more than a second.
	in_job_directly python3 "$LIB/many_refusals.py" >/dev/null
	jobfence show "$JOB" --json | jq -e '.events_lost > 500' >/dev/null
	jobfence up --job quiet
	ends_with 1 jobfence exec quiet -- bash -c ': >/dev/tcp/11.0.0.2/25'
	is "$(jobfence events quiet --json | jq -c 'select(.kind == "refusal") | [.job, .port]')" '["quiet",25]'
	jobfence down quiet
}

@test "events end where nobody takes them, and take nothing from the next reader" {
	job_up
	# shellcheck disable=SC2016 # expanded by the inner shells
	ends_with 1 in_job_directly bash -c 'for port in 21 22 23; do : >/dev/tcp/11.0.0.2/$port; done'
	# shellcheck disable=SC2016 # as above
	ends_with 1 in_lab bash -c 'exec "$1" events >/dev/full' sh "$JOBFENCE"
	is "$ERRORS" 'jobfence: cannot write the events: No space left on device'
	ends_with 1 in_lab python3 "$LIB/closed_pipe_no_signal.py" "$JOBFENCE" events --follow
	is "$ERRORS" 'jobfence: cannot write the events: Broken pipe'
	is "$(jobfence events "$JOB" --json | jq -c 'select(.kind == "refusal").port')" $'21\n22\n23'
}

# The fields that docs/json.md names in the section $1, one a line.
documented()
{
	sed -n "/^## $1\$/,/^## /s/^| \`\([a-z_]*\)\`.*/\1/p" "${BATS_TEST_DIRNAME}/../docs/json.md"
}

# Fails unless the fields of the object in the file $2 have the types that the section $1
# names.
has_types()
{
	sed -n "/^## $1\$/,/^## /s/^| \`\([a-z_]*\)\` | \([^|]*\) |.*/\1\t\2/p" "${BATS_TEST_DIRNAME}/../docs/json.md" |
		jq -nR --argjson object "$(<"$2")" '
			inputs / "\t" | .[0] as $field | (.[1] | split(" or ") | map(sub(" of .*"; ""))) as $types |
			($object[$field] | type) as $type |
			if any($types[]; . == $type) then empty else "\($field) is \($type)" end' >"$2.wrong"
	is "$(<"$2.wrong")" ''
}

@test "JSON has the fields that its page names, and no others" {
	local section

	job_up --domain allowed.test
	ends_with 1 in_job bash -c 'echo >/dev/udp/11.0.0.2/444'
	jq . "$UP" >"$BATS_TEST_TMPDIR/A job"
	jobfence list --json | jq '.[]' >"$BATS_TEST_TMPDIR/list"
	jobfence show "$JOB" --json >"$BATS_TEST_TMPDIR/show"
	jq '.statistics + .statistics.dns' "$BATS_TEST_TMPDIR/show" >"$BATS_TEST_TMPDIR/Statistics"
	jobfence events "$JOB" --json | jq -c 'select(.kind != "lost")' | head -n 1 >"$BATS_TEST_TMPDIR/events"
	jobfence gc --json >"$BATS_TEST_TMPDIR/gc"
	jobfence preset show rust --json >"$BATS_TEST_TMPDIR/preset"
	jobfence upgrade "$JOB" --json >"$BATS_TEST_TMPDIR/upgrade"
	jobfence down "$JOB" --json >"$BATS_TEST_TMPDIR/down"
	jobfence run --report "$BATS_TEST_TMPDIR/The final report" -- true
	for section in 'A job' list show Statistics events preset gc upgrade down 'The final report'; do
		is "$(jq -r 'keys[]' "$BATS_TEST_TMPDIR/$section" | sort)" \
			"$({
				documented "$section"
				[[ $section != @(list|show|The final report) ]] || documented 'A job'
				[[ $section != 'The final report' ]] || documented show
			} | sort)"
		has_types "$section" "$BATS_TEST_TMPDIR/$section"
	done
	is "$(documented show | wc -l)" 14
}
