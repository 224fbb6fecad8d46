# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Pods of Kubernetes in a lab with containers: containerd with its CRI, and cri.py in the
# place of a kubelet.

# shellcheck source=tests/lib/container.bash
. "${BASH_SOURCE[0]%/*}/container.bash"

# The name and the uid of a test's pod, and its cgroup with either driver.
POD=$JOB
POD_CGROUP=/kubepods/besteffort/pod$POD
POD_SLICE=kubepods-besteffort-pod$POD.slice
CONTAINERD=$BATS_FILE_TMPDIR/cri
POD_LOG=${BATS_TEST_TMPDIR:-}/pod.log

# Writes the runtime of pods to the file $1: that of an installation, with another runc
# where cgroups have no controllers. runc would fail on the shares that each sandbox has.
write_pod_runtime()
{
	local prefix=$BATS_FILE_TMPDIR/prefix runtime=runc

	mkdir -p "$prefix/bin" "$prefix/share/jobfence" &&
		cp -r "$LIB/../../share/jobfence/kubernetes" "$prefix/share/jobfence" &&
		ln -s "$JOBFENCE" "$prefix/bin/jobfence-runtime" || return
	in_lab grep -qw cpu /sys/fs/cgroup/cgroup.controllers || runtime=$LIB/runc-without-limits
	printf '#!/bin/sh\nJOBFENCE_OCI_RUNTIME=%s exec %s/share/jobfence/kubernetes/jobfence-runtime-pods "$@"\n' \
		"$runtime" "$prefix" >"$1" && chmod +x "$1"
}

# Writes a network of CNI to the file $1: a pod has an interface, and the routes $2.
write_network()
{
	mkdir -p "${1%/*}"
	jq -n --argjson routes "$2" '{cniVersion: "0.4.0", name: "pods", plugins: [{type: "ptp", ipMasq: false,
		ipam: {type: "host-local", dataDir: "/run/cni", subnet: "10.88.0.0/24", routes: $routes}}]}' >"$1"
}

# Prints a runtime for containerd: its name $1, its program $2, and more lines.
cri_runtime()
{
	local table="[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.$1]"

	printf '%s\n' "$table" 'runtime_type = "io.containerd.runc.v2"' 'pod_annotations = ["io.jobfence.*"]' "${@:4}" \
		"${table/%]/.options]}" "BinaryName = \"$2\"" "SystemdCgroup = $3"
}

write_cri_config()
{
	local folder=$1

	cat <<-END
		version = 2
		root = "$folder/root"
		state = "/run/containerd"
		[plugins."io.containerd.grpc.v1.cri"]
		sandbox_image = "test/box:1"
		disable_apparmor = true
		restrict_oom_score_adj = true
		[plugins."io.containerd.grpc.v1.cri".cni]
		bin_dir = "/usr/lib/cni"
		conf_dir = "$folder/cni"
		[plugins."io.containerd.grpc.v1.cri".containerd]
		snapshotter = "native"
	END
	cri_runtime runc runc false
	cri_runtime jobfence-runtime "$folder/pod-runtime" false
	cri_runtime jobfence-systemd "$folder/pod-runtime" true
	cri_runtime jobfence-routeless "$folder/pod-runtime" false "cni_conf_dir = \"$folder/routeless\""
	cri_runtime without-annotations "$RUNTIME" false
}

# Imports the busybox of $ROOT as the image test/box:1. Its label asks for a domain.
import_image()
{
	local folder=$BATS_FILE_TMPDIR/image layer

	mkdir "$folder" && tar -C "$ROOT" -cf "$folder/layer.tar" . && layer=$(sha256sum "$folder/layer.tar") || return
	jq -n --arg layer "sha256:${layer%% *}" '{architecture: "amd64", os: "linux",
		rootfs: {type: "layers", diff_ids: [$layer]}, config: {Cmd: ["/bin/sleep", "1000000"], Env: ["PATH=/bin"],
			Labels: {"io.jobfence.domains": "denied.test"}}}' >"$folder/config.json"
	echo '[{"Config": "config.json", "RepoTags": ["docker.io/test/box:1"], "Layers": ["layer.tar"]}]' >"$folder/manifest.json"
	tar -C "$folder" -cf "$folder.tar" manifest.json config.json layer.tar &&
		in_lab ctr --namespace k8s.io images import --snapshotter native "$folder.tar"
}

