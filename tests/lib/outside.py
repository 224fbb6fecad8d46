#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
outside.py CASE...

Reaches for what is outside a job, by each case, and prints it with how it ended: "ok" or the name of an error. A
case is one of

	signal PID	kill(2) with no signal
	trace PID	ptrace(2)
	memory PID	read its memory through /proc
	files PID	look into its root through /proc
	descriptor PID	take its standard error by pidfd_getfd(2)
	limit PID	set a limit of it by prlimit(2)
	priority PID	set its priority
	processors PID	set the processors that it may run on
	shared KEY	find memory of System V by its key
	type [BITS]	put a byte into the terminal that is standard input; with more bits in the request
	type32		the same as a 32-bit program of x86
	paste [BITS]	paste there what is selected on the console, which a terminal that is none does not know: ENOTTY
	join PATH	write itself into the cgroup
	clone PATH	be born in the cgroup
	cgroups		mount the cgroups anew, in namespaces of its own
	load		load a program into the kernel
	attach PATH	attach a program to the cgroup that leads every connection to port 80 and lets it be
	pin PATH	open a pin of the fence
	unix PATH	connect to a Unix socket, @ for an abstract one
	unixgram PATH	send a datagram to one
"""

import ctypes
import errno
import os
import resource
import socket
import struct
import sys
import tempfile
import termios

from sockets import by_call32

SYS_BPF, SYS_CLONE3, SYS_PIDFD_OPEN, SYS_PIDFD_GETFD, SYS_IOCTL32 = 321, 435, 434, 438, 54
TIOCL_PASTESEL = b"\x03"
BPF_PROG_LOAD, BPF_OBJ_GET, BPF_PROG_ATTACH = 5, 7, 8
PROG_TYPE_CGROUP_SKB, PROG_TYPE_CGROUP_SOCK_ADDR = 8, 18
CGROUP_INET4_CONNECT = 10
CLONE_INTO_CGROUP, CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUSER = 1 << 33, 0x20000, 0x2000000, 0x10000000
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WAIT_ALL = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def pid_of(text):
    """A parent in another PID namespace has no number: 0 would be the caller's own group."""
    pid = os.getppid() if text == "parent" else int(text)
    if not pid:
        raise ProcessLookupError(errno.ESRCH, "")
    return pid


def try_signal(pid):
    os.kill(pid_of(pid), 0)


def try_trace(pid):
    check(libc.ptrace(PTRACE_ATTACH, pid_of(pid), None, None))
    os.waitpid(pid_of(pid), WAIT_ALL)
    libc.ptrace(PTRACE_DETACH, pid_of(pid), None, None)


def try_memory(pid):
    with open(f"/proc/{pid_of(pid)}/mem", "rb"):
        pass


def try_files(pid):
    os.listdir(f"/proc/{pid_of(pid)}/root/")


def try_descriptor(pid):
    pidfd = check(libc.syscall(SYS_PIDFD_OPEN, pid_of(pid), 0))
    check(libc.syscall(SYS_PIDFD_GETFD, pidfd, 2, 0))


def try_limit(pid):
    resource.prlimit(pid_of(pid), resource.RLIMIT_CORE, (0, 0))


def try_priority(pid):
    os.setpriority(os.PRIO_PROCESS, pid_of(pid), 19)


def try_processors(pid):
    os.sched_setaffinity(pid_of(pid), {0})


def try_shared(key):
    check(libc.shmget(int(key, 0), 0, 0))


def try_type(more="0"):
    # The upper half of the request is nothing to the kernel, but may be to a filter.
    byte = ctypes.create_string_buffer(b"#")
    check(libc.ioctl(0, ctypes.c_ulong(termios.TIOCSTI | int(more, 0)), byte))


def try_type32():
    by_call32(SYS_IOCTL32, 0, termios.TIOCSTI, None, memory=b"#")


def try_paste(more="0"):
    check(libc.ioctl(0, ctypes.c_ulong(termios.TIOCLINUX | int(more, 0)), TIOCL_PASTESEL))


def try_join(path):
    with open(path + "/cgroup.procs", "w", encoding="ascii") as processes:
        processes.write("0")


def try_clone(path):
    cgroup = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    arguments = struct.pack("11Q", CLONE_INTO_CGROUP, 0, 0, 0, 17, 0, 0, 0, 0, 0, cgroup)
    child = check(libc.syscall(SYS_CLONE3, arguments, len(arguments)))
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def try_cgroups():
    """What is seen there is the job's own cgroup, if anything."""
    uid = os.getuid()
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP))
    with open("/proc/self/setgroups", "w", encoding="ascii") as groups:
        groups.write("deny")
    with open("/proc/self/uid_map", "w", encoding="ascii") as users:
        users.write(f"0 {uid} 1")
    with tempfile.TemporaryDirectory() as folder:
        check(libc.mount(b"cgroup2", folder.encode(), b"cgroup2", 0, None))
        try:
            with open("/proc/self/cgroup", encoding="ascii") as own:
                if not own.read().strip().endswith(":/"):
                    raise OSError(errno.EXDEV, "")
            try_join(folder)
        finally:
            libc.umount2(folder.encode(), 2)


def bpf(command, attributes):
    padded = ctypes.create_string_buffer(attributes, 128)
    return check(libc.syscall(SYS_BPF, command, padded, 128))


def load(kind, *instructions, attach=0):
    """Loads a program that ends with letting everything pass."""
    every = (*instructions, (0xb7, 0, 0, 1), (0x95, 0, 0, 0))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=BBhi", *one) for one in every))
    words = ctypes.create_string_buffer(b"GPL")
    return bpf(BPF_PROG_LOAD, struct.pack("=IIQQ44xI", kind, len(every), ctypes.addressof(code),
                                          ctypes.addressof(words), attach))


def try_load():
    load(PROG_TYPE_CGROUP_SKB)


def try_attach(path):
    port = (0xb7, 2, 0, socket.htons(80)), (0x63, 0x21, 24, 0)  # context->user_port
    program = load(PROG_TYPE_CGROUP_SOCK_ADDR, *port, attach=CGROUP_INET4_CONNECT)
    cgroup = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    bpf(BPF_PROG_ATTACH, struct.pack("=IIII", cgroup, program, CGROUP_INET4_CONNECT, 0))


def try_pin(path):
    words = ctypes.create_string_buffer(path.encode())
    bpf(BPF_OBJ_GET, struct.pack("=QI", ctypes.addressof(words), 0))


def unix_address(path):
    return "\0" + path[1:] if path[0] == "@" else path


def try_unix(path):
    socket.socket(socket.AF_UNIX).connect(unix_address(path))


def try_unixgram(path):
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"leak", unix_address(path))


for case in sys.argv[1:]:
    what, *arguments = case.split()
    try:
        globals()["try_" + what](*arguments)
        result = "ok"
    except OSError as error:
        result = errno.errorcode[error.errno]
    print(f"{case}: {result}", flush=True)
