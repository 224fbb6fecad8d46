#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# bats file_tags=vm
#
# Jobs of Slurm behind the fence, by the plugin jobfence-slurm.so. systemd is the first
# process of the virtual machine. Slurm reads what docs/integrations/slurm.md says.

load ../lib/slurm

PAGE=$LIB/../../docs/integrations/slurm.md
fenced=(--fence-domain=allowed.test)

setup_file()
{
	[ -n "${JOBFENCE_MACHINE:-}" ] || return 0
	mkdir "$BATS_FILE_TMPDIR/lab"
	{ lab_up "$BATS_FILE_TMPDIR/lab" machine && containers_up && cluster_up; } || { teardown_file && false; }
}

teardown_file()
{
	[ -n "${JOBFENCE_MACHINE:-}" ] || return 0
	cluster_down
	lab_down
}

setup()
{
	[ -n "${JOBFENCE_MACHINE:-}" ] || skip "Slurm takes no machine that has cgroups of version 1 as well"
	in_lab sh -c 'rm -rf /srv/* && chmod 1777 /srv && mkdir /srv/bin && busybox --install -s /srv/bin &&
		mkfifo -m 666 /srv/ready /srv/go'
	lab_forget
}

teardown()
{
	[ -n "${JOBFENCE_MACHINE:-}" ] || return 0
	site
	in_lab scancel --user nobody
	in_lab sh -c 'rm -f /srv/.profile; ! mountpoint -q /etc/passwd || umount /etc/passwd'
	in_lab grep -q ^GetEnvTimeout= /etc/slurm/slurm.conf || reconfigure sed -i '1i GetEnvTimeout=0'
	eventually node_is idle || tail -n 50 /run/share/slurm*.log
	nothing_is_left
}

# A job that waits for a line in /srv/go. Prints its number once it runs. The arguments are
# options of sbatch.
begin_job()
{
	slurm sbatch --parsable --output /srv/output "$@" --wrap 'echo ready >/srv/ready; read -r _ </srv/go'
	await_job
}

await_job()
{
	in_lab timeout 120 head -n 1 /srv/ready >"$BATS_TEST_TMPDIR/ready" ||
		lab_fail "the job does not begin: $(in_lab sh -c 'squeue --long; scontrol show node; tail -n 30 /run/share/slurm*.log')"
}

end_job()
{
	in_lab timeout 60 sh -c 'echo >/srv/go'
	eventually node_is idle
}

# The number of slurmstepd of the job $1, step $2.
stepd_of()
{
	in_lab pgrep -f "^slurmstepd: \[$1.$2\]"
}

probe()
{
	slurm env PATH="/srv/bin:$PATH" "$@" sh -c "$PROBE"
}

@test "a step has the job's network and header, and leaves nothing" {
	is "$(probe srun "${fenced[@]}")" "$FENCED"
	like "$(received x-jobfence-job-id)" 'slurm-[1-9]*'
	# shellcheck disable=SC2016 # expanded in the task
	is "$(slurm srun "${fenced[@]}" sh -c 'getent ahostsv4 allowed.test | head -n 1; grep -c . /etc/resolv.conf
		echo "$http_proxy"')" '192.0.0.8       STREAM allowed.test
1
http://192.0.0.8:80'
	eventually node_is idle
	nothing_is_left
}

@test "the lines of the page" {
	local lines line said=''

	is "$(in_lab cat /etc/slurm/plugstack.conf)" "$(sed -n 's/^    \(required [^ ]*\)$/\1/p' "$PAGE") "
	is "$(in_lab grep -E '^(ProctrackType|GetEnvTimeout)=' /etc/slurm/slurm.conf)" \
		"$(sed -n 's/^    \([A-Z][A-Za-z]*=[^ ]*\)$/\1/p' "$PAGE")"
	mapfile -t lines < <(sed -n 's/^    \(srun .*\)/\1/p' "$PAGE")
	is "${#lines[@]}" 3
	for line in "${lines[@]}"; do
		ends_with 0 slurm sh -c "$line" </dev/null
		said+=$OUTPUT
	done
	is "$said" 'this is allowed.test'
	sed -n 's/^    \(required .* default=on .*\)/\1/p' "$PAGE" | in_lab tee /etc/slurm/plugstack.conf >/dev/null
	is "$(probe srun)" "$FENCED"
}

