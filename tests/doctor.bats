#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# `jobfence doctor`, on nodes that lack something.

# shellcheck disable=SC2016 # the inner shell of `changed` expands

load lib/job

# Runs the doctor, keeps its report in $REPORT, and fails unless it ends with status $1.
# More words stand before it: a command that changes the node for it alone.
examined()
{
	local status=$1

	shift
	ends_with "$status" in_lab "$@" "$JOBFENCE" doctor --json || return
	REPORT=$OUTPUT
	is "$ERRORS" '' || return
	is "$(python3 "$LIB/matches_schema.py" "$BATS_TEST_DIRNAME/../share/jobfence/doctor.schema.json" "$REPORT")" True &&
		is "$(jq .works <<<"$REPORT")" "$([ "$status" -eq 0 ] && echo true || echo false)"
}

# Fails unless the check $1 says $2, a pattern of "RESULT: WHAT, WHY, COMMAND".
says()
{
	like "$(jq -r --arg check "$1" '.findings[] | select(.check == $check) |
		"\(.result): \(.what), \(.why), \(.command)"' <<<"$REPORT" | tr '\n' '|')" "$2|"
}

# Runs a command in a mount namespace of its own, after the shell script $1.
changed=(unshare --mount --propagation private bash -c 'eval "$0" && exec "$@"')

@test "a node that jobs run on is said to be one, and nothing on it changes" {
	local before

	job_up --domain allowed.test
	before=$(in_lab bash -c 'cat /proc/mounts; find /run /sys/fs/bpf -printf "%p %T@\n" | sort; ls /sys/fs/cgroup')
	examined 0
	is "$(in_lab bash -c 'cat /proc/mounts; find /run /sys/fs/bpf -printf "%p %T@\n" | sort; ls /sys/fs/cgroup')" "$before"
	says rights 'ok: *'
	says programs 'ok: the kernel takes the programs*'
	says cgroup2 "@(ok|note): *$(<"$LAB/cgroups")*"
	says bpffs 'ok: *'
	says resolver 'ok: the resolver 11.0.0.53 answers, null, null*'
	says policy 'ok: /etc/jobfence/jobfence.conf takes jobs with network full, any domain*'
	says proxy-tls 'ok: *'
	says jobs 'ok: 1 jobs are up, and 0 are not, *'
}

@test "each line for people has a result, what it is about, why it matters and a command" {
	ends_with 0 in_lab "$JOBFENCE" doctor
	is "$(grep -cvE '^(ok +[a-z0-9-]+ +[^;]+|(note|lacks) +[a-z0-9-]+ +.+; .+\. To mend it: .+)$' <<<"$OUTPUT")" 2
	is "$(tail -n 2 <<<"$OUTPUT")" $'\nThis node can run jobs.'
	ends_with 2 in_lab "$JOBFENCE" doctor now
}

@test "a node without bpffs gets it with its first job" {
	local without='while umount /sys/fs/bpf 2>/dev/null; do :; done'

	examined 0 "${changed[@]}" "$without"
	says bpffs 'note: bpffs is not mounted at /sys/fs/bpf, *, mount -t bpf *'
	says programs 'ok: *'
	in_lab "${changed[@]}" "$without" "$JOBFENCE" run -- true
}

@test "a node without cgroup v2, or with one that is read-only, runs no job" {
	examined 1 "${changed[@]}" 'umount "$(awk "\$3 == \"cgroup2\" { print \$2; exit }" /proc/mounts)"'
	says cgroup2 'lacks: cgroup v2 is not mounted, *, mount -t cgroup2 *'
	examined 1 "${changed[@]}" 'mount -o remount,bind,ro "$(awk "\$3 == \"cgroup2\" { print \$2; exit }" /proc/mounts)"'
	says cgroup2 'lacks: cgroup v2 is mounted read-only at *, *, mount -o remount,rw *'
}

@test "a mistake in the policy is said with its line" {
	examined 1 "${changed[@]}" 'printf "accept = http\nfoo = bar\n" >/srv/bad && mount --bind /srv/bad /etc/jobfence/jobfence.conf'
	says policy 'lacks: /etc/jobfence/jobfence.conf:2: foo: there is no such key*, no job starts*'
	examined 0 "${changed[@]}" 'echo "accept = none" >/srv/none && mount --bind /srv/none /etc/jobfence/jobfence.conf'
	says policy 'note: * takes no job of others with a network, *, *accept = http*'
	examined 0 "${changed[@]}" 'printf "accept = http\nallow_domain = a.test\nprobe = /no/such\nupstream_ca = /no/ca\ntrusted_keys = /no/keys\n" >/srv/helpers &&
		chmod 666 /srv/helpers && mount --bind /srv/helpers /etc/jobfence/jobfence.conf'
	says policy 'ok: * takes jobs with network http, 1 domains, *'
	says policy-file 'note: others than root may write to /etc/jobfence/jobfence.conf, *'
	says probe "note: the probe /no/such can't be run, *"
	says upstream-ca "note: /no/ca can't be read, *"
	says trusted-keys "note: /no/keys can't be read, *"
}

