# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# systemd as the first process of the virtual machine, or of a PID namespace elsewhere.

# shellcheck source=tests/lib/container.bash
. "${BASH_SOURCE[0]%/*}/container.bash"

# Boots systemd, or takes the machine's. The function $1 writes units to the folder that
# it is given.
systemd_up()
{
	local units=/run/units

	if [ -z "${JOBFENCE_MACHINE:-}" ]; then
		units=$BATS_FILE_TMPDIR/units
		mkdir "$units"
	fi
	[ $# -eq 0 ] || "$@" "$units" || return
	if [ -z "${JOBFENCE_MACHINE:-}" ]; then
		boot_systemd "$units"
	else
		echo 1 >"$BATS_FILE_TMPDIR/pid"
		systemctl daemon-reload
		# A unit that failed in an earlier file is in the way of one of that name.
		systemctl reset-failed
	fi
}

# The same with the bus, by which runtimes ask systemd. crun does by the bus alone.
bus_up()
{
	systemd_up write_bus && systemctl start dbus.service
}

# Has everything that is run in the lab see the processes and mounts of the systemd that was
# booted, as on a machine where systemd is the first process.
enter_system()
{
	[ -z "${JOBFENCE_MACHINE:-}" ] || return 0
	LAB_SYSTEM=$(head -n 1 "$LAB_CGROUP/init.scope/cgroup.procs") || return
	export LAB_SYSTEM
	echo 1 >"$BATS_FILE_TMPDIR/pid"
}

write_bus()
{
	cp /lib/systemd/system/dbus.{service,socket} "$1"
}

# Boots systemd with only the units in the folder $1 and those few that all units depend
# on.
boot_systemd()
{
	local units=$1 name

	for name in sysinit basic shutdown; do
		printf '[Unit]\nDefaultDependencies=no\n' >"$units/$name.target"
	done
	in_lab mkdir -p /run/netns
	in_lab mount --bind /run/netns /run/netns
	in_lab mount --make-shared /run/netns
	# shellcheck disable=SC2016 # expanded in the lab
	in_lab bash -c '
		echo $$ >/sys/fs/cgroup/cgroup.procs
		exec env -i PATH="$PATH" container=lab SYSTEMD_UNIT_PATH="$1" \
			unshare --pid --fork --kill-child --mount --propagation unchanged --mount-proc \
			/lib/systemd/systemd --system --unit=basic.target' \
		systemd "$units" >"$BATS_FILE_TMPDIR/systemd.log" 2>&1 3>&- &
	eventually systemd_is_up || lab_fail "systemd does not boot: $(<"$BATS_FILE_TMPDIR/systemd.log")"
}

systemd_is_up()
{
	in_lab pgrep -x systemd >"$BATS_FILE_TMPDIR/pid" && [ "$(systemctl is-active basic.target 2>/dev/null)" = active ]
}

in_system()
{
	in_lab nsenter --target "$(<"$BATS_FILE_TMPDIR/pid")" --pid --mount --root "$@"
}

jobfence()
{
	in_system "$JOBFENCE" "$@"
}

systemctl()
{
	in_system systemctl --no-pager "$@"
}