cri_up()
{
	local folder=$CONTAINERD

	mkdir "$folder" && write_pod_runtime "$folder/pod-runtime" || return
	write_network "$folder/cni/pods.conflist" '[{"dst": "0.0.0.0/0"}]'
	write_network "$folder/routeless/pods.conflist" '[]'
	write_cri_config "$folder" >"$folder/config.toml"
	containerd_start && import_image
}

cri()
{
	in_lab "$LIB/cri.py" "$@"
}

# Describes the test's pod by the annotations KEY=VALUE, without their prefix. jq's filter
# $POD_FILTER changes the description.
describe_pod()
{
	local cgroup=$POD_CGROUP

	[ "${HANDLER:-}" != jobfence-systemd ] || cgroup=/kubepods.slice/kubepods-besteffort.slice/$POD_SLICE
	jq -n --arg pod "$POD" --arg cgroup "$cgroup" --arg log "$POD_LOG" --args '
		{metadata: {name: "\($pod)-name", uid: $pod, namespace: "builds"}, hostname: $pod,
		 log_directory: ($log | sub("/[^/]*$"; "")), log: ($log | sub(".*/"; "")),
		 dns_config: {servers: ["10.96.0.10"], searches: ["builds.svc.cluster.local"], options: ["ndots:5"]},
		 linux: {cgroup_parent: $cgroup, security_context: {namespace_options: {pid: 1}}},
		 annotations: [$ARGS.positional[] | capture("(?<key>[^=]*)=(?<value>.*)"; "m") | .key |= "io.jobfence." + .] | from_entries} |
		'"${POD_FILTER:-.}" -- "$@" >"$BATS_TEST_TMPDIR/pod.json"
}

# Makes the sandbox of the test's pod, as describe_pod, and keeps its id in $SANDBOX.
pod_up()
{
	describe_pod "$@" && sandbox_up
}

sandbox_up()
{
	SANDBOX=$(cri run "$BATS_TEST_TMPDIR/pod.json" "${HANDLER:-jobfence-runtime}") &&
		echo "$SANDBOX" >>"$BATS_TEST_TMPDIR/sandboxes"
}

# Makes and starts a container of the pod, named $1, and prints its id. What follows is its
# command.
container_up()
{
	local id

	id=$(cri create "$BATS_TEST_TMPDIR/pod.json" "$SANDBOX" "$1" test/box:1 "${@:2}") && cri start "$id" && echo "$id"
}

# Fails unless the container $1 ends with status 0.
ends_well()
{
	eventually has_ended "$1" && is "$(cri status "$1")" 'exited 0'
}

has_ended()
{
	[[ $(cri status "$1") = exited* ]]
}

# Prints what containers of the pod have written, without the times of CRI's log.
pod_log()
{
	cut -d ' ' -f 4- "$POD_LOG"
}

# Ends what a test has of pods, with their cgroups, as a kubelet does.
pods_down()
{
	local sandbox

	in_lab pgrep -x containerd >/dev/null || containerd_start || return
	touch "$BATS_TEST_TMPDIR/sandboxes"
	while read -r sandbox; do
		cri stop "$sandbox" && cri remove "$sandbox" || lab_fail "sandbox $sandbox can't be ended" || return
	done <"$BATS_TEST_TMPDIR/sandboxes"
	: >"$BATS_TEST_TMPDIR/sandboxes"
	pod_cgroup_down
}

pod_cgroup_down()
{
	local cgroup=/sys/fs/cgroup$POD_CGROUP

	! in_lab test -d "$cgroup" || in_lab find "$cgroup" -depth -type d -exec rmdir {} +
}
