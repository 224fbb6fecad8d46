#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Commands of two versions at random, several at once. A third of them are killed, stopped
# or frozen at random moments.
# bats file_tags=vm

load lib/job

# The names of jobs of which anything is there.
names()
{
	in_lab "$LIB/leftovers" | sed -n 's,^/.*/\(jobfence-\)\?\([^/]\+\)/\?$,\2,p' | grep -v '^links$' | sort -u
}

state_of()
{
	jobfence show "$1" --json | jq -r .state
}

# Fails unless the job $1, which is said to be up, does what its record says.
is_up()
{
	local JOB=$1 network domains

	read -r network domains <<<"$(jobfence show "$JOB" --json | jq -r '"\(.network) \(.domains | join(","))"')"
	[ "$network" != full ] || return 0
	if [[ ,$domains, = *,allowed.test,* ]]; then
		is "$(fetch http://allowed.test/)" 'this is allowed.test'
	elif [ "$network" = http ]; then
		refused_for domain http://allowed.test/
	else
		ends_with 7 fetch --connect-to ::11.0.0.2: http://allowed.test/
	fi
}

# Fails unless `list` names each job of which anything is there, and each job that is up
# works. A job whose proxy is lost is repaired.
list_is_true()
{
	local jobs job state

	jobs=$(jobfence list --json | jq -r '.[] | "\(.job) \(.state)"')
	is "$(cut -d ' ' -f 1 <<<"$jobs" | sort)" "$(names)"
	while read -r job state; do
		case $state in
		up) is_up "$job" ;;
		stuck | cut-off) jobfence repair "$job" && is "$(state_of "$job")" up && is_up "$job" ;;
		esac || lab_fail "$job is $state" || return
	done <<<"$jobs"
}

# Ends every process of every job, as a power cut does.
end_processes()
{
	local cgroups

	cgroups=$(<"$LAB/cgroups")
	echo 1 | in_lab tee "$cgroups"/{jobfence,storm-theirs}/cgroup.kill >/dev/null
	eventually in_lab grep -q 'populated 0' "$cgroups/jobfence/cgroup.events"
	eventually in_lab rmdir "$cgroups/storm-theirs" 2>/dev/null
}

@test "commands that are killed, stopped and frozen at random open no fence, let nothing hang, and leave nothing that gc does not take" {
	# JOBFENCE_KILLS makes it a long one.
	local kills=${JOBFENCE_KILLS:-40}

	like "$(in_lab python3 "$LIB/kills.py" "$kills" "$RANDOM" --storm "$JOBFENCE" "${JOBFENCE%/*}/other/jobfence" "$(<"$LAB/cgroups")" |
		tee "$BATS_TEST_TMPDIR/storm")" '*strange 0'
	[ -z "${JOBFENCE_KILLS:-}" ] || sed 's/^/# /' "$BATS_TEST_TMPDIR/storm" >&3
	lab_settle
	is "$(lab_seen '.event == "packet" or .event == "tls" or (.head // .name // "" | test("denied"))')" ''
	is "$(tail -n "+$((LAB_NODE_MARK + 1))" "$LAB/node")" ''
	list_is_true
	end_processes
	jobfence gc
	# A job without a proxy is up also where nothing runs in it.
	is "$(jobfence list --json | jq -r '.[] | select(.network == "http" or .state != "up").job')" ''
}