@test "jobs that are not whole are named, with the verb that helps" {
	local processes

	job_up --domain allowed.test
	mapfile -t processes < <(proxy_processes)
	in_lab kill -STOP "${processes[@]}"
	examined 0
	says job "note: the job $JOB is stuck, *, jobfence repair $JOB"
	says jobs 'ok: 0 jobs are up, and 1 are not, *'
	in_lab kill -CONT "${processes[@]}"
	in_lab rm -r "/sys/fs/bpf/jobfence/jobs/$JOB"
	in_lab mkdir -p /run/jobfence/jobs/half
	examined 0
	says job "note: the job $JOB is unfenced, *, jobfence down $JOB"
	says leftover 'note: the job half is half made, *, jobfence gc'
	in_lab rmdir /run/jobfence/jobs/half
}

@test "a resolver that is silent, one with a zone, and none" {
	examined 1 "${changed[@]}" 'echo "nameserver 127.0.0.53" >/srv/stub && mount --bind /srv/stub "$(realpath /etc/resolv.conf)"'
	says resolver 'lacks: the resolver 127.0.0.53 does not answer: Connection refused, *, systemctl restart systemd-resolved*'
	examined 0 "${changed[@]}" 'printf "nameserver 127.0.0.53\nnameserver fe80::1%%eth0\nnameserver 11.0.0.53\n" >/srv/three &&
		mount --bind /srv/three "$(realpath /etc/resolv.conf)"'
	says resolver 'note: the resolver 127.0.0.53 *|ok: the resolver 11.0.0.53 answers*'
	says resolver-zone 'note: the resolver fe80::1%eth0 is link-local and has a zone, *'
	examined 1 "${changed[@]}" 'echo "nameserver fe80::1%eth0" >/srv/zone && mount --bind /srv/zone "$(realpath /etc/resolv.conf)"'
	says resolver 'lacks: /etc/resolv.conf has no line *'
}

@test "Docker's files say which driver and which runtimes it has" {
	examined 0 "${changed[@]}" 'mkdir -p /etc/docker && echo "{\"exec-opts\":[\"native.cgroupdriver=systemd\"]}" >/etc/docker/daemon.json'
	says docker 'ok: Docker uses the cgroup driver systemd, and its --cgroup-parent is the slice of `jobfence up --slice`, *'
	says docker-runtime 'note: Docker does not know jobfence-runtime, *'
	examined 0 "${changed[@]}" 'echo "{\"exec-opts\":[\"native.cgroupdriver=cgroupfs\"],\"runtimes\":{\"jf\":{\"path\":\"/no/jobfence-runtime\"}}}" >/etc/docker/daemon.json'
	says docker 'ok: Docker uses the cgroup driver cgroupfs, and its --cgroup-parent is /jobfence/JOB/work, *'
	says docker-runtime "note: Docker's runtime jf is /no/jobfence-runtime, which is missing, *, make install"
	examined 0 "${changed[@]}" 'printf "{\"\\u001b[31m" >/etc/docker/daemon.json'
	says docker 'note: /etc/docker/daemon.json:1: *, mend /etc/docker/daemon.json'
	in_lab rm -r /etc/docker
}

@test "without root it says what it could not see" {
	examined 0 setpriv --reuid 65534 --regid 65534 --clear-groups
	says rights 'note: this caller is not root, *, sudo jobfence doctor'
	says programs 'note: whether the kernel takes the programs was not seen, *'
	is "$(jq .root <<<"$REPORT")" false
	examined 0 prlimit --memlock=65536 setpriv --reuid 65534 --regid 65534 --clear-groups
	says memlock 'note: the limit of locked memory is 65536, *, set LimitMEMLOCK=192K in *'
	mkdir -m 700 "$BATS_TEST_TMPDIR/closed"
	cp "$JOBFENCE" "${JOBFENCE%/*}/jobfence-proxy" "$BATS_TEST_TMPDIR/closed/"
	JOBFENCE=$BATS_TEST_TMPDIR/closed/jobfence examined 0 setpriv --reuid 65534 --regid 65534 --clear-groups
	says proxy 'note: whether jobfence-proxy is there was not seen, *, sudo jobfence doctor'
	JOBFENCE=$BATS_TEST_TMPDIR/closed/jobfence examined 1
	says proxy-tls 'note: cannot find jobfence-tls: *, no job starts whose TLS is to be opened, make install'
	# Root of a container has not got what jobs need.
	examined 1 setpriv --bounding-set -sys_admin
	says rights 'lacks: run needs CAP_SYS_ADMIN; *'
}