@test "without an option a job has no fence" {
	is "$(slurm srun curl -sS http://denied.test/)" 'this is denied.test'
	is "$(jobfence list --json)" '[]'
}

@test "slurmstepd is not behind the fence, and a second step and its tasks are" {
	local job pid rate

	job=$(begin_job "${fenced[@]}" --fence-rate=800kbit)
	rate=$(jobfence show "slurm-$job" --json | jq -c '[.rate.bits_per_second, .labels.slurm_job, .state]')
	is "$rate" "[800000,\"$job\",\"up\"]"
	pid=$(stepd_of "$job" batch)
	like "$(in_lab cat "/proc/$pid/cgroup")" '*slurmstepd.scope/jobfence_*_step_batch'
	is "$(in_lab readlink "/proc/$pid/ns/net")" "$(in_lab readlink /proc/self/ns/net)"
	is "$(probe srun --jobid "$job" --overlap)" "$FENCED"
	is "$(received x-jobfence-job-id)" "slurm-$job"
	has_the_rate "$(slurm env PATH="/srv/bin:$PATH" srun --jobid "$job" --overlap sh -c "$MEASURE")"
	is "$(slurm srun --jobid "$job" --overlap --overcommit --ntasks 2 sh -c 'cut -d/ -f 4-5 /proc/self/cgroup
		curl -sS -o /dev/null -w "%{http_code}\n" http://denied.test/' | sort)" "403
403
job_$job/step_2
job_$job/step_2"
	is "$(jobfence list --json | jq -r '.[].job')" "slurm-$job"
	ends_with 1 slurm srun --jobid "$job" --overlap --fence-domain=denied.test echo begun
	is "$OUTPUT" ''
	like "$ERRORS" '*an earlier step of this job asked for another fence*'
	end_job
}

@test "salloc hands its options to steps, and each gets a fence after the one before went" {
	# shellcheck disable=SC2016 # expanded in the allocation
	is "$(slurm env PATH="/srv/bin:$PATH" salloc --quiet "${fenced[@]}" sh -c 'srun true; srun sh -c "$0"' "$PROBE")" \
		"$FENCED"
}

@test "with PrologFlags=Contain slurmstepd of the step for logins is outside, and ends" {
	local job

	echo PrologFlags=Contain | in_lab tee -a /etc/slurm/slurm.conf >/dev/null
	in_lab scontrol reconfigure
	# slurmd may read its configuration again only after the job has begun.
	systemctl stop slurmd
	slurmd_start
	eventually node_is idle
	job=$(begin_job "${fenced[@]}")
	like "$(in_lab cat "/proc/$(stepd_of "$job" extern)/cgroup")" '*slurmstepd.scope/jobfence_*_step_extern'
	is "$(probe srun --jobid "$job" --overlap)" "$FENCED"
	end_job
	nothing_is_left
	in_lab sed -i /^PrologFlags/d /etc/slurm/slurm.conf
	in_lab scontrol reconfigure
}

@test "a batch script is fenced, and can't submit" {
	printf '#!/bin/sh\n#SBATCH --fence-domain=allowed.test\n%s\nsbatch --wrap true\necho "status $?"\n' "$PROBE" |
		in_lab tee /srv/script >/dev/null
	slurm env PATH="/srv/bin:$PATH" sbatch --quiet --output /srv/output /srv/script
	# Slurm asks its controller for half a minute.
	eventually in_lab test -e /srv/output
	await /srv/output ^status
	like "$(in_lab cat /srv/output)" "$FENCED*status 1"
}

@test "each job of an array has its own fence" {
	slurm sbatch --quiet --array 0-1 --output /srv/output-%a "${fenced[@]}" \
		--wrap "PATH=/srv/bin:\$PATH; $PROBE; echo end"
	eventually in_lab grep -qx end /srv/output-0
	eventually in_lab grep -qx end /srv/output-1
	is "$(in_lab cat /srv/output-0)" "$FENCED"$'\nend'
	is "$(in_lab cat /srv/output-1)" "$FENCED"$'\nend'
	is "$(lab_seen '.event == "request"' '.headers' | jq -r '.[] | select(.[0] == "X-Jobfence-Job-ID") | .[1]' | sort -u | wc -l)" 2
}

