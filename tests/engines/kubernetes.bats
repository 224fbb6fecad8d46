#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Pods of Kubernetes as jobs, by the CRI of containerd. The tests say what a kubelet would.

load ../lib/systemd
load ../lib/pod

setup_file()
{
	mkdir "$BATS_FILE_TMPDIR/lab"
	{ lab_up "$BATS_FILE_TMPDIR/lab" ${JOBFENCE_MACHINE:+machine} && containers_up && cri_up &&
		{ [ -z "${JOBFENCE_MACHINE:-}" ] || bus_up; }; } || { teardown_file && false; }
}

# No PID namespace ends with the lab in a virtual machine.
teardown_file()
{
	! in_lab pgrep -x containerd >/dev/null || kill_all containerd
	lab_down
}

teardown()
{
	pods_down
	jobfence down --all >"$BATS_TEST_TMPDIR/down" 2>&1 || cat "$BATS_TEST_TMPDIR/down"
	nothing_is_left
}

@test "a pod has the network that its annotations ask for, and its uid is its job" {
	local container

	pod_up domains=allowed.test rate=800kbit
	container=$(container_up main sleep 1000)
	has_the_jobs_network "cri exec $container" "cri exec $(container_up other sleep 1000)"
	is "$(jobfence list --json | jq -r '.[] | .job, .cgroup, .rate.bits_per_second, .labels.pod, .labels.namespace, .labels.container')" \
		"$POD
/sys/fs/cgroup$POD_CGROUP
800000
$POD-name
builds
$SANDBOX"
}

# bats test_tags=vm
@test "with systemd's cgroups a pod's slice is the cgroup of its job" {
	local container

	[ -n "${JOBFENCE_MACHINE:-}" ] || skip 'systemd has to be the first process'
	HANDLER=jobfence-systemd pod_up domains=allowed.test
	container=$(container_up main sleep 1000)
	is "$(cri exec "$container" sh -c "$PROBE" || true)" "$FENCED"
	is "$(received x-jobfence-job-id)" "$POD"
	ends_well "$(container_up sidecar sh -c "$PROBE; true")"
	is "$(pod_log)" "$FENCED"
	is "$(jobfence list --json | jq -r '.[] | .job, .cgroup')" "$POD
/sys/fs/cgroup/kubepods.slice/kubepods-besteffort.slice/$POD_SLICE"
	pods_down
	nothing_is_left
	systemctl stop kubepods.slice
	HANDLER=jobfence-systemd refused_to_start '*network full by annotation*' network=full
	systemctl stop kubepods.slice
}

@test "names resolve by the resolver and the search list of the cluster" {
	local container

	pod_up domains=allowed.test
	container=$(container_up main sleep 1000)
	like "$(cri exec "$container" cat /etc/resolv.conf)" '*search builds.svc.cluster.local*nameserver 10.96.0.10*'
	like "$(cri exec "$container" nslookup allowed.test)" '*10.96.0.10*192.0.0.8*'
	ends_with 1 cri exec "$container" nslookup allowed.test.builds.svc.cluster.local
	like "$OUTPUT" '*NXDOMAIN*'
}

@test "a pod without annotations has no network, whatever its image and containers say" {
	local container

	POD_FILTER='.annotations["io.kubernetes.cri.container-type"] = "none"' pod_up
	container=$(container_up main env io.jobfence.domains=allowed.test sleep 1000)
	like "$(cri exec "$container" sh -c "$PROBE" || true)" \
		"nc: can't connect to remote host (11.0.0.2): Operation not permitted*"
	lab_saw_nothing
}

