#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# A proxy's worker that an attacker has taken over. The test makes the installed program
# call the kernel as an attacker would. The sandbox and the fence of the worker's cgroup
# hold.

load ../lib/job

# A sanitizer needs more system calls than the worker.
setup()
{
	! is_sanitized || skip 'the sandbox of a sanitized proxy is another'
	lab_forget
}

# Prints how many filters of system calls process $1 has.
filters_of()
{
	# shellcheck disable=SC2016 # expanded by awk
	in_lab awk '/^Seccomp_filters:/ { print $2 }' "/proc/$1/status"
}

# Sets SUPERVISOR and WORKER of the job. Fails unless there is a worker that listens.
find_proxy()
{
	read -r -d '' SUPERVISOR WORKER < <(in_lab cat "$(proxy_cgroup)/cgroup.procs"; printf '\0') && [ -n "$WORKER" ] &&
		[ "$(filters_of "$WORKER")" -gt "$(filters_of "$SUPERVISOR")" ]
}

proxy_of_job()
{
	eventually find_proxy
}

# Makes the worker do each of the remaining arguments. Fails unless each ends with $1.
worker_gets()
{
	local wanted=$1

	shift
	proxy_of_job
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" "$@")" "$(printf "%s: $wanted\n" "$@")"
}

# Fails unless the worker's filter kills a process that makes any of these calls.
filter_kills()
{
	proxy_of_job
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" --filter "$@")" "$(printf '%s: killed\n' "$@")"
}

# Prints the number of the worker's descriptor $1, which enum proxy_fd names.
proxy_fd()
{
	awk -v name="$1" '/^\tFD_[A-Z0-9_]+( = [0-9]+)?,/ {
		if ($2 == "=")
			number = $3 - 1
		number++
		sub(/,$/, "", $1)
		if ($1 == name) {
			print number
			found = 1
		}
	}
	END { exit !found }' "$BATS_TEST_DIRNAME/../../include/jobfence/proxy.h"
}

# Prints 32 bytes of bpf(2)'s attributes that name an element of the map at descriptor $1,
# which enum proxy_fd names. Its key and value point nowhere.
element_of()
{
	printf '[%02x%062d]' "$(proxy_fd "$1")" 0
}

has_landlock()
{
	in_lab python3 "$LIB/has_landlock.py"
}

still_serves()
{
	is "$(fetch http://allowed.test)" 'this is allowed.test'
}

@test "it dials the web, and is refused everything else" {
	local host port refused=()

	printf '%s\n' 'accept = http' 'allow_domain = *' 'nat64_prefix = 2600:64::/96' >"$BATS_TEST_TMPDIR/jobfence.conf"
	job_up --config "$BATS_TEST_TMPDIR/jobfence.conf" --domain allowed.test
	worker_gets ok 'socket AF_INET SOCK_STREAM 0' 'connect $ 11.0.0.2:80 16' \
		'socket AF_INET6 SOCK_STREAM|SOCK_NONBLOCK 0' 'getsockname $ [28] [4]'
	lab_forget
	for host in 10.0.0.1 127.0.0.1 169.254.169.254 168.63.129.16 192.0.0.8 192.168.0.1 100.64.0.1; do
		refused+=("connect \$ $host:80 16" "connect \$ $host:443 16")
	done
	for port in 22 53 79 81 442 444 8080; do
		refused+=("connect \$ 11.0.0.2:$port 16")
	done
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" 'socket AF_INET SOCK_STREAM 0' "${refused[@]}" | tail -n +2)" \
		"$(printf '%s: EPERM\n' "${refused[@]}")"
	refused=('connect $ 2600:1::2:22 28' 'connect $ ::ffff:11.0.0.2:81 28')
	for host in ::1 fd00::1 fe80::1 ::ffff:10.0.0.1 ::ffff:127.0.0.1 100:0:0:1::8 2002:a00:1::1 2600:64::a9fe:a9fe 2600:64::a00:1; do
		refused+=("connect \$ $host:80 28")
	done
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" 'socket AF_INET6 SOCK_STREAM 0' "${refused[@]}" | tail -n +2)" \
		"$(printf '%s: EPERM\n' "${refused[@]}")"
	# The node's own address is refused only when its packet is about to leave.
	in_lab "$LIB/taken_over.py" "$WORKER" 'socket AF_INET SOCK_STREAM|SOCK_NONBLOCK 0' 'connect $ 11.0.0.1:80 16'
	lab_saw_nothing
	still_serves
}