@test "a job that is cancelled leaves nothing" {
	local job

	job=$(begin_job "${fenced[@]}")
	slurm scancel "$job"
	eventually node_is idle
	nothing_is_left
}

@test "a job that is requeued gets a fence again" {
	local job

	job=$(begin_job "${fenced[@]}" --requeue)
	slurm scontrol requeue "$job"
	eventually node_is idle
	nothing_is_left
	in_lab scontrol update JobId="$job" StartTime=now
	await_job
	is "$(jobfence list --json | jq -r '.[].job')" "slurm-$job"
	is "$(probe srun --jobid "$job" --overlap)" "$FENCED"
	end_job
}

@test "a task without memory is ended by Slurm as ever" {
	ends_with 1 slurm srun --mem 40 "${fenced[@]}" tail /dev/zero
	like "$ERRORS" '*Out Of Memory*'
	eventually node_is idle
	nothing_is_left
}

@test "no task begins without its fence, and the error says why" {
	local how

	printf '#!/bin/sh\necho begun >>/srv/begun\n' | in_lab tee /srv/program >/dev/null
	in_lab chmod 755 /srv/program
	ends_with 1 slurm srun --fence-domain=http://wrong/ --task-epilog /srv/program --task-prolog /srv/program /srv/program
	like "$ERRORS" '*a URL is not a domain*'
	ends_with 255 slurm srun --fence-domain=allowed.test --fence-domain=denied.test /srv/program
	like "$ERRORS" '*--fence-domain was given before, as allowed.test; give one list with commas*'
	ends_with 1 slurm srun --fence-network=wide /srv/program
	like "$ERRORS" '*a network is none, http or full*'
	in_lab mkdir -p /run/jobfence
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	for how in required optional; do
		in_lab sed -i "s/^[a-z]*/$how/" /etc/slurm/plugstack.conf
		ends_with 1 slurm srun "${fenced[@]}" --task-epilog /srv/program /srv/program
		like "$ERRORS" '*jobfence: *ead-only file system*'
	done
	in_lab umount --lazy /run/jobfence
	eventually node_is idle
	is "$(in_lab find /srv -name begun)" ''
	lab_saw_nothing
}

@test "what slurmstepd runs for a user around a task is fenced, too" {
	# shellcheck disable=SC2016 # expanded in the program
	printf '#!/bin/sh\nPATH=/srv/bin:$PATH\n{ cut -d/ -f 5 /proc/self/cgroup; %s; } >"/srv/$SLURM_SCRIPT_CONTEXT"\nexit 0\n' "$PROBE" |
		in_lab tee /srv/program >/dev/null
	in_lab chmod 755 /srv/program
	ends_with 0 slurm srun "${fenced[@]}" --task-epilog /srv/program --task-prolog /srv/program true
	is "$(in_lab cat /srv/prolog_task)" "step_0
$FENCED"
	is "$(in_lab cat /srv/epilog_task)" "step_0
$FENCED"
}

@test "what slurmstepd runs around a task is in the job's cgroup, and ends with the step" {
	local how

	printf '#!/bin/sh\ncut -d/ -f 4-6 /proc/self/cgroup >/srv/place\nsetsid sleep 987654 </dev/null >/dev/null 2>&1 &\n' |
		in_lab tee /srv/program >/dev/null
	in_lab chmod 755 /srv/program
	for how in '' "${fenced[@]}"; do
		slurm srun ${how:+"$how"} --task-epilog /srv/program true
		like "$(in_lab cat /srv/place)" 'job_*/step_0/slurm'
		in_lab rm /srv/place
		eventually in_lab sh -c '! pgrep -x -f "sleep 987654"'
		eventually node_is idle
	done
}

@test "a user who locks the cgroup of a job holds up no step of it" {
	local job cgroup

	job=$(begin_job "${fenced[@]}")
	cgroup=$(jobfence show "slurm-$job" --json | jq -r .cgroup)
	slurm flock "$cgroup" timeout 120 srun --jobid "$job" --overlap true
	end_job
}

