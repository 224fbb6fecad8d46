#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Where a job may live: a cgroup that others made gets one fence at most, and none that
# would hold the node. And what is kept of it is in folders of nobody else.

load lib/job

site=http://allowed.test

# Makes a cgroup as an executor would, $THEIRS.
make_cgroup()
{
	THEIRS=$(<"$LAB/cgroups")/${1:-theirs}
	in_lab mkdir -p "$THEIRS"
}

# Runs a command in the cgroup $1.
enter()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' enter "$@"
}

# Fails unless `up` with the cgroup $2 ends with the status $1 and an error like $3, and
# attaches nothing on its way.
refuses()
{
	local calls=$BATS_TEST_TMPDIR/calls

	ends_with "$1" in_lab "${STRACE[@]}" -f -e trace=bpf -o "$calls" \
		"$JOBFENCE" up --job second --network full --rate 0 --cgroup "$2"
	like "$ERRORS" "jobfence: *$3*" || return
	! grep -E 'BPF_(LINK_CREATE|PROG_ATTACH)' "$calls" || lab_fail "this was attached to $2"
	is "$(in_lab ls /run/jobfence/jobs)" "${4:-}"
}

programs_on()
{
	in_lab bpftool cgroup list "$1" | wc -l
}

@test "a second job gets neither the cgroup of a first nor one above or below it" {
	local outside inside

	make_cgroup theirs/inner/below
	outside=${THEIRS%/inner/below} inside=$THEIRS
	job_up --cgroup "$outside/inner" --netns /proc/self/ns/net --domain allowed.test
	for place in "$outside" "$outside/inner" "$inside"; do
		refuses 1 "$place" "that of job $JOB*" "$JOB"
	done
	is "$(enter "$inside" curl -sS $site)" 'this is allowed.test'
	is "$(enter "$inside" "$LIB/sockets.py" 'sendto 11.0.0.2 9')" 'sendto 11.0.0.2 9: EPERM'
	jobfence down "$JOB"
	jobfence up --job second --network full --rate 0 --cgroup "$outside"
	jobfence down second
	in_lab rmdir "$inside" "$outside/inner" "$outside"
}

@test "a cgroup that is mounted elsewhere is what it is" {
	local outside mount=/srv/mount

	make_cgroup theirs/inner/below
	outside=${THEIRS%/inner/below}
	job_up --cgroup "$outside" --domain allowed.test
	in_lab mkdir -p $mount
	in_lab mount --bind "$THEIRS" $mount
	refuses 1 $mount "that of job $JOB*" "$JOB"
	in_lab umount $mount
	in_lab mount --bind "$(<"$LAB/cgroups")/jobfence/$JOB/proxy" $mount
	refuses 2 $mount "jobfence's own*" "$JOB"
	in_lab umount $mount
	# The job is above the root of a cgroup namespace. Nothing in there shows it.
	# shellcheck disable=SC2016 # expanded by the inner shell
	ends_with 1 in_lab bash -c 'echo $$ >"$1/inner/cgroup.procs" && exec unshare --cgroup --mount bash -c "
		umount $4 && mount -t cgroup2 none $4 && exec $2 up --job $3-other --cgroup $4/below"' there "$outside" \
		"$JOBFENCE" "$JOB" "$(<"$LAB/cgroups")"
	like "$ERRORS" 'jobfence: cgroup *is in the fence of a job already*'
	jobfence down "$JOB"
	in_lab rmdir "$THEIRS" "$outside/inner" "$outside"
}

@test "of many jobs at once for one cgroup one comes up" {
	local pids=() pid i up=0

	make_cgroup
	for ((i = 0; i < 8; i++)); do
		jobfence up --job "$JOB-$i" --network full --rate 0 --cgroup "$THEIRS" 2>/dev/null 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		! wait "$pid" || up=$((up + 1))
	done
	is "$up $(jobfence list --json | jq -c 'map(.state)')" '1 ["up"]'
	jobfence down --all
	in_lab rmdir "$THEIRS"
}

@test "the root of the cgroups is no place for a job, nor are jobfence's own cgroups" {
	local cgroups

	cgroups=$(<"$LAB/cgroups")
	refuses 2 "$cgroups" 'is the root of the cgroups*'
	is "$(programs_on "$cgroups")" 0
	job_up
	refuses 2 "$(up_says .cgroup)" "jobfence's own*" "$JOB"
	refuses 2 "$cgroups/jobfence" "jobfence's own*" "$JOB"
}

