#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# bats file_tags=vm
#
# Units of systemd behind jobfence@.service. systemd is the first process of the virtual
# machine, or of a PID namespace elsewhere.

load ../lib/systemd
load ../lib/pages

setup_file()
{
	mkdir "$BATS_FILE_TMPDIR/lab"
	{ lab_up "$BATS_FILE_TMPDIR/lab" ${JOBFENCE_MACHINE:+machine} && containers_up && systemd_up write_units; } ||
		{ lab_down && false; }
}

# Writes the units of the tests to the folder $1.
write_units()
{
	sed "s|@PREFIX@/bin|${JOBFENCE%/*}|; s|/etc/jobfence/jobs|/run/jobs|" "$LIB/../../share/jobfence/jobfence@.service" >"$1/jobfence@.service"
	write_bus "$1"
	mkdir "$ROOT/out"
	printf '%s\n' "$PROBE" >"$ROOT/probe"
	printf '%s\n' "$MEASURE" >"$ROOT/measure"
	echo 'nslookup allowed.test 192.0.0.8' >"$ROOT/names"
}

# Describes the job of this test to jobfence@.service, with the domain $1.
describe_job()
{
	in_system mkdir -p /run/jobs
	printf '{"network": {"type": "http", "domains": ["%s"]}}\n' "$1" | in_lab tee "/run/jobs/$JOB.json" >/dev/null
}

# shellcheck disable=SC2120 # `ends_with` gives it some
# Runs the probe, or the script $SCRIPT, as a unit with these properties, behind the fence
# if $fenced says so. Waits for its end and prints its output.
probe()
{
	local property properties=() status=0

	for property in Type=oneshot RootDirectory="$ROOT" StandardOutput=truncate:"$ROOT/out/$JOB" \
		SuccessExitStatus=1 "${fenced[@]}" "$@"; do
		properties+=(--property "$property")
	done
	: >"$ROOT/out/$JOB"
	in_system systemd-run --quiet --collect --unit "work-$JOB" "${properties[@]}" /bin/sh "/${SCRIPT:-probe}" ||
		status=$?
	cat "$ROOT/out/$JOB"
	return $status
}

# Starts a unit that lasts.
begin_first()
{
	in_system systemd-run --quiet --collect --unit "first-$JOB" "${fenced[@]/#/--property=}" sleep infinity
}

setup()
{
	lab_forget
	fence=(Requires="jobfence@$JOB.service" After="jobfence@$JOB.service")
	place=(Slice="jobfence-$JOB.slice" NetworkNamespacePath="/run/netns/jobfence-$JOB")
	fenced=("${fence[@]}" "${place[@]}")
}

teardown()
{
	systemctl stop "jobfence@$JOB.service" "jobfence-$JOB.slice"
	nothing_is_left
}

# Waits until the fence is gone. systemd ends it with the last unit that needs it, but
# notices the unit's end only later.
fence_is_gone()
{
	eventually in_lab test ! -e "/run/jobfence/jobs/$JOB" || lab_fail "$(systemctl status "jobfence@$JOB.service")" || return
	systemctl stop "jobfence-$JOB.slice"
	nothing_is_left
}

@test "a unit has the job's network, and takes the fence with it" {
	describe_job allowed.test
	is "$(probe)" "$FENCED"
	is "$(received x-jobfence-job-id)" "$JOB"
	fence_is_gone
}

@test "a unit's fence stands as long as any unit needs it" {
	describe_job allowed.test
	begin_first
	is "$(probe)" "$FENCED"
	like "$(SCRIPT=names probe)" '*allowed.test*192.0.0.8*'
	has_the_rate "$(SCRIPT=measure probe)"
	is "$(jobfence list --json | jq -r '.[].state')" up
	systemctl stop "first-$JOB"
	fence_is_gone
}

@test "the end of the fence ends its units first" {
	describe_job allowed.test
	begin_first
	systemctl stop "jobfence@$JOB.service"
	is "$(systemctl is-active "first-$JOB" || :)" inactive
	fence_is_gone
}

@test "in the namespace only, or in the slice with another namespace, a unit has no network" {
	describe_job allowed.test
	begin_first
	fenced=("${fence[@]}" "${place[0]}" PrivateNetwork=yes)
	like "$(probe)" "nc: can't connect to remote host (11.0.0.2): *"
	fenced=("${fence[@]}" "${place[1]}")
	like "$(probe)" "nc: can't connect to remote host (11.0.0.2): *"
	lab_saw_nothing
	systemctl stop "first-$JOB"
}

@test "a unit whose fence can't be built does not start" {
	ends_with 1 probe
	is "$OUTPUT" ''
	describe_job http://wrong/
	ends_with 1 probe
	is "$OUTPUT" ''
	describe_job allowed.test
	in_system mkdir -p /run/jobfence
	in_system mount -t tmpfs -o ro tmpfs /run/jobfence
	ends_with 1 probe
	in_system umount --lazy /run/jobfence
	is "$OUTPUT" ''
	lab_saw_nothing
}

@test "what systemd itself refuses a unit stays refused" {
	describe_job allowed.test
	# systemd's filter drops packets silently, so the unit waits until its timeout.
	ends_with 1 probe IPAddressDeny=any TimeoutStartSec=5
	is "$OUTPUT" ''
	lab_saw_nothing
	# The fence ends after its last unit, and can't start while it ends. So stop it
	# first.
	systemctl stop "jobfence@$JOB"
	is "$(probe)" "$FENCED"
}

# Starts the unit $1, in which `run` does the work of the shell script $2. More properties
# follow. Prints how systemd saw the unit end.
run_in_unit()
{
	: >"$ROOT/out/$JOB"
	# shellcheck disable=SC2016 # expanded by the unit's shell
	in_system systemd-run --quiet --collect --unit "$1" --property StandardOutput=append:"$ROOT/out/$JOB" --property SuccessExitStatus=7 \
		--property ExecStopPost='/bin/sh -c "echo $EXIT_CODE $EXIT_STATUS"' "${@:3}" \
		"$JOBFENCE" run --rate 0 --domain allowed.test -- sh -c "$2"
}

@test "run in a unit ends with its command's status, or with its unit, and leaves nothing" {
	run_in_unit "run-$JOB" 'curl -sS http://allowed.test/; exit 7' --property Type=oneshot
	is "$(<"$ROOT/out/$JOB")" $'this is allowed.test\nexited 7'
	nothing_is_left
	run_in_unit "run-$JOB" 'trap "echo ended; exit 7" TERM; echo begun; sleep 100 & wait' --property PrivateTmp=yes
	await "$ROOT/out/$JOB" begun
	systemctl stop "run-$JOB"
	is "$(<"$ROOT/out/$JOB")" $'begun\nended\nexited 7'
	eventually nothing_is_left
}

@test "the command of systemd.md" {
	pages_up
	systemctl start dbus.service # systemd-run --pipe asks by it
	JOB=j1 describe_job crates.io
	RUN_BY=in_system COMMAND=$ROOT/bin/fetch follow_page systemd.md none
}
