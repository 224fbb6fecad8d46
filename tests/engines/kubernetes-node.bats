#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The files for a cluster of Kubernetes, and the program that installs a node. The node is a
# layer above this machine's root.

load ../lib/job

FILES=$(realpath "$LIB/../../share/jobfence/kubernetes")
CONFIG=/run/node/root/etc/containerd/config.toml

setup_file()
{
	lab_with image_up
}

# Installs jobfence in the image, which is this machine with another /usr/local.
image_up()
{
	env -u MAKEFLAGS -u MAKELEVEL make -C "$LIB/../.." -s install BUILD="$(dirname "$JOBFENCE")" \
		DESTDIR="$BATS_FILE_TMPDIR/image" >"$BATS_FILE_TMPDIR/make" 2>&1 || lab_fail "$(<"$BATS_FILE_TMPDIR/make")"
}

setup()
{
	in_lab mkdir -p /run/node
	in_lab mount -t tmpfs tmpfs /run/node
	in_lab mkdir /run/node/upper /run/node/work /run/node/root
	in_lab mount -t overlay -o lowerdir=/,upperdir=/run/node/upper,workdir=/run/node/work overlay /run/node/root
	in_lab find /run/node/root/usr/local -mindepth 1 -delete
	in_lab rm -rf /run/node/root/etc/jobfence
	in_lab mkdir -p /run/node/root/etc/containerd
}

teardown()
{
	in_lab umount /run/node/root /run/node
}

# Runs the program in the image. The command at its end notes that it was run. A sanitizer
# can't look for leaks in the node's root, which has no /proc.
install_node()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab env ASAN_OPTIONS=detect_leaks=0 unshare --mount sh -c 'mount --bind "$1" /usr/local &&
		exec /usr/local/share/jobfence/kubernetes/install-node /run/node/root sh -c "echo restarted >>/run/node/restarts"' \
		image "$BATS_FILE_TMPDIR/image/usr/local"
}

# Writes containerd's configuration of the node.
configure()
{
	in_lab tee "$CONFIG" >/dev/null
}

# Prints what containerd makes of it, for the runtime $1.
runtime()
{
	in_lab containerd --config "$CONFIG" config dump |
		sed -n "/runtimes.$1\\(.options\\)\\?\\]/,/^\$/s/^ *\\(runtime_type\\|pod_annotations\\|BinaryName\\|SystemdCgroup\\) = //p"
}

@test "the manifests agree with each other and with the program" {
	is "$(python3 "$LIB/kubernetes_files.py" "$FILES")" ''
}

@test "a node without runtimes gets jobfence, its policy, and both runtimes" {
	configure </etc/containerd/config.toml
	in_lab find /run/node/root/usr/lib -name 'libjansson.so*' -delete
	ends_with 0 install_node
	like "$OUTPUT" 'jobfence *'
	is "$(in_lab cat /run/node/restarts)" restarted
	in_lab cmp /etc/jobfence/jobfence.conf /run/node/root/etc/jobfence/jobfence.conf
	like "$(in_lab ls /run/node/root/usr/local/lib)" '*libjansson.so.4*'
	is "$(runtime jobfence-runtime)" '["io.jobfence.*"]
"io.containerd.runc.v2"
"/usr/local/share/jobfence/kubernetes/jobfence-runtime-pods"
false'
	is "$(runtime runc)" '[]
"io.containerd.runc.v2"
"runc"
false'
	in_lab cp "$CONFIG" /run/node/before
	install_node
	in_lab cmp "$CONFIG" /run/node/before
	is "$(in_lab cat /run/node/restarts)" restarted
}

@test "a node with a runtime keeps it, and its cgroup driver is used" {
	configure <<-END
		version = 2
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		  runtime_type = "io.containerd.runc.v2"
		  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
		    SystemdCgroup = true
	END
	install_node
	is "$(runtime jobfence-runtime | tail -n 1)" true
	is "$(in_lab grep -c 'runtimes.runc\]' "$CONFIG")" 1
}

@test "a node that does not fit is left alone" {
	configure <<<'oom_score = 0'
	ends_with 1 install_node
	like "$ERRORS" '*no line: version = 2'
	is "$(in_lab cat "$CONFIG")" 'oom_score = 0'
	in_lab rm "$CONFIG"
	ends_with 1 install_node
	like "$ERRORS" '*the node has no */config.toml'
	in_lab bash -c 'printf "ID=other\nVERSION_ID=1\n" >/run/node/root/etc/os-release'
	in_lab rm -rf /run/node/root/usr/local/bin
	ends_with 1 install_node
	like "$ERRORS" '*the node is other 1, and this image debian *'
	ends_with 2 in_lab ls /run/node/root/usr/local/bin
	ends_with 2 in_lab ls /run/node/restarts
}

@test "kubectl keeps each field of the pod and of the DaemonSet, so it knows them" {
	local kind own=$BATS_TEST_TMPDIR/own.json

	for kind in Pod DaemonSet; do
		python3 "$LIB/kubernetes_files.py" "$FILES" "$kind" >"$own"
		kubectl set env --local --filename "$own" A=b --output json >"$BATS_TEST_TMPDIR/kept.json"
		is "$(jq -c --slurpfile kept "$BATS_TEST_TMPDIR/kept.json" \
			'[paths(scalars)] - [$kept[0] | paths(scalars)]' "$own")" '[]'
	done
}
