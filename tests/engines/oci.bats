#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Plain bundles, started by runc and crun through jobfence-runtime.

load ../lib/container
load ../lib/pages
load ../lib/faults

setup()
{
	lab_forget
	BUNDLE=$BATS_TEST_TMPDIR/bundle
	mkdir "$BUNDLE"
	in_lab env -C "$BUNDLE" runc spec
	# shellcheck disable=SC2016 # jq's
	change '.process.terminal = false | .process.args = ["sh", "-c", $probe] | .root.path = $root |
		.linux.cgroupsPath = "/box/'"$JOB"'"'
}

# Changes the bundle's configuration by an expression of jq. More arguments of jq may
# follow.
change()
{
	jq --arg probe "$PROBE" --arg root "$ROOT" "$1" "$BUNDLE/config.json" "${@:2}" >"$BUNDLE/new" &&
		mv "$BUNDLE/new" "$BUNDLE/config.json"
}

# Runs the bundle with the runtime $1.
run_bundle()
{
	in_lab env JOBFENCE_OCI_RUNTIME="$1" "$RUNTIME" --annotations --root "/run/oci-$1" run --bundle "$BUNDLE" "$JOB"
}

# Fails unless the bundle is refused with the status $1 and an error like $2.
refused_to_start()
{
	ends_with "$1" run_bundle runc
	is "$OUTPUT" ''
	like "$ERRORS" "*$2*"
	lab_saw_nothing
	nothing_is_left
}

@test "runc: a container has what its annotations say, and leaves nothing" {
	change '.annotations = {"io.jobfence.domains": "allowed.test, .other.test", "io.jobfence.allow-ech": "allowed.test www.other.test",
		"io.jobfence.rules": "GET allowed.test/**\nGET .other.test/x"}'
	is "$(run_bundle runc)" "$FENCED"
	nothing_is_left
}

# Gives the bundle the rules for sockets that Podman gives a container without
# CAP_AUDIT_WRITE, and runs it with the runtime $1.
keeps_podmans_profile()
{
	local allowed

	mapfile -t allowed < <(podmans_calls)
	[ "${#allowed[@]}" -gt 200 ] || lab_fail "Podman's profile has these calls: ${allowed[*]}" || return
	# shellcheck disable=SC2016 # jq's
	change '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38,
		architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], syscalls: [
			{names: $ARGS.positional, action: "SCMP_ACT_ALLOW"},
			{names: ["socket"], action: "SCMP_ACT_ERRNO", errnoRet: 22, args: [
				{index: 0, value: 16, op: "SCMP_CMP_EQ"}, {index: 2, value: 9, op: "SCMP_CMP_EQ"}]},
			{names: ["socket"], action: "SCMP_ACT_ALLOW", args: [{index: 2, value: 9, op: "SCMP_CMP_NE"}]},
			{names: ["socket"], action: "SCMP_ACT_ALLOW", args: [{index: 0, value: 16, op: "SCMP_CMP_NE"}]},
			{names: ["socket"], action: "SCMP_ACT_ALLOW", args: [{index: 2, value: 9, op: "SCMP_CMP_NE"}]}]} |
		.annotations = {"io.jobfence.domains": "allowed.test"}' --args "${allowed[@]}"
	is "$(run_bundle "$1")" "$FENCED"
	nothing_is_left
}

# The calls that Podman's profile allows without conditions, whatever the container may.
podmans_calls()
{
	jq -r '[.syscalls[] | select(.action == "SCMP_ACT_ALLOW" and (.args // []) == [] and .includes.caps == null) |
		.names[] | select(. != "socket")] | unique[]' /usr/share/containers/seccomp.json
}

@test "runc: Podman's profile is narrowed, for containers without CAP_AUDIT_WRITE as well" {
	keeps_podmans_profile runc
}

# bats test_tags=vm
@test "crun: Podman's profile is narrowed, for containers without CAP_AUDIT_WRITE as well" {
	in_lab bash -c 'ulimit -l unlimited' 2>/dev/null || skip "crun may not lift limits here"
	keeps_podmans_profile crun
}

# bats test_tags=vm
@test "crun: a container has what its annotations say, and leaves nothing" {
	in_lab bash -c 'ulimit -l unlimited' 2>/dev/null || skip "crun may not lift limits here"
	change '.annotations = {"io.jobfence.domains": "allowed.test"}'
	is "$(run_bundle crun)" "$FENCED"
	nothing_is_left
}