@test "a cgroup that holds the caller is no place for a job" {
	make_cgroup theirs/inner
	for place in "$THEIRS" "${THEIRS%/inner}"; do
		ends_with 1 enter "$THEIRS" "$JOBFENCE" up --job "$JOB" --cgroup "$place"
		like "$ERRORS" 'jobfence: *holds the process that calls*'
		nothing_is_left
	done
	is "$(enter "$THEIRS" "$LIB/sockets.py" 'sendto 11.0.0.2 9')" 'sendto 11.0.0.2 9: ok'
	in_lab rmdir "$THEIRS" "${THEIRS%/inner}"
}

@test "a fence that holds its caller is taken off by down and by gc" {
	local record

	make_cgroup
	job_up --cgroup "$THEIRS"
	is "$(enter "$THEIRS" "$LIB/sockets.py" 'sendto 11.0.0.2 9')" 'sendto 11.0.0.2 9: EPERM'
	enter "$THEIRS" "$JOBFENCE" down "$JOB"
	nothing_is_left
	for record in "rm /run/jobfence/jobs/$JOB/spec.json" 'rm -r /run/jobfence'; do
		job_up --cgroup "$THEIRS"
		# shellcheck disable=SC2086 # words
		in_lab $record
		is "$(enter "$THEIRS" "$JOBFENCE" gc)" "removed $JOB"
		nothing_is_left
	done
	is "$(enter "$THEIRS" "$LIB/sockets.py" 'sendto 11.0.0.2 9')" 'sendto 11.0.0.2 9: ok'
	in_lab rmdir "$THEIRS"
}

# docs/install.md, "Emergency exit".
@test "a fence comes off by hand, and gc removes the rest" {
	make_cgroup
	job_up --cgroup "$THEIRS"
	in_lab rm -r "/sys/fs/bpf/jobfence/jobs/$JOB/links"
	is "$(programs_on "$THEIRS")" 0
	enter "$THEIRS" sleep infinity 3>&- &
	eventually in_lab grep -q . "$THEIRS/cgroup.procs"
	is "$(enter "$THEIRS" "$LIB/sockets.py" 'sendto 11.0.0.2 9')" 'sendto 11.0.0.2 9: ok'
	is "$(jobfence gc)" "removed $JOB"
	nothing_is_left
	# shellcheck disable=SC2046 # a number
	in_lab kill $(in_lab cat "$THEIRS/cgroup.procs")
	eventually in_lab grep -q 'populated 0' "$THEIRS/cgroup.events"
	in_lab rmdir "$THEIRS"
}

# Starts a "container", whose first process is $PID, in the cgroup $1.
start_container()
{
	in_lab unshare --net --pid --fork --kill-child sleep infinity 3>&- &
	STARTER=$!
	# shellcheck disable=SC2016 # expanded by the inner shell
	eventually in_lab bash -c 'parent=$(pgrep -f "^unshare --net --pid") && pgrep -P "$parent"' >"$BATS_TEST_TMPDIR/pid"
	PID=$(<"$BATS_TEST_TMPDIR/pid")
	in_lab tee "$1/cgroup.procs" <<<"$PID" >/dev/null
}

stop_container()
{
	in_lab kill -KILL "$PID"
	wait "$STARTER" || :
}

# Calls the hook of that stage for the container, by a command that words $2… may begin.
hook()
{
	"${@:2}" "$JOBFENCE" oci-hook "$1" <<<'{"ociVersion": "1.0.2", "id": "'"$JOB"'", "status": "creating", "pid": '"$PID"'}'
}

@test "a container without a cgroup of its own does not start, and its executor is not fenced" {
	make_cgroup theirs/inner
	start_container "${THEIRS%/inner}"
	for place in "$THEIRS" "${THEIRS%/inner}"; do
		ends_with 1 hook createRuntime enter "$place"
		like "$ERRORS" 'jobfence: *holds the process that calls*'
		is "$(enter "$place" "$LIB/sockets.py" 'sendto 11.0.0.2 9')" 'sendto 11.0.0.2 9: ok'
		hook poststop enter "$place"
		nothing_is_left
	done
	stop_container
	in_lab rmdir "$THEIRS" "${THEIRS%/inner}"
}