@test "a site makes it the default, and a user can't take it off" {
	site default=on
	like "$(probe srun || true)" "nc: can't connect to remote host (11.0.0.2): *"
	in_lab sed -i 's/^accept.*/accept = http/' /etc/jobfence/jobfence.conf
	ends_with 1 slurm srun --fence-network=full curl -sS http://denied.test/
	like "$ERRORS" '*takes no job with network full*'
	in_lab sed -i 's/^accept.*/accept = full/' /etc/jobfence/jobfence.conf
	lab_saw_nothing
	site default=on domain=allowed.test,www.allowed.test
	is "$(probe env -u SLURM_CONF srun)" "$FENCED"
	site default=yes
	ends_with 1 slurm srun true
	like "$ERRORS" '*plugstack.conf*default=*'
}

@test "slurmd runs no login shell of a user, and a site that would have it do so starts no job" {
	in_lab sh -c 'sed "s|^\(nobody:.*:\)[^:]*:[^:]*$|\1/srv:/bin/sh|" /etc/passwd >/run/share/passwd &&
		mount --bind /run/share/passwd /etc/passwd && echo "echo login >>/srv/login" >/srv/.profile'
	like "$(in_lab su - nobody -c true && in_lab cat /srv/login)" login
	in_lab rm /srv/login
	site default=on
	slurm sbatch --quiet --wait --get-user-env --output /srv/output --wrap 'echo begun'
	is "$(in_lab cat /srv/output)" begun
	in_lab test ! -e /srv/login
	reconfigure sed -i /^GetEnvTimeout=/d
	ends_with 1 slurm srun echo begun
	is "$OUTPUT" ''
	like "$ERRORS" '*needs GetEnvTimeout=0*'
}

@test "a site makes it the default of a partition" {
	site partition=other,main domain=allowed.test
	is "$(probe srun)" "$FENCED"
	is "$(probe env SLURM_JOB_PARTITION=free srun)" "$FENCED"
	is "$(slurm srun --partition free curl -sS http://denied.test/)" 'this is denied.test'
}

@test "opened TLS is trusted by the tasks" {
	printf '%s\n' 'guard_domain = allowed.test' 'intercept_guarded = yes' "upstream_ca = $LAB/authority.pem" | in_lab tee -a /etc/jobfence/jobfence.conf >/dev/null
	is "$(slurm srun "${fenced[@]}" curl -sS https://allowed.test/)" 'this is allowed.test'
	like "$(received x-jobfence-job-id)" 'slurm-*'
	in_lab sed -i '/^guard_domain/d; /^intercept_guarded/d; /^upstream_ca/d' /etc/jobfence/jobfence.conf
}

@test "a killed slurmd leaves the job fenced, and the next one ends the fence" {
	local job

	job=$(begin_job "${fenced[@]}")
	systemctl kill --signal KILL --kill-who main slurmd
	eventually in_lab sh -c '! systemctl is-active --quiet slurmd'
	is "$(jobfence show "slurm-$job" --json | jq -r .state)" up
	slurmd_start
	is "$(probe srun --jobid "$job" --overlap)" "$FENCED"
	end_job
	nothing_is_left
}

@test "a killed slurmstepd leaves its tasks fenced, and the epilog ends them" {
	local job task

	job=$(begin_job "${fenced[@]}")
	task=$(in_lab head -n 1 "$(jobfence show "slurm-$job" --json | jq -r .cgroup)/step_batch/user/task_0/cgroup.procs")
	in_lab kill -KILL "$(stepd_of "$job" batch)"
	is "$(jobfence show "slurm-$job" --json | jq -r .state)" up
	in_lab test -d "/proc/$task"
	slurm scancel "$job"
	eventually node_is idle
	nothing_is_left
	in_lab sh -c "! test -d /proc/$task"
}

@test "gc ends what is left of a job whose node ended without an epilog" {
	local job cgroup

	job=$(begin_job "${fenced[@]}")
	cgroup=$(jobfence show "slurm-$job" --json | jq -r .cgroup)
	systemctl kill --signal KILL --kill-who main slurmd
	in_lab kill -KILL "$(stepd_of "$job" batch)"
	in_lab sh -c "echo 1 >$cgroup/cgroup.kill"
	eventually in_lab grep -q 'populated 0' "$cgroup/cgroup.events"
	in_lab find "$cgroup" -depth -type d -exec rmdir '{}' +
	is "$(jobfence gc)" "removed slurm-$job"
	nothing_is_left
	in_lab scancel "$job"
	slurmd_start
}