@test "it sends datagrams to the node's resolver, and to nobody else" {
	# The address of a.test.
	local to refused=() query=000100000001000000000000016104746573740000010001

	job_up --domain allowed.test
	worker_gets ok 'socket AF_INET SOCK_DGRAM 0' "sendto \$ [$query] 24 0 11.0.0.53:53 16" 'connect $ 11.0.0.53:53 16'
	lab_forget
	for to in 11.0.0.53:54 11.0.0.2:53 11.0.0.2:443 127.0.0.1:53 169.254.169.254:80 255.255.255.255:67; do
		refused+=("sendto \$ [12] 12 0 $to 16" "connect \$ $to 16")
	done
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" 'socket AF_INET SOCK_DGRAM 0' "${refused[@]}" | tail -n +2)" \
		"$(printf '%s: EPERM\n' "${refused[@]}")"
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" 'socket AF_INET6 SOCK_DGRAM 0' 'sendto $ [12] 12 0 2600:1::2:443 28' |
		tail -n +2)" 'sendto $ [12] 12 0 2600:1::2:443 28: EPERM'
	lab_saw_nothing
}

@test "it makes no socket but TCP's and UDP's, and has no other way with one" {
	job_up --domain allowed.test
	filter_kills 'socket AF_UNIX SOCK_STREAM 0' 'socket AF_NETLINK SOCK_RAW 0' 'socket AF_PACKET SOCK_RAW 768' \
		'socket AF_VSOCK SOCK_STREAM 0' 'socket AF_ALG SOCK_SEQPACKET 0' 'socket 44 SOCK_RAW 0' \
		'socket AF_INET SOCK_RAW 6' 'socket AF_INET SOCK_RAW 255' 'socket AF_INET6 SOCK_RAW 58' \
		'socket AF_INET SOCK_DGRAM 1' 'socket AF_INET SOCK_STREAM 132' 'socket AF_INET SOCK_STREAM 262' \
		'socket AF_INET SOCK_SEQPACKET 132' 'socket AF_INET SOCK_DGRAM 136' 'socket AF_INET 6 33' \
		'socket 0 SOCK_STREAM 0' 'socket -1 -1 -1' 'setsockopt 4 SOL_SOCKET SO_BINDTODEVICE 0 0' \
		'setsockopt 4 SOL_SOCKET 26 0 0' 'setsockopt 4 SOL_SOCKET 36 0 0' 'setsockopt 4 0 19 0 0' \
		'setsockopt 4 0 35 0 0' 'setsockopt 4 6 31 0 0' 'setsockopt 4 6 19 0 0' 'setsockopt 4 0x6a66 1 0 0' \
		'connect 4 0 0' 'connect 5 0 0' 'connect 7 0 0' 'connect 9 0 0' 'connect 0x100000004 0 0' 'shutdown 4 0' \
		'shutdown 4 2' 'bind 4 0 0' 'listen 4 1' 'socketpair AF_UNIX SOCK_STREAM 0 0' 'sendmsg 4 0 0' 'sendmmsg 4 0 0 0'
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" --filter 'socket AF_INET SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK 0' \
		'connect 16 0 0' 'connect 4097 0 0' 'shutdown 4 1' 'setsockopt 4 6 1 0 0' | sed 's/.*: //' | sort -u)" passed
}