@test "each container of a pod has the pod's fence: init containers, sidecars, one that restarts" {
	local container began

	pod_up domains=allowed.test
	began=$(jobfence list --json | jq -r '.[].started_at')
	ends_well "$(container_up init sh -c "$PROBE; true")"
	is "$(pod_log)" "$FENCED"
	container_up sidecar nc -ll -p 8080 -e echo 'a neighbour' >"$BATS_TEST_TMPDIR/sidecar"
	container=$(container_up main sleep 1000)
	is "$(cri exec "$container" sh -c "$PROBE" || true)" "$FENCED"
	is "$(cri exec "$container" nc 127.0.0.1 8080)" 'a neighbour'
	cri stop-container "$container"
	cri remove-container "$container"
	container=$(container_up 'main#1' sleep 1000)
	is "$(cri exec "$container" sh -c "$PROBE" || true)" "$FENCED"
	is "$(cri exec "$(<"$BATS_TEST_TMPDIR/sidecar")" sh -c "$PROBE" || true)" "$FENCED"
	is "$(jobfence list --json | jq -r '.[].started_at')" "$began"
}

@test "a pod without a route has the same network" {
	local container

	HANDLER=jobfence-routeless pod_up domains=allowed.test
	container=$(container_up main sleep 1000)
	is "$(cri exec "$container" sh -c "$PROBE" || true)" "$FENCED"
	ends_with 2 cri exec "$container" ip route get 11.0.0.2
}

@test "probes of exec work, and nothing gets into a pod by its address" {
	local container address node

	pod_up domains=allowed.test
	container=$(container_up main nc -ll -p 8080 -e echo ready)
	# shellcheck disable=SC2016 # expanded in the container
	eventually cri exec "$container" sh -c '[ "$(nc 127.0.0.1 8080)" = ready ]'
	address=$(cri address "$SANDBOX")
	in_lab busybox nc -w 100 "$address" 8080 </dev/null >"$BATS_TEST_TMPDIR/probe" 2>/dev/null 3>&- &
	node=$!
	eventually has_refused_packets
	in_lab kill "$(in_lab pgrep --full '^busybox nc')" # it would go on trying
	wait "$node" || true
	is "$(<"$BATS_TEST_TMPDIR/probe")" ''
}

has_refused_packets()
{
	[ "$(jobfence show "$POD" --json | jq '[.upload, .download | .refused.packet] | add // 0')" -gt 0 ]
}

# Fails unless the pod with the annotations after $1 does not start, for a reason like $1.
refused()
{
	ends_with 1 pod_up "${@:2}"
	is "$OUTPUT" ''
	like "$ERRORS" "*jobfence: $1*"
}

# The same, and nothing of it is left.
refused_to_start()
{
	refused "$@"
	nothing_is_left
}

@test "a pod that can't be fenced does not start, and says why" {
	POD_FILTER='.linux.security_context.namespace_options.network = 2 | .hostname = ""' refused_to_start '*hostNetwork*' domains=allowed.test
	POD_FILTER='.metadata.uid = "../t"' refused_to_start "*job's name*"
	POD_FILTER='.linux.cgroup_parent = "/"' refused_to_start '*root of the cgroups*'
	refused_to_start '*io.jobfence.job*' job=another
	refused_to_start '*is none of: job, network*' domain=allowed.test
	refused_to_start '*network full by annotation*' network=full
	HANDLER=without-annotations refused_to_start '*jobfence-runtime --annotations*'
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	refused_to_start '*Read-only file system*' domains=allowed.test
	in_lab umount --lazy /run/jobfence
	lab_saw_nothing
}

@test "the policy of the node decides on a pod" {
	printf '%s\n' 'accept = http' 'allow_domain = allowed.test' >"$BATS_TEST_TMPDIR/policy"
	in_lab mount --bind "$BATS_TEST_TMPDIR/policy" /etc/jobfence/jobfence.conf
	refused_to_start '*denied.test*' domains=allowed.test,denied.test
	pod_up domains=allowed.test
	is "$(jobfence list --json | jq -r '.[].job')" "$POD"
	in_lab umount /etc/jobfence/jobfence.conf
}