@test "a container in a cgroup with processes of others does not start" {
	local other

	make_cgroup theirs/inner
	start_container "${THEIRS%/inner}"
	enter "$THEIRS" sleep infinity 3>&- &
	eventually in_lab grep -q . "$THEIRS/cgroup.procs"
	other=$(in_lab cat "$THEIRS/cgroup.procs")
	ends_with 1 hook createRuntime in_lab
	like "$ERRORS" "jobfence: *holds process $other as well*"
	nothing_is_left
	in_lab kill "$other"
	eventually in_lab grep -q 'populated 0' "$THEIRS/cgroup.events"
	hook createRuntime in_lab
	is "$(jobfence list --json | jq -r '.[].job')" "$JOB"
	stop_container
	hook poststop in_lab
	nothing_is_left
	in_lab rmdir "$THEIRS" "${THEIRS%/inner}"
}

@test "a container with threads in the PID namespace of the node starts" {
	make_cgroup
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$1/cgroup.procs" && exec unshare --net "$2"' \
		container "$THEIRS" "$LIB/threads.py" >"$BATS_TEST_TMPDIR/ready" 3>&- &
	await "$BATS_TEST_TMPDIR/ready" ready
	PID=$(in_lab cat "$THEIRS/cgroup.procs")
	hook createRuntime in_lab
	in_lab kill -KILL "$PID"
	eventually in_lab grep -q 'populated 0' "$THEIRS/cgroup.events"
	hook poststop in_lab
	in_lab rmdir "$THEIRS"
}

@test "a process that has no number in the PID namespace of the hook is none of the container" {
	make_cgroup
	enter "$THEIRS" sleep infinity 3>&- &
	eventually in_lab grep -q . "$THEIRS/cgroup.procs"
	ends_with 1 in_lab timeout 60 unshare --pid --fork --mount-proc \
		"$LIB/hook-below" "$THEIRS" "$JOBFENCE" "$JOB" 3>&-
	like "$ERRORS" "jobfence: cgroup $THEIRS holds process 0 as well*"
	in_lab kill "$(in_lab cat "$THEIRS/cgroup.procs")"
	eventually in_lab grep -q 'populated 0' "$THEIRS/cgroup.events"
	in_lab rmdir "$THEIRS"
}

# Fails unless `up`, or the verb $2…, refuses to go on, with an error like $1.
is_not_trusted()
{
	[ $# -gt 1 ] || set -- "$1" up --job "$JOB"
	ends_with 1 jobfence "${@:2}"
	like "$ERRORS" "jobfence: $1"
}

@test "a folder that somebody else made first, or may write to, is refused" {
	local folder verb nobody=(setpriv --clear-groups --regid 65534 --reuid 65534)

	in_lab umount /sys/fs/bpf
	in_lab mount -t bpf bpf /sys/fs/bpf
	is "$(in_lab stat -c %a /sys/fs/bpf)" 1777
	in_lab "${nobody[@]}" mkdir /sys/fs/bpf/jobfence
	for verb in "up --job $JOB" "down $JOB" gc; do
		# shellcheck disable=SC2086 # words
		is_not_trusted '/sys/fs/bpf/jobfence belongs to the user with the number 65534*' $verb
	done
	in_lab rmdir /sys/fs/bpf/jobfence
	in_lab chmod 777 /sys/fs/bpf
	is_not_trusted 'others than root may write to /sys/fs/bpf,*chmod*'
	in_lab chmod 1777 /sys/fs/bpf
	job_up
	jobfence down "$JOB"
	for folder in /sys/fs/bpf/jobfence{/jobs,} /run/jobfence{/jobs,} /run/netns "$(<"$LAB/cgroups")/jobfence"; do
		in_lab chown nobody "$folder"
		is_not_trusted "$folder belongs to the user*"
		in_lab chown root "$folder"
		in_lab chmod o+w "$folder"
		is_not_trusted "others than root may write to $folder,*chmod*"
		in_lab chmod o-w "$folder"
	done
	job_up
}

@test "without systemd as the first process there is no slice, and nothing is left" {
	ends_with 1 jobfence up --job "$JOB" --slice
	like "$ERRORS" 'jobfence: --slice needs systemd as the first process of the node*'
	ends_with 125 jobfence run --spec - -- true <<<'{"slice": true}'
	like "$ERRORS" '*slice*jobfence up*'
	ends_with 2 jobfence up --job "$JOB" --spec - <<<'{"slice": "yes"}'
}