@test "of all files it reads /etc/hosts, and writes none but its log, to an end" {
	local path refused=()

	job_up --domain allowed.test
	jobfence up --job "$JOB-other" --domain other.test
	proxy_of_job
	for path in /etc/passwd /etc/shadow /etc/resolv.conf /etc/jobfence/jobfence.conf /dev/null /dev/urandom / \
		"/run/jobfence/jobs/$JOB/spec.json" "/run/jobfence/jobs/$JOB-other/spec.json" /run/jobfence/lock \
		"/sys/fs/bpf/jobfence/jobs/$JOB-other/maps/domains" "$(<"$LAB/cgroups")/cgroup.procs" \
		/proc/1/environ "/proc/$SUPERVISOR/mem" "/proc/$SUPERVISOR/maps" "/proc/$SUPERVISOR/environ" \
		/proc/self/mem /proc/self/exe /proc/self/maps; do
		refused+=("openat AT_FDCWD $path 0")
	done
	worker_gets EACCES "${refused[@]}"
	if has_landlock; then
		worker_gets ok 'openat AT_FDCWD /etc/hosts O_CLOEXEC' 'read $ [64] 64' 'pread64 $ [64] 64 0'
	else # then the filter of calls opens nothing at all
		worker_gets EACCES 'openat AT_FDCWD /etc/hosts 0' 'openat AT_FDCWD /dev/null O_RDWR'
		still_serves
		return
	fi
	filter_kills 'openat AT_FDCWD 0 O_WRONLY' 'openat AT_FDCWD 0 O_RDWR' 'openat AT_FDCWD 0 O_CREAT' \
		'openat AT_FDCWD 0 O_TRUNC' 'openat AT_FDCWD 0 O_PATH' 'openat AT_FDCWD 0 O_TMPFILE' \
		'openat AT_FDCWD 0 O_DIRECTORY' 'openat2 -1 0 0 0' 'open 0 0' 'creat 0 0' 'ftruncate 2 0' 'unlink 0'
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" 'fcntl 2 F_SETFL 0' 'lseek 2 1048570 0' 'write 2 [100] 100' \
		'write 2 [100] 100')" \
		$'fcntl 2 F_SETFL 0: ok\nlseek 2 1048570 0: ok\nwrite 2 [100] 100: ok\nwrite 2 [100] 100: EFBIG'
	is "$(in_lab stat -c %s "/run/jobfence/jobs/$JOB/proxy.log")" 1048576
	still_serves
}

@test "of the job's maps it changes what it counts, and no rule" {
	local fd

	job_up --domain allowed.test
	for fd in FD_DOMAINS FD_CONNECTIONS; do
		worker_gets EPERM "bpf 2 $(element_of $fd) 32" "bpf 3 $(element_of $fd) 32"
		worker_gets EFAULT "bpf 1 $(element_of $fd) 32"
	done
	worker_gets EFAULT "bpf 2 $(element_of FD_REFUSED) 32"
	worker_gets EPERM 'write 3 [8] 8' 'mmap 0 4096 PROT_READ|PROT_WRITE MAP_SHARED 3 0'
	worker_gets EACCES "mmap 0 4096 PROT_READ|PROT_WRITE MAP_SHARED $(proxy_fd FD_DOMAINS) 0"
	# The worker may access elements by key only. It may neither read a whole map nor
	# open a program, a link or an object by its number.
	filter_kills 'bpf 0 0 0' 'bpf 4 0 0' 'bpf 5 0 0' 'bpf 6 0 0' 'bpf 7 0 0' 'bpf 8 0 0' 'bpf 9 0 0' \
		'bpf 13 0 0' 'bpf 14 0 0' 'bpf 15 0 0' 'bpf 21 0 0' 'bpf 22 0 0' 'bpf 24 0 0' 'bpf 28 0 0'
	still_serves
}

@test "what it tells of refusals is read as the word of a stranger" {
	local map=/sys/fs/bpf/jobfence/jobs/$JOB/maps/refused

	job_up --domain allowed.test
	# Each key is a reason, a length and a name. One name clears the terminal, the
	# length of one exceeds the space, one is valid.
	for key in '09 04 1b 5b 32 4a' '09 ff 61' '09 06 65 2e 74 65 73 74'; do
		# shellcheck disable=SC2046,SC2086 # bytes
		in_lab bpftool map update pinned "$map" key hex $key $(yes 00 | head -n $((256 - $(wc -w <<<"$key")))) \
			value hex 01 $(yes 00 | head -n 15)
	done
	is "$(jobfence show --json "$JOB" | jq -c .refusals)" '[{"reason":"domain","name":"e.test","count":1}]'
	like "$(jobfence show "$JOB")" '*domain *1  e.test'
}

