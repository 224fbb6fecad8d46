# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# For tests of the programs in the kernel. The commands get into the job as those of a
# container engine do, by its cgroup and namespace alone: with all rights of root, and
# nothing but the fence around them.

# shellcheck source=tests/lib/job.bash
. "${BASH_SOURCE[0]%/*}/job.bash"

# Runs a command in the cgroup $1, and in the network namespace of the job.
enter()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' enter "$1" \
		nsenter --net="$(up_says '.netns // "/proc/self/ns/net"')" "${@:2}"
}

in_fence()
{
	enter "$(up_says .cgroup)" "$@"
}

# Fails unless each of the remaining arguments, cases of sockets.py, ends with $1 in the
# job.
all_end_with()
{
	local result=$1

	shift
	is "$(in_fence "$LIB/sockets.py" "$@")" "$(printf "%s: $result\n" "$@")"
}

up_on_node()
{
	job_up --netns /proc/self/ns/net --domain allowed.test
}

# Takes the job's programs $1 (a pattern) away.
detach()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'rm "$1"/links/$2' detach "/sys/fs/bpf/jobfence/jobs/$JOB" "$1"
}

# Takes all of them away but the filter of packets, and what refuses sockets as they are
# made.
only_packet_filter()
{
	detach '[!ei]*gress'
	detach '*[!s]4'
	detach '*[!s]6'
}
