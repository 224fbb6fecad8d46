# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Containers in a lab: its only cgroups are those of version 2, at /sys/fs/cgroup, as
# engines need them, and $ROOT is a root file system of busybox.

# shellcheck source=tests/lib/job.bash
. "${BASH_SOURCE[0]%/*}/job.bash"

CONTAINERD=$BATS_FILE_TMPDIR/containerd # its folder

setup_file()
{
	lab_with containers_up
}

containers_up()
{
	export ROOT=$BATS_FILE_TMPDIR/root RUNTIME=$BATS_FILE_TMPDIR/jobfence-runtime

	if [ "$(<"$LAB/cgroups")" != /sys/fs/cgroup ]; then
		in_lab umount --recursive /sys/fs/cgroup
		in_lab mount -t cgroup2 cgroup2 /sys/fs/cgroup
		echo /sys/fs/cgroup >"$LAB/cgroups"
	fi
	mkdir -p "$ROOT"/{bin,proc,sys,dev,etc,tmp,run}
	cp /bin/busybox "$ROOT/bin/busybox"
	in_lab chroot "$ROOT" /bin/busybox --install -s /bin
	ln -s "$JOBFENCE" "$RUNTIME"
}

# A containerd in the lab. Docker would give its own 15 s to start, which an emulated
# machine may need.
containerd_up()
{
	mkdir "$CONTAINERD"
	cat >"$CONTAINERD/config.toml" <<-END
		version = 2
		root = "$CONTAINERD/root"
		state = "/run/containerd"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
	END
	containerd_start
}

# Starts containerd, also again.
containerd_start()
{
	: >"$CONTAINERD/log"
	in_lab containerd --config "$CONTAINERD/config.toml" >"$CONTAINERD/log" 2>&1 3>&- &
	await "$CONTAINERD/log" 'containerd successfully booted' || { cat "$CONTAINERD/log" && false; }
}

# Kills the processes of the lab that are named $1, and waits until they are gone.
kill_all()
{
	# shellcheck disable=SC2016 # expanded in the lab
	in_lab bash -c 'kill -KILL $(pgrep -x "$1")' kill "$1" && eventually is_gone "$1"
}

is_gone()
{
	! in_lab pgrep --runstates D,R,S,T,t -x "$1" >/dev/null
}

# What a container runs to show its fence: requests by name to two sites, and one port that
# is no web's. Each is a line, of the answer or of the error. (The C library of a static
# busybox resolves no names.)
# shellcheck disable=SC2016,SC2034 # expanded in the container; for the tests
PROBE='
for site in allowed denied; do
	printf "GET / HTTP/1.0\r\nHost: $site.test\r\n\r\n" |
		nc 11.0.0.2 80 2>&1 | tr -d "\r" | grep -E "^(HTTP/|this is|nc:)"
done
nc 11.0.0.2 81 </dev/null 2>&1'
# shellcheck disable=SC2034 # for the tests
FENCED='HTTP/1.1 200 OK
this is allowed.test
HTTP/1.1 403 Forbidden
nc: can'"'"'t connect to remote host (11.0.0.2): Operation not permitted'

# What a container runs to show its rate: the bytes of an answer, and how long the machine
# was up before it and after it, in seconds.
# shellcheck disable=SC2016 # expanded in the container
MEASURE='
read -r begin _ </proc/uptime
printf "GET /bytes/125000 HTTP/1.0\r\nHost: allowed.test\r\n\r\n" | nc 11.0.0.2 80 | wc -c
read -r end _ </proc/uptime
echo "$begin $end"'

# Fails unless a job has the default rate, by what $MEASURE printed: 125,000 bytes at
# 1 Mbit/s are a second. A slow machine may take longer.
has_the_rate()
{
	awk -v RS= 'END { exit !($1 > 125000 && $3 - $2 > 0.7) }' <<<"$1" || lab_fail "the job fetched: $1"
}

# Fails unless containers have the network of this test's job, which may reach allowed.test.
# A command after the words $1 runs in a container that is there, as after `docker exec`.
# After the words $2 it runs in a new one.
has_the_jobs_network()
{
	# shellcheck disable=SC2086 # words
	{
		is "$($1 sh -c "$PROBE" || true)" "$FENCED" &&
			is "$(received x-jobfence-job-id)" "$JOB" &&
			is "$($2 sh -c "$PROBE" || true)" "$FENCED" &&
			like "$($1 nslookup allowed.test 192.0.0.8)" '*allowed.test*192.0.0.8*' &&
			has_the_rate "$($1 sh -c "$MEASURE")" &&
			is "$(jobfence list --json | jq -r '.[] | select(.network != "none").job')" "$JOB"
	}
}

# What a container runs to show its network once it is asked to, whoever still looks after
# it.
# shellcheck disable=SC2034 # for the tests
WAIT_AND_PROBE="mkfifo /making; mv /making /go; read x </go; { $PROBE; } >/said 2>&1; mv /said /out; exec sleep 1000"

# Asks the container with the first process $1, and prints what it shows.
sees_now()
{
	local root=/proc/$1/root

	eventually in_lab test -p "$root/go"
	# shellcheck disable=SC2016 # expanded in the lab
	in_lab bash -c 'echo >"$0/go"' "$root"
	eventually in_lab test -e "$root/out"
	in_lab cat "$root/out"
}

# Kills all processes with the names $2…, which look after a container of this test's job.
# Its first process is $1, and runs $WAIT_AND_PROBE. Fails unless it has the job's network
# without them, and ends with the job.
stays_fenced_without()
{
	local name

	for name in "${@:2}"; do
		kill_all "$name" || return
	done
	is "$(sees_now "$1")" "$FENCED" && jobfence down "$JOB" && nothing_is_left && ends_with 1 in_lab kill -0 "$1"
}

# Makes the folder of hooks, as `make install` does, and prints it.
hooks()
{
	local folder=$BATS_FILE_TMPDIR/hooks

	[ -d "$folder" ] || { cp -r "$LIB/../../share/jobfence/oci-hooks.d" "$folder" &&
		sed "s|@PREFIX@/bin|${JOBFENCE%/*}|" -i -- "$folder"/*.json; } || return
	echo "$folder"
}
