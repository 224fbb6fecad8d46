# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Containers in a lab: its only cgroups are those of version 2, at /sys/fs/cgroup, as
# engines need them, and $ROOT is a root file system of busybox.

# shellcheck source=tests/lib/job.bash
. "${BASH_SOURCE[0]%/*}/job.bash"

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
	local folder=$BATS_FILE_TMPDIR/containerd

	mkdir "$folder"
	cat >"$folder/config.toml" <<-END
		version = 2
		root = "$folder/root"
		state = "/run/containerd"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
	END
	in_lab containerd --config "$folder/config.toml" >"$folder/log" 2>&1 3>&- &
	await "$folder/log" 'containerd successfully booted' || { cat "$folder/log" && false; }
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

# Makes the folder of hooks, as `make install` does, and prints it.
hooks()
{
	local folder=$BATS_FILE_TMPDIR/hooks

	[ -d "$folder" ] || { cp -r "$LIB/../../share/jobfence/oci-hooks.d" "$folder" &&
		sed "s|@PREFIX@/bin|${JOBFENCE%/*}|" -i -- "$folder"/*.json; } || return
	echo "$folder"
}