@test "a bundle without resolv.conf asks the stub" {
	rm -f "$ROOT/etc/resolv.conf"
	change '.annotations = {"io.jobfence.domains": "allowed.test"} |
		.process.args = ["sh", "-c", "cat /etc/resolv.conf; nslookup allowed.test | grep -c \"^Address: 192.0.0.8\""]'
	is "$(run_bundle runc)" $'nameserver 192.0.0.8\n1'
	# The first run left an empty file to mount on. That file does not count as a
	# resolv.conf.
	is "$(run_bundle runc)" $'nameserver 192.0.0.8\n1'
	echo 'nameserver 11.0.0.53' >"$ROOT/etc/resolv.conf"
	change 'del(.mounts[] | select(.destination == "/etc/resolv.conf"))'
	is "$(run_bundle runc)" $'nameserver 11.0.0.53\n1'
	rm "$ROOT/etc/resolv.conf"
	nothing_is_left
}

@test "numbers of a bundle that need 64 bits reach the runtime as they stand" {
	local number=18446744073709551615 shown

	# `docker run --ulimit memlock=-1` writes such a number.
	sed -i '0,/"rlimits": \[/s//"rlimits": [ { "type": "RLIMIT_MEMLOCK", "hard": '$number', "soft": '$number' },/' "$BUNDLE/config.json"
	in_lab env -C "$BUNDLE" JOBFENCE_OCI_RUNTIME=true "$RUNTIME" run box
	shown=$(<"$BUNDLE/config.json")
	like "$shown" "*\"hard\":$number*" || return
	like "$shown" "*\"soft\":$number*" || return
	jq -e '.hooks.createRuntime' "$BUNDLE/config.json"
}

@test "the image's variables and labels give nothing" {
	change '.process.env += ["io.jobfence.domains=allowed.test", "JOBFENCE_DOMAINS=allowed.test"] |
		.annotations = {"org.opencontainers.image.domains": "allowed.test"}'
	like "$(run_bundle runc)" "nc: can't connect*Operation not permitted*"
	lab_saw_nothing
	nothing_is_left
}

@test "the job of its cgroup fences a container, and outlives it" {
	job_up --domain allowed.test
	change '.linux.cgroupsPath = "/jobfence/'"$JOB"'/work/box" |
		.annotations = {"io.jobfence.domains": "denied.test"}'
	is "$(run_bundle runc)" "$FENCED"
	is "$(jobfence list --json | jq -r '.[].job')" "$JOB"
}

@test "a container in the cgroup of no job does not start" {
	change '.linux.cgroupsPath = "/jobfence/nobody/work/box"'
	refused_to_start 4 'there is no job nobody'
}

@test "a wrong annotation, or more than annotations may give, starts nothing" {
	local annotation

	for annotation in '"io.jobfence.domain": "allowed.test"' '"io.jobfence.domains": "http://a/"' \
		'"io.jobfence.domains": "allowed.test", "io.jobfence.allow-ech": "other.test"' \
		'"io.jobfence.domains": "allowed.test", "io.jobfence.rules": "GET other.test/"' \
		'"io.jobfence.domains": "allowed.test", "io.jobfence.intercept": "other.test"' \
		'"io.jobfence.domains": "allowed.test", "io.jobfence.intercept": "allowed.test"' \
		'"io.jobfence.network": "full", "io.jobfence.rate": "0"'; do
		change ".annotations = {$annotation}"
		refused_to_start 1 'jobfence: '
	done
}

@test "a bundle that the runtime might read otherwise is not started" {
	local option

	cp "$BUNDLE/config.json" "$BUNDLE/other.json"
	for option in "-b$BUNDLE" "-b=$BUNDLE" "--bun=$BUNDLE" "-db $BUNDLE" '--config other.json' '--config=other.json' '-f other.json'; do
		# shellcheck disable=SC2086 # words
		ends_with 2 in_lab env -C "$BUNDLE" JOBFENCE_OCI_RUNTIME=crun "$RUNTIME" --root /run/oci-crun run $option "$JOB"
		like "$ERRORS" '*is not known*'
	done
	lab_saw_nothing
}

@test "what a bundle lacks is said in words" {
	local lacking said

	while IFS='|' read -r lacking said; do
		cp "$BUNDLE/config.json" "$BUNDLE/whole"
		change "$lacking"
		refused_to_start 2 "jobfence: $said" </dev/null || return
		mv "$BUNDLE/whole" "$BUNDLE/config.json"
	done <<-'END'
		del(.root)|the bundle's config.json names no root file system; add: "root": {"path": "rootfs"}
		.linux.seccomp = {}|linux.seccomp in the bundle's config.json needs a defaultAction,*
		.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"]}]}|linux.seccomp *
		.mounts = 1|mounts in the bundle's config.json has to be a list
		del(.linux)|the bundle is not one for Linux: its config.json has no "linux"
	END
	change '.root.path = "no-such-folder"'
	refused_to_start 1 "jobfence: cannot open the bundle's root file system $BUNDLE/no-such-folder: No such file or directory"
	job_up
	change '.linux.cgroupsPath = "/jobfence/'"$JOB"'/work/box" | .linux.namespaces = 1'
	ends_with 2 run_bundle runc
	like "$ERRORS" "*jobfence: linux.namespaces in the bundle's config.json has to be a list*"
	jobfence down "$JOB"
}

