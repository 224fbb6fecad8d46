# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A job in a cgroup with limits, that attacks.

# shellcheck source=tests/lib/fence.bash
. "${BASH_SOURCE[0]%/*}/fence.bash"

PROCESSES_MAX=32
MEMORY_MAX=$((96 << 20))

# Gives the job's cgroup limits, and one share of the processors as others have; or its
# processes cgroups of version 1 with them, where that has the controllers. Sets LIMITS to
# those.
limits_up()
{
	local cgroups controller

	cgroups=$(<"$LAB/cgroups")
	LIMITS=()
	if in_lab grep -qw pids "$cgroups/cgroup.controllers"; then
		in_lab "$LIB/limit-job" "$cgroups" "$JOB" "$PROCESSES_MAX" "$MEMORY_MAX"
		return
	fi
	for controller in pids memory cpu; do
		mkdir "/sys/fs/cgroup/$controller/${LAB_CGROUP##*/}" || return
		LIMITS+=("/sys/fs/cgroup/$controller/${LAB_CGROUP##*/}")
	done
	echo "$PROCESSES_MAX" >"${LIMITS[0]}/pids.max"
	echo "$MEMORY_MAX" >"${LIMITS[1]}/memory.limit_in_bytes"
}

limits_down()
{
	local limit

	for limit in "${LIMITS[@]}"; do
		eventually rmdir "$limit" || return
	done
}

# Begins an attack within the limits, as the process ATTACK.
attack()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_fence bash -c 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" && shift || exit; done; shift; exec "$@"' \
		attack "${LIMITS[@]}" -- "$LIB/attack.py" "$1" >"$BATS_TEST_TMPDIR/attack" 2>&1 3>&- &
	ATTACK=$!
	await "$BATS_TEST_TMPDIR/attack" 'under way' || lab_fail "$(<"$BATS_TEST_TMPDIR/attack")"
}

attack_end()
{
	in_lab "$LIB/kill-frozen" "$(up_says .cgroup)"
	wait "$ATTACK" || true
}