@test "it runs no program and no code of its own, and makes no process" {
	job_up --domain allowed.test
	filter_kills 'execve 0 0 0' 'execveat -1 0 0 0 0' 'fork' 'vfork' 'clone 17 0 0 0 0' 'clone3 0 0' 'memfd_create 0 0' \
		'mprotect 0 4096 PROT_EXEC' 'pkey_mprotect 0 4096 PROT_EXEC 0' 'personality 0x400000' 'uselib 0' \
		'mmap 0 4096 PROT_READ|PROT_EXEC MAP_PRIVATE|MAP_ANONYMOUS -1 0' \
		'mmap 0 4096 PROT_READ|PROT_WRITE|PROT_EXEC MAP_PRIVATE|MAP_ANONYMOUS -1 0' \
		'mmap 0 4096 PROT_EXEC MAP_SHARED 3 0'
	# Execute the call for real, and see the proxy recover.
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" 'execve /bin/true 0 0')" 'execve /bin/true 0 0: killed'
	proxy_of_job
	still_serves
}

@test "it neither traces, signals nor changes another process, nor the kernel" {
	job_up --domain allowed.test
	filter_kills 'ptrace 16 1 0 0' 'process_vm_readv 1 0 0 0 0 0' 'process_vm_writev 1 0 0 0 0 0' 'pidfd_open 1 0' \
		'pidfd_getfd 0 0 0' 'pidfd_send_signal 0 0 0 0' 'kill 1 0' 'kill -1 0' 'tkill 1 0' 'tgkill 1 1 0' \
		'rt_sigqueueinfo 1 0 0' 'fcntl 4 F_SETOWN 1' 'fcntl 4 F_SETSIG 9' 'fcntl 4 15 0' 'fcntl 4 F_DUPFD 0' \
		'fcntl 4 F_NOTIFY 0' 'kcmp 1 1 0 0 0' 'sched_setaffinity 1 0 0' 'prlimit64 1 0 0 0' 'setpriority 0 0 0' \
		'setuid 0' 'setresuid 0 0 0' 'setgroups 0 0' 'capset 0 0' 'prctl 4 1 0 0 0' 'seccomp 0 0 0' \
		'unshare 0x10000000' 'setns 0 0' 'mount 0 0 0 0 0' 'fsopen 0 0' 'open_tree -1 0 0' 'chroot 0' 'pivot_root 0 0' \
		'io_uring_setup 1 0' 'keyctl 0 0' 'add_key 0 0 0 0 0' 'perf_event_open 0 0 -1 -1 0' 'userfaultfd 0' \
		'landlock_create_ruleset 0 0 1' 'init_module 0 0 0' 'kexec_load 0 0 0 0' 'reboot 0 0 0 0' 'syslog 2 0 0' \
		'shmget 0 0 0' 'msgget 0 0' 'mq_open 0 0 0 0' 'inotify_init1 0' 'fanotify_init 0 0' 'quotactl 0 0 0 0'
	# The result is the same for each kind of descriptor: a terminal, a socket with an
	# owner, an interface.
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" 'ioctl 0 0x5412 0' 'ioctl 4 0x8901 [4]' 'ioctl 4 0x8927 [40]')" \
		$'ioctl 0 0x5412 0: ENOTTY\nioctl 4 0x8901 [4]: ENOTTY\nioctl 4 0x8927 [40]: ENOTTY'
}

@test "no other table of calls is a way around" {
	[ "$(uname -m)" = x86_64 ] || skip 'this processor has one table'
	job_up --domain allowed.test
	filter_kills 'x32 getpid' 'x32 read -1 0 0' 'x32 execve 0 0 0' 'x32 520 0 0 0' 'x32 545 0 0 0'
	is "$(in_lab "$LIB/taken_over.py" "$SUPERVISOR" --filter 'x32 socket AF_UNIX SOCK_STREAM 0')" \
		'x32 socket AF_UNIX SOCK_STREAM 0: killed'
	still_serves
}

# bats test_tags=vm
@test "nor is that of 32-bit programs" {
	needs_calls32
	job_up --domain allowed.test
	proxy_of_job
	# getpid(2)
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" 'int80 20')" 'int80 20: killed'
	proxy_of_job
	still_serves
}

