# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A lab: a node of its own for a file of tests, with a small Internet, in its own
# namespaces. Only one cgroup of the machine is changed. All processes of a lab end with
# it. The lab's `/run`, `/sys/fs/bpf` and cgroups are empty at first.
#
#	node		11.0.0.1, 2600:1::1, with a web server that no job may reach
#	web server	every other address, ports 80 and 443, every name below .test
#			(internet.py). *.test have the addresses 11.0.0.2 and 2600:1::2.
#	resolver	11.0.0.53, 2600:1::53; lab_name gives names other addresses
#	unreachable	11.0.9.0/24
#	silent		11.0.8.0/24

LIB=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LAB_HOSTS=() # whole names that a file wants in the certificate as well
LAB_NAMES=(allowed denied other git www.allowed sub.www.allowed '*.wild')

lab_fail()
{
	echo "$*" >&2
	return 1
}

# Whether the program under test has AddressSanitizer built in.
is_sanitized()
{
	grep -q __asan_init "${JOBFENCE%/*}/jobfence-proxy"
}

# Skips a test of 32-bit programs if the kernel can't run them. Some virtual machines end a
# process at such a call.
needs_calls32()
{
	local said status=0

	[ "$(uname -m)" = x86_64 ] || skip 'these calls are of x86'
	said=$("$LIB/sockets.py" 'socket32 UNIX STREAM 0' 2>&1) || status=$?
	[ "$said" = 'socket32 UNIX STREAM 0: ok' ] ||
		skip "this machine makes no 32-bit system calls: status $status${said:+, $said}"
}

