# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Helpers of the bats files: a lab for each file, a job for a test that needs one, and
# checks that print the actual value.

# shellcheck source=tests/lib/lab.bash
. "${BASH_SOURCE[0]%/*}/lab.bash"

# The job of a test, and the output of `up`.
JOB=t${BATS_TEST_NUMBER:-}
UP=${BATS_TEST_TMPDIR:-}/up.json
JOBFENCE=${JOBFENCE:-$(realpath "$LIB/../../build/jobfence")}

# Starts the lab of a file, and by each of the functions $@ what the file needs besides.
# shellcheck disable=SC2120 # other files give it some
lab_with()
{
	local part

	mkdir "$BATS_FILE_TMPDIR/lab"
	for part in "lab_up $BATS_FILE_TMPDIR/lab" "$@"; do
		# shellcheck disable=SC2086 # one may have an argument
		$part || { teardown_file && false; } || return
	done
}

setup_file()
{
	# shellcheck disable=SC2119 # a lab is all
	lab_with
}

teardown_file()
{
	lab_down
}

setup()
{
	lab_forget
}

teardown()
{
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	: >"$LAB/zone"
	nothing_is_left
}

jobfence()
{
	in_lab "$JOBFENCE" "$@"
}

# Makes the job of this test. The arguments are options of `jobfence up`.
job_up()
{
	jobfence up --job "$JOB" --json "$@" >"$UP"
}

# Prints a field of the output of `up`. The argument is an expression of jq.
up_says()
{
	jq -r "$1" "$UP"
}

# Fetches a URL in the background. Returns after the first byte.
begin_to_fetch()
{
	: >"$BATS_TEST_TMPDIR/moved"
	fetch "$1" >"$BATS_TEST_TMPDIR/moved" 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
	timeout 30 tail -c +1 -f "$BATS_TEST_TMPDIR/moved" | head -c 1 >/dev/null
}

# Traces a jobfence command. LeakSanitizer can't work under a tracer, so it is switched
# off.
# shellcheck disable=SC2034 # for those who load this
STRACE=(strace -qq -E ASAN_OPTIONS=detect_leaks=0)

# proxy_cgroup prints the cgroup of the job's proxy. Its second process is the worker.
proxy_cgroup()
{
	up_says '.cgroup | rtrimstr("/work") + "/proxy"'
}

proxy_processes()
{
	in_lab sort -n "$(proxy_cgroup)/cgroup.procs"
}

# Prints the port at which the job's proxy listens, or its stub with `dns4`. A socket of
# the job is not redirected by connecting to that port.
listener_port()
{
	# shellcheck disable=SC2016 # a variable of jq
	in_lab jq -r --arg of "${1:-proxy4}" '.state[$of] | split(" ")[1]' "/run/jobfence/jobs/$JOB/spec.json"
}

proxy_worker()
{
	proxy_processes | sed -n 2p
}

none_is_open()
{
	[ "$(jobfence show "$JOB" --json | jq .statistics.open.now)" = 0 ]
}

# Kills the proxy and waits for its end.
kill_proxy()
{
	local cgroup

	cgroup=$(proxy_cgroup)
	# shellcheck disable=SC2046 # numbers
	in_lab kill -KILL $(proxy_processes) || : # the worker ends with its supervisor
	eventually in_lab grep -q 'populated 0' "$cgroup/cgroup.events"
}

# Runs a command in the job, with the proxy variables and without them.
in_job()
{
	jobfence exec "$JOB" -- "$@"
}

in_job_directly()
{
	in_job env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY -u no_proxy "$@"
}

# Sends a request by curl, redirected to the proxy. The arguments are curl's.
fetch()
{
	in_job_directly curl -sS --max-time 60 "$@"
}

# Sends a request by curl through the proxy's own address.
fetch_by_proxy()
{
	fetch --proxy "http://$(up_says .proxy.address)" "$@"
}

# Sends the bytes $3 (with escapes as in printf's %b) to host $1, port $2 from the job.
# Prints the answer until the other side closes. printf(1) of bash would write each line by
# itself, and the site might answer the first ones.
converse()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_job_directly timeout 20 bash -c '
		exec 3<>"/dev/tcp/$1/$2" && printf %b "$3" | dd bs=1M iflag=fullblock status=none >&3 && exec cat <&3' converse "$@"
}

# Fails if any job has left something behind, and prints it.
nothing_is_left()
{
	local left

	left=$(in_lab "$LIB/leftovers")
	[ -z "$left" ] || lab_fail "this is left: $left"
}

# Fails unless the text $1 is $2.
is()
{
	[ "$1" = "$2" ] || lab_fail "expected: $2
but it is: $1"
}

# Fails unless the number $3 is from $1 to $2.
between()
{
	[[ $3 =~ ^[0-9]+$ ]] && (($3 >= $1 && $3 <= $2)) && return
	lab_fail "expected a number from $1 to $2, but it is: $3"
}

# Fails unless the text $1 matches the shell pattern $2 (*, ?, […]).
like()
{
	# shellcheck disable=SC2053 # a pattern
	[[ $1 = $2 ]] || lab_fail "expected something like: $2
but it is: $1"
}

# Fails unless the remaining arguments, run as a command, end with status $1. Keeps their
# output in $OUTPUT and $ERRORS.
ends_with()
{
	local wanted=$1 status=0

	shift
	OUTPUT=$("$@" 2>"$BATS_TEST_TMPDIR/errors") || status=$?
	ERRORS=$(<"$BATS_TEST_TMPDIR/errors")
	[ "$status" -eq "$wanted" ] || lab_fail "$* ended with $status, not $wanted, and said:
$OUTPUT
$ERRORS"
}

# Fails unless a request from the job to $2 is answered 403 for the reason $1. More
# arguments of curl may follow. The request goes to a fixed address, since DNS has none for
# a refused name.
refused_for()
{
	local reason=$1 url=$2 head there=(--connect-to ::11.0.0.2:)

	shift 2
	[[ "$*" != *--proxy* ]] || there=()
	head=$(fetch "${there[@]}" -o "$BATS_TEST_TMPDIR/body" -D - "$@" "$url") || return
	like "$head" "HTTP/1.1 403 Forbidden"$'\r\n'* &&
		like "${head,,}" '*'"x-jobfence-denied: $reason"$'\r\n'*
}

# Prints the headers named $1 of the last request that the web server saw. $1 is in lower
# case, and - and _ are the same.
received()
{
	lab_seen '.event == "request"' .headers | tail -n 1 |
		jq -r --arg name "$1" '.[] | select(.[0] | ascii_downcase | gsub("_"; "-") == $name) | .[1]'
}

# Prints how many requests the web server saw.
requests()
{
	lab_seen '.event == "request"' | wc -l
}
