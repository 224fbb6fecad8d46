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
		# shellcheck disable=SC2016 # expanded by the inner shell
		in_lab bash -c 'for folder in "$1" "$1/jobfence" "$1/jobfence/$2"; do
			echo "+cpu +pids +memory" >"$folder/cgroup.subtree_control" || exit
		done
		echo "$3" >"$1/jobfence/$2/work/pids.max" && echo "$4" >"$1/jobfence/$2/work/memory.max"' \
			limits "$cgroups" "$JOB" "$PROCESSES_MAX" "$MEMORY_MAX"
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
	local limit tries=0

	for limit in "${LIMITS[@]}"; do
		until rmdir "$limit" 2>/dev/null; do
			[ $((++tries)) -le 1000 ] || lab_fail "$limit is in use" || return
		done
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

# Frozen, who forks is not faster than who kills. (After cgroup.kill, Linux 6.18 kills
# whoever is cloned into that cgroup.)
attack_end()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'cd "$1" && echo 1 >cgroup.freeze
		for _ in {1..1000}; do
			mapfile -t left <cgroup.procs
			[ ${#left[@]} -gt 0 ] || break
			kill -KILL "${left[@]}" 2>/dev/null
		done
		echo 0 >cgroup.freeze' end "$(up_says .cgroup)"
	wait "$ATTACK" || true
}