# Makes an authority that only the lab trusts, and a certificate for the names that have
# TLS.
lab_make_certificate()
{
	local names

	printf -v names 'DNS:%s.test,' "${LAB_NAMES[@]}"
	[ ${#LAB_HOSTS[@]} -eq 0 ] || names+=$(printf 'DNS:%s,' "${LAB_HOSTS[@]}")
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-subj '/CN=authority of a lab' -addext keyUsage=critical,keyCertSign \
		-keyout "$LAB/authority.key" -out "$LAB/authority.pem" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
			-subj '/CN=web server of a lab' -CA "$LAB/authority.pem" -CAkey "$LAB/authority.key" \
			-addext "subjectAltName=${names}IP:11.0.0.2,IP:2600:1::2" \
			-addext basicConstraints=critical,CA:FALSE \
			-keyout "$LAB/server.key" -out "$LAB/server.pem" &&
		cat "$LAB/server.key" >>"$LAB/server.pem"
}

# Makes a lab in the folder $1, which exists and is empty. Sets LAB and the variables by
# which programs trust the lab's certificate. If $2 is `machine`, the lab's node is this
# machine.
lab_up()
{
	export LAB=$1 LAB_CGROUP LAB_PROCESS
	local cgroups answer own=()

	cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	# A lab in another PID namespace may have the same number.
	LAB_CGROUP=$cgroups/lab-$$-$SRANDOM
	lab_make_certificate >"$LAB/output" 2>&1 || lab_fail "no certificate: $(<"$LAB/output")" || return
	printf '%s\n' "$cgroups" >"$LAB/cgroups"
	: >"$LAB/zone"
	: >"$LAB/internet"
	mkfifo "$LAB/ready" "$LAB/stop" && mkdir "$LAB_CGROUP" || return
	(
		echo "$BASHPID" >"$LAB_CGROUP/cgroup.procs"
		[ "${2:-}" = machine ] || own=(unshare --mount --net --ipc --uts --pid --cgroup --fork --kill-child)
		exec "${own[@]}" "$LIB/lab-init" "$LAB"
	) </dev/null >"$LAB/output" 2>&1 3>&- &
	LAB_PROCESS=$!
	read -r -t 300 answer <>"$LAB/ready" || true
	[ "$answer" = ready ] || lab_fail "the lab does not start: $(<"$LAB/output")" || return
	# A cgroup with a process can't enable controllers for its children.
	echo "$LAB_PROCESS" >"$LAB_CGROUP/node/cgroup.procs" || return

	unset "${!http_@}" "${!https_@}" "${!HTTP_@}" "${!HTTPS_@}" "${!no_proxy@}" "${!NO_PROXY@}"
	export SSL_CERT_FILE=$LAB/authority.pem CURL_CA_BUNDLE=$LAB/authority.pem
	export REQUESTS_CA_BUNDLE=$LAB/authority.pem GIT_SSL_CAINFO=$LAB/authority.pem
	export NODE_EXTRA_CA_CERTS=$LAB/authority.pem
	unset SSL_CERT_DIR
}

# Ends everything that runs in the lab.
lab_down()
{
	[ -n "${LAB_CGROUP:-}" ] && [ -d "$LAB_CGROUP" ] || return 0
	kill -0 "$LAB_PROCESS" 2>/dev/null && echo stop 1<>"$LAB/stop" >"$LAB/stop"
	tail --pid="$LAB_PROCESS" -s 0.02 -f /dev/null # it may be no child of this shell
	eventually remove_lab_cgroup
}

# Succeeds once no process is left, also none that only waits for its end.
remove_lab_cgroup()
{
	find "$LAB_CGROUP" -depth -type d -exec rmdir {} + 2>"$LAB/rmdir" || ! [ -e "$LAB_CGROUP" ]
}

# Runs a command on the lab's node, or in the namespaces of the lab's process $LAB_SYSTEM.
# Descriptor 3 is closed: bats waits for all that have it, also for what outlives the
# command.
in_lab()
{
	local process=${LAB_SYSTEM:-$LAB_PROCESS}

	(
		echo "$BASHPID" >"$LAB_CGROUP/node/cgroup.procs"
		exec nsenter --mount="/proc/$process/ns/mnt" --net="/proc/$process/ns/net" \
			--ipc="/proc/$process/ns/ipc" --uts="/proc/$process/ns/uts" \
			--cgroup="/proc/$process/ns/cgroup" \
			--pid="/proc/$process/ns/pid_for_children" \
			--root="/proc/$process/root" --wdns="$PWD" "$@" 3>&-
	)
}

# Runs a command at the other end of the node's cable.
in_internet()
{
	in_lab nsenter --net="/proc/$(<"$LAB/internet.pid")/ns/net" "$@"
}

# Gives the name $1 the addresses $2…, or none. A word ttl=SECONDS lets that be remembered.
lab_name()
{
	echo "$*" >>"$LAB/zone"
}

# Clears the logs of the Internet and of the node.
lab_forget()
{
	lab_settle
	LAB_MARK=$(wc -l <"$LAB/internet")
	LAB_NODE_MARK=$(wc -l <"$LAB/node")
}

# Waits until every earlier packet is in the log. A datagram that is sent last marks the
# end.
lab_settle()
{
	local text="$BASHPID-$RANDOM-$EPOCHREALTIME"

	in_lab bash -c "printf %s '$text' >/dev/udp/11.0.0.2/9"
	await "$LAB/internet" "$text"
}

# Waits until a line of the file $1 matches $2.
await()
{
	: >>"$1" # who is to write to it in the background may not have begun
	# In a shell of its own, so that $! stays the caller's.
	(grep -q -m 1 -- "$2" < <(timeout 120 tail -n +1 -f "$1")) || lab_fail "$1 never says: $2"
}

# Repeats a command until it succeeds, after pauses of 20 ms at first and of a third of a
# second later. Fails after two minutes, which only a fault takes.
eventually()
{
	local end=$((SECONDS + 120)) pause=2

	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || lab_fail "this never succeeds: $*" || return
		# Leaves the processor to what it waits for, and $! to the caller.
		(read -rt "$(printf '0.%02d' $pause)" <> <(:)) || :
		[ $pause -gt 16 ] || pause=$((pause * 2))
	done
}

# Prints the events since lab_forget as JSON objects, one a line. jq's condition $1 selects
# them, and jq's expression $2 shows them (by default the whole object).
lab_seen()
{
	tail -n "+$((${LAB_MARK:-0} + 1))" "$LAB/internet" | jq -c "select($1) | ${2:-.}"
}

# Fails if the Internet or the node has seen anything since lab_forget. The end of an
# earlier connection is nothing: what a new one brings is seen before its end.
lab_saw_nothing()
{
	local seen

	lab_settle
	seen=$(lab_seen '.event | IN("marker", "error", "left") | not' && tail -n "+$((${LAB_NODE_MARK:-0} + 1))" "$LAB/node")
	[ -z "$seen" ] || lab_fail "this got out: $seen"
}