@test "an engine gets the error also where it was cut within a character" {
	local pad euros

	euros=$(printf '€%.0s' {1..60})
	for pad in a aa aaa; do
		ends_with 2 in_lab env -C "$BUNDLE" "$RUNTIME" --log "$BUNDLE/log-$pad" create "--$pad$euros" "$JOB"
		like "$(jq -r .msg "$BUNDLE/log-$pad")" "jobfence: option --$pad€€*is not known*" || return
	done
}

@test "a container that the node's policy refuses does not start" {
	change '.annotations = {"io.jobfence.domains": "allowed.test"}'
	in_lab mkdir /etc/jobfence/jobfence.conf.d
	in_lab sh -c 'echo "accept = none" >/etc/jobfence/jobfence.conf.d/none.conf'
	refused_to_start 1 'set accept = http in /etc/jobfence/jobfence.conf'
	in_lab sh -c 'echo nonsense >/etc/jobfence/jobfence.conf.d/none.conf'
	refused_to_start 1 '/etc/jobfence/jobfence.conf.d/none.conf:1: '
	in_lab rm -r /etc/jobfence/jobfence.conf.d
	is "$(run_bundle runc)" "$FENCED"
}

@test "while jobfence is broken no container starts" {
	change '.annotations = {"io.jobfence.domains": "allowed.test"}'
	in_lab mount --bind /dev/null "${JOBFENCE%/*}/jobfence-proxy"
	refused_to_start 1 'cannot find jobfence-proxy'
	in_lab umount "${JOBFENCE%/*}/jobfence-proxy"
	change '.annotations = {}'
	in_lab mount -t tmpfs -o ro tmpfs /run/jobfence
	refused_to_start 1 'jobfence: '
	in_lab umount --lazy /run/jobfence
}

# Runs the hook of the bundle, which starts the container, under strace with these options.
trace_hook()
{
	# shellcheck disable=SC2016 # jq's
	change '.hooks = {createRuntime: [{path: "/usr/bin/strace", args: $ARGS.positional}]}' \
		--args -- "${STRACE[@]}" "$@" "$JOBFENCE" oci-hook --annotations createRuntime
}

@test "a hook that was killed starts nothing, and what is left is collected" {
	local call calls=$BATS_TEST_TMPDIR/calls

	jobfence up --job first && jobfence down first
	change '.annotations = {"io.jobfence.domains": "allowed.test"}'
	trace_hook "${TRACE[@]}" -o "$calls"
	is "$(in_lab runc --root /run/oci run --bundle "$BUNDLE" "$JOB")" "$FENCED"
	jobfence gc
	nothing_is_left
	lab_forget
	# A sample of the calls. lifecycle.bats tries all of them with `up`, which does the
	# same work.
	for call in $(choose_changes "$calls" 20 | sed -n '1~6p'); do
		trace_hook -o /dev/null -e "inject=${call%:*}:signal=KILL:when=${call#*:}"
		ends_with 1 in_lab runc --root /run/oci run --bundle "$BUNDLE" "$JOB"
		is "$OUTPUT" '' || lab_fail "call $call"
		like "$ERRORS" '*hook*'
		jobfence gc >/dev/null
		nothing_is_left || lab_fail "after call $call"
	done
	lab_saw_nothing
}

@test "a name that is taken ends neither the container's fence nor the other's" {
	job_up --job taken --domain allowed.test
	change '.annotations = {"io.jobfence.job": "taken", "io.jobfence.domains": "allowed.test"}'
	ends_with 1 run_bundle runc
	like "$ERRORS" '*there is a job taken already*'
	is "$(jobfence list --json | jq -r '.[].job')" taken
}

@test "a verb that is not known is refused" {
	ends_with 2 in_lab "$RUNTIME" --root /run/oci restore box
	ends_with 2 in_lab "$RUNTIME" --new-option value create box
}

@test "the commands of oci.md" {
	pages_up
	page_command jobfence-runtime "env JOBFENCE_OCI_RUNTIME=runc $RUNTIME --root /run/oci-runc"
	change '.process.args = ["fetch"]'
	HERE=$BUNDLE follow_page oci.md none
}