# If you add a call to user/proxy/filters/write.c, add it here. Say above with which
# arguments.
@test "these calls it may make, and of all others none" {
	job_up --domain allowed.test
	proxy_of_job
	is "$(in_lab "$LIB/taken_over.py" "$WORKER" --filter | sort | paste -sd ' ')" "$(printf '%s\n' \
		accept4 brk clock_gettime close connect epoll_ctl epoll_pwait2 exit exit_group fstat futex getpeername \
		getpid getrandom getsockname getsockopt gettid gettimeofday ioctl lseek madvise mremap munmap newfstatat \
		pipe2 ppoll pread64 read recvfrom restart_syscall rt_sigprocmask rt_sigreturn sendto splice stat write writev |
		sort | paste -sd ' ')"
}

@test "the supervisor has no right but that of a user who owns nothing" {
	job_up --domain allowed.test
	proxy_of_job
	for pid in "$SUPERVISOR" "$WORKER"; do
		# shellcheck disable=SC2016 # expanded by awk
		is "$(in_lab awk '/^(Cap|NoNewPrivs|Groups)/ { printf "%s%s ", $1, $2 }' "/proc/$pid/status")" \
			"Groups: CapInh:$(printf %016d 0) CapPrm:$(printf %016d 0) CapEff:$(printf %016d 0) CapBnd:$(printf %016d 0) CapAmb:$(printf %016d 0) NoNewPrivs:1 "
	done
	is "$(in_lab "$LIB/taken_over.py" "$SUPERVISOR" 'kill 1 0' 'setuid 0' 'setgroups 0 0' 'mount /run /run 0 4096 0' \
		'socket AF_INET SOCK_RAW 6' 'ptrace 16 1 0 0' | sed 's/.*: //' | sort -u)" EPERM
	is "$(in_lab "$LIB/taken_over.py" "$SUPERVISOR" 'socket AF_INET SOCK_STREAM 0' 'connect $ 10.0.0.1:80 16' \
		'connect $ 11.0.0.2:22 16' | sed 's/.*: //' | paste -sd ' ')" 'ok EPERM EPERM'
	is "$(in_lab "$LIB/taken_over.py" "$SUPERVISOR" 'openat AT_FDCWD /etc/shadow 0' \
		"openat AT_FDCWD /run/jobfence/jobs/$JOB/spec.json O_WRONLY" \
		"openat AT_FDCWD /run/jobfence/jobs/$JOB/new O_WRONLY|O_CREAT 420" 'openat AT_FDCWD /proc/1/environ 0' \
		"openat AT_FDCWD /proc/$WORKER/mem 0" 'unlink /etc/hosts' | sed 's/.*: //' | sort -u)" EACCES
	lab_saw_nothing
	still_serves
}

@test "the supervisor has no sockets but those of a proxy, no namespaces, and less of the kernel than any user" {
	local refused=('socket AF_UNIX SOCK_STREAM 0' 'socket AF_UNIX SOCK_DGRAM 0' 'socketpair AF_UNIX SOCK_STREAM 0 [8]'
		'socket AF_PACKET SOCK_RAW 768' 'socket AF_VSOCK SOCK_STREAM 0' 'socket AF_ALG SOCK_SEQPACKET 0' 'socket 44 SOCK_RAW 0'
		'socket AF_NETLINK SOCK_RAW 12' 'socket AF_NETLINK SOCK_RAW 16' 'socket 0x100000001 SOCK_STREAM 0' 'io_uring_setup 1 [120]'
		'unshare CLONE_NEWUSER' 'clone 0x10000200 0 0 0 0' 'clone3 [64] 64' 'bpf 0 [128] 128' 'bpf 5 [128] 128'
		'bpf 0x100000000 [128] 128' 'perf_event_open [128] 0 -1 -1 0' 'userfaultfd 1' 'add_key 0 0 0 0 0' 'request_key 0 0 0 0'
		'keyctl 0 -3 1')

	job_up --domain allowed.test
	proxy_of_job
	is "$(in_lab "$LIB/taken_over.py" "$SUPERVISOR" "${refused[@]}")" "$(printf '%s: ENOSYS\n' "${refused[@]}")"
	still_serves
}
