#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Sockets of families that the hooks on cgroups never see, from containers of Docker. The
# kernel may have no BPF LSM. The filter of system calls refuses them with any profile that
# the engine gave.

load ../lib/docker

share=(-v /usr:/usr:ro -v /usr/lib:/lib:ro -v /usr/lib64:/lib64:ro -v "$LIB:$LIB:ro")
others=('socket VSOCK STREAM 0' 'socket PACKET RAW 0' 'socket PACKET DGRAM 0' 'socket ALG SEQPACKET 0'
	'socket 44 RAW 0' 'socket 38 SEQPACKET 0' 'socket 9 DGRAM 0' 'wide PACKET RAW 0' 'pair 30 STREAM 0' 'pair INET STREAM 0'
	io_uring request_key)
# For socketcall the filter has another errno. The profile's default is EPERM, and runtimes
# leave out a rule that does the same as the default.
detours=('socketcall PACKET RAW 0' 'socketcall INET STREAM 0' request_key32)

# Runs a command in a container of the job. The array `options` may hold options of Docker.
contained()
{
	docker run --rm --network none --runtime jobfence --cgroup-parent "/jobfence/$JOB/work" "${share[@]}" \
		"${options[@]}" box "$@"
}

# Starts a container of the job that waits for commands.
container_up()
{
	docker run -d --name "$JOB" --network none --runtime jobfence --cgroup-parent "/jobfence/$JOB/work" \
		"${share[@]}" box sleep 1000
}

# Runs a command in that container.
inside()
{
	docker exec "$JOB" "$@"
}

# Fails unless the command $1 gets only sockets of the four families in the container.
has_four_families()
{
	"$1" "$LIB/sockets.py" "${others[@]}" >"$BATS_TEST_TMPDIR/seen"
	is "$(grep -vc ': EPERM$' "$BATS_TEST_TMPDIR/seen")" 0 || lab_fail "$(<"$BATS_TEST_TMPDIR/seen")" || return
	is "$(wc -l <"$BATS_TEST_TMPDIR/seen")" "${#others[@]}" || return
	"$1" "$LIB/sockets.py" 'socket UNIX STREAM 0' 'socket INET STREAM 0' 'socket INET6 DGRAM 0' \
		'socket NETLINK RAW 0' 'pair UNIX STREAM 0' 'tcp 11.0.0.2 80' >"$BATS_TEST_TMPDIR/seen"
	is "$(grep -vc ': ok$' "$BATS_TEST_TMPDIR/seen")" 0 || lab_fail "$(<"$BATS_TEST_TMPDIR/seen")"
}

# Fails unless the command $1, as a 32-bit program in the container, gets no socket and no
# key.
has_no_detours()
{
	"$1" "$LIB/sockets.py" "${detours[@]}" >"$BATS_TEST_TMPDIR/seen"
	is "$(grep -cE ': (EPERM|ENOSYS)$' "$BATS_TEST_TMPDIR/seen")" "${#detours[@]}" ||
		lab_fail "$(<"$BATS_TEST_TMPDIR/seen")"
}

@test "with Docker's profile a container has sockets of four families only" {
	local options=()

	job_up --domain allowed.test
	has_four_families contained
}

@test "without a profile a container has sockets of four families only" {
	local options=(--security-opt seccomp=unconfined)

	job_up --domain allowed.test
	has_four_families contained
}

@test "what a container's exec starts has sockets of four families only" {
	job_up --domain allowed.test
	container_up
	has_four_families inside
}

# bats test_tags=vm
@test "nor has a container others by the calls of 32-bit programs" {
	local options

	needs_calls32
	job_up --domain allowed.test
	options=()
	has_no_detours contained
	options=(--security-opt seccomp=unconfined)
	has_no_detours contained
	container_up
	has_no_detours inside
}

@test "with the network full a container keeps the profile that it was given" {
	job_up --network full --rate 0
	is "$(docker run --rm --network host --runtime jobfence --cgroup-parent "/jobfence/$JOB/work" "${share[@]}" \
		--security-opt seccomp=unconfined box "$LIB/sockets.py" 'wide PACKET RAW 0')" 'wide PACKET RAW 0: ok'
}