@test "a pod shares its cgroup with no other, and no container joins another pod" {
	local first

	pod_up domains=allowed.test
	first=$SANDBOX
	POD_FILTER='.metadata.uid = "other" | .metadata.name = "other"' refused "*is that of job $POD*" domains=denied.test
	POD_FILTER='.metadata.uid = "other" | .metadata.name = "other" | .linux.cgroup_parent += "-other"' pod_up domains=denied.test
	SANDBOX=$first
	ends_with 1 container_up main sleep 1000
	like "$ERRORS" "*job other is not that of the pod's sandbox $first*"
	is "$(jobfence list --json | jq -r '[.[].job] | sort | join(" ")')" "other $POD"
	describe_pod
	POD_FILTER='.linux.cgroup_parent += "-other"' describe_pod
	ends_with 1 container_up main sleep 1000
	like "$ERRORS" "*the container is in the cgroup *-other/*, and job $POD in *"
}

@test "a pod's end leaves nothing, and a pod that begins again has a fence of its own" {
	local container

	pod_up domains=allowed.test
	container_up main sleep 1000
	cri stop "$SANDBOX"
	nothing_is_left
	POD_FILTER='.metadata.attempt = 1' pod_up domains=allowed.test
	container=$(container_up 'main#1' sleep 1000)
	is "$(cri exec "$container" sh -c "$PROBE" || true)" "$FENCED"
	pods_down
	nothing_is_left
}

# A script for a container, which runs the probe once it is told to begin.
LATE='until [ -e /tmp/begin ]; do sleep 0.1; done
('$PROBE') >/tmp/probe
touch /tmp/done; sleep 1000'

# Tells the container whose process is $1 to begin, and prints what its probe saw.
late_probe()
{
	in_lab touch "/proc/$1/root/tmp/begin"
	eventually in_lab test -e "/proc/$1/root/tmp/done"
	in_lab cat "/proc/$1/root/tmp/probe"
}

# Prints the process that runs that script.
container_process()
{
	# It is the runtime's own program for a moment.
	eventually in_lab pgrep --oldest --full '^sh -c until'
}

@test "a killed containerd opens nothing, and ends the pod once it is there again" {
	local process

	pod_up domains=allowed.test
	container_up main sh -c "$LATE"
	process=$(container_process)
	kill_all containerd
	is "$(late_probe "$process")" "$FENCED"
	is "$(received x-jobfence-job-id)" "$POD"
	containerd_start
	is "$(jobfence list --json | jq -r '.[].state')" up
	pods_down
	nothing_is_left
}

@test "a pod whose sandbox dies stays fenced, and its last container ends the job" {
	local process container

	pod_up domains=allowed.test
	container=$(container_up main sh -c "$LATE")
	process=$(container_process)
	in_lab kill -KILL "$(in_lab pgrep --full '^/bin/sleep 1000000')"
	eventually is_not_ready
	is "$(late_probe "$process")" "$FENCED"
	ends_with 1 container_up late sleep 1000
	is "$(jobfence list --json | jq -r '.[].state')" up
	cri stop-container "$container"
	is "$(jobfence list --json)" '[]'
}

is_not_ready()
{
	[ "$(cri ready "$SANDBOX")" = no ]
}

@test "after the end of everything, gc ends the job of a pod, or the pod's next sandbox does" {
	local first

	pod_up domains=allowed.test
	container_up main sleep 1000
	everything_ends
	pod_cgroup_down
	is "$(jobfence gc)" "removed $POD"
	containerd_start
	POD_FILTER='.metadata.attempt = 1' pod_up domains=allowed.test
	first=$SANDBOX
	everything_ends
	is "$(jobfence list --json | jq -r '.[].job')" "$POD"
	containerd_start
	POD_FILTER='.metadata.attempt = 2' pod_up domains=denied.test
	is "$(jobfence list --json | jq -r '.[] | .domains[], .labels.container')" "denied.test
$SANDBOX"
	cri stop "$first"
	is "$(jobfence list --json | jq -r '.[].labels.container')" "$SANDBOX"
}

# Ends containerd, its shims and all containers, and what runc knows of them, so that it
# tells nobody of their end.
everything_ends()
{
	kill_all containerd
	kill_all containerd-shim
	in_lab tee "/sys/fs/cgroup$POD_CGROUP/cgroup.kill" <<<1
	eventually in_lab grep -q 'populated 0' "/sys/fs/cgroup$POD_CGROUP/cgroup.events"
	in_lab rm -rf /run/containerd/runc
}
