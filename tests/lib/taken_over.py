#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
taken_over.py PID CALL...
taken_over.py PID --filter [CALL...]

Makes a process call the kernel as whoever took it over would: stops it, puts each CALL into its registers, and
prints it with how it ended: "ok", the name of an error, or "killed". It needs the rights of root, and nothing of the
process.

With --filter it asks the process's own filter of seccomp only, the last that it got, by a copy that makes an error of each verdict, and prints
"killed" or "passed" for each CALL. Without a CALL it tries every number with arguments that are good for nothing,
and prints those that pass.

A CALL is a system call's name or number and its arguments, each a number; a name of Python's modules for the
kernel's words, some of them with | between; or, not with --filter,

	/PATH		where such a text is
	HOST:PORT	where such a socket address is
	[N]		where N bytes of zero are, [HEX] where these are
	$		what the last socket or openat returned
	int80		as the first word: by the instruction of 32-bit programs

With x32 as the first word it has the bit of that other table of calls.
"""

import ctypes
import errno
import fcntl
import ipaddress
import mmap
import os
import platform
import re
import signal
import socket
import struct
import sys

PTRACE_POKETEXT, PTRACE_PEEKTEXT, PTRACE_SINGLESTEP, PTRACE_DETACH = 4, 1, 9, 17
PTRACE_GETREGSET, PTRACE_SETREGSET, PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4204, 0x4205, 0x4206, 0x4207
PTRACE_SECCOMP_GET_FILTER = 0x420c
NT_PRSTATUS = 1
SET_NO_NEW_PRIVS, SET_SECCOMP, MODE_FILTER = 38, 22, 2
RETURN, RETURN_ERROR = 0x06, 0x00050000  # BPF_RET | BPF_K, SECCOMP_RET_ERRNO
KILLED, PASSED = 4001, 4002
# SECCOMP_RET_KILL_PROCESS, _THREAD, _ALLOW.
VERDICTS = {0x80000000: KILLED, 0: KILLED, 0x7fff0000: PASSED}
X32 = 0x40000000
CALLS_MAX = 600
SCRATCH = 0x4000
WORDS = {"AT_FDCWD": -100, "CLONE_NEWUSER": 0x10000000, "PIDFD_SELF": os.getpid()}
MODULES = (os, socket, fcntl, mmap, signal, errno)

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_syscall_resolve_num_arch.restype = ctypes.c_char_p


class X86:
    """Places of registers in struct user_regs_struct."""
    count, program, number, result, arguments = 27, 16, 10, 10, (14, 13, 12, 7, 9, 8)
    original = 15  # what a call would be started again by
    instruction, other = b"\x0f\x05", b"\xcd\x80"
    unfiltered = 335, 336  # of the kernel's own probes, which end whoever else makes them


class Arm:
    """The same in struct user_pt_regs."""
    count, program, number, result, arguments = 34, 32, 8, 0, (0, 1, 2, 3, 4, 5)
    original, other = None, None
    instruction, unfiltered = b"\x01\x00\x00\xd4", ()


MACHINE = X86 if platform.machine() == "x86_64" else Arm


class Ended(Exception):
    """The process has been killed."""


class NoDoor(Exception):
    """This processor or kernel takes no calls by that instruction."""


def number_of(name):
    number = seccomp.seccomp_syscall_resolve_name(name.encode())
    if number < 0:
        sys.exit(f"taken_over: no call {name}")
    return number


def ptrace(request, pid, address=0, data=0):
    ctypes.set_errno(0)
    result = libc.ptrace(request, pid, address, data)
    if result == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace {request}")
    return result


class Process:
    """A process that is stopped in a call, or about to make one, as a proxy that waits is."""

    def __init__(self, pid):
        self.pid, self.descriptor = pid, -1
        ptrace(PTRACE_SEIZE, pid)
        ptrace(PTRACE_INTERRUPT, pid)
        self.wait()
        self.before = self.registers()
        self.code = self.before[MACHINE.program] - len(MACHINE.instruction)
        with open(f"/proc/{pid}/mem", "rb") as memory:
            memory.seek(self.code)
            if memory.read(len(MACHINE.instruction)) != MACHINE.instruction:
                sys.exit("taken_over: the process is not in a call")
        self.scratch = self.used = self.call(
            number_of("mmap"), 0, SCRATCH, mmap.PROT_READ | mmap.PROT_WRITE,
            mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)

    def wait(self):
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status) or os.WIFEXITED(status):
            raise Ended
        return status

    def registers(self, values=None):
        """Sets them, where values are given."""
        buffer = (ctypes.c_uint64 * MACHINE.count)(*(values or []))
        vector = struct.pack("QQ", ctypes.addressof(buffer), ctypes.sizeof(buffer))
        ptrace(PTRACE_SETREGSET if values else PTRACE_GETREGSET, self.pid, NT_PRSTATUS,
               ctypes.cast(vector, ctypes.c_void_p))
        return list(buffer)

    def step(self):
        """One instruction further. A signal that came before is swallowed."""
        ptrace(PTRACE_SINGLESTEP, self.pid)
        while (stopped_by := os.WSTOPSIG(self.wait())) != signal.SIGTRAP:
            if stopped_by == signal.SIGSEGV:
                raise NoDoor
            ptrace(PTRACE_SINGLESTEP, self.pid)

    def call(self, number, *arguments):
        values = list(self.before)
        values[MACHINE.program] = self.code
        for place, value in zip(MACHINE.arguments, arguments):
            values[place] = value % (1 << 64)
        values[MACHINE.number] = number
        if MACHINE.original is not None:
            values[MACHINE.original] = (1 << 64) - 1
        self.registers(values)
        self.step()
        result = self.registers()[MACHINE.result]
        return result - (1 << 64) if result >> 63 else result

    def call_otherwise(self, number, *arguments):
        """By the instruction of 32-bit programs, whose registers are others as well."""
        code = ptrace(PTRACE_PEEKTEXT, self.pid, self.code) % (1 << 64)
        patched = code >> 16 << 16 | int.from_bytes(MACHINE.other, "little")
        ptrace(PTRACE_POKETEXT, self.pid, self.code, patched)
        try:
            return self.call(number, *arguments)
        finally:
            try:
                ptrace(PTRACE_POKETEXT, self.pid, self.code, code)
            except ProcessLookupError:
                pass

    def put(self, content):
        place = self.used
        self.used += (len(content) + 15) // 16 * 16
        if self.used > self.scratch + SCRATCH:
            sys.exit("taken_over: too much in one call")
        with open(f"/proc/{self.pid}/mem", "wb", buffering=0) as memory:
            memory.seek(place)
            memory.write(content)
        return place

    def leave(self):
        self.call(number_of("munmap"), self.scratch, SCRATCH)
        self.registers(self.before)
        ptrace(PTRACE_DETACH, self.pid)


def socket_address(text):
    host, _, port = text.rpartition(":")
    address = ipaddress.ip_address(host)
    if address.version == 4:
        return struct.pack("=H", socket.AF_INET) + struct.pack("!H", int(port)) + address.packed + bytes(8)
    return (struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", int(port), 0) + address.packed +
            bytes(4))


def word(text):
    for module in MODULES:
        if hasattr(module, text):
            return int(getattr(module, text))
    return WORDS[text] if text in WORDS else int(text, 0)


def value_of(text):
    value = 0
    for part in text.split("|"):
        value |= word(part)
    return value


def argument(process, text):
    if text == "$":
        return process.descriptor
    if text.startswith("/"):
        return process.put(text.encode() + b"\0")
    if text.startswith("["):
        content = text.strip("[]")
        return process.put(bytes.fromhex(content) if len(content) > 4 else bytes(int(content)))
    if re.fullmatch(r"[0-9a-f.:]*[.:][0-9a-f.:]*", text):
        return process.put(socket_address(text))
    return value_of(text)


def parse(text):
    """The door, the call's number and its arguments as words."""
    door, name, *arguments = text.split() if text.split()[0] in ("x32", "int80") else ["", *text.split()]
    number = int(name) if name.isdigit() else number_of(name)
    return door, number | X32 * (door == "x32"), arguments


def run(process, text):
    door, number, arguments = parse(text)
    process.used = process.scratch
    call = process.call_otherwise if door == "int80" else process.call
    result = call(number, *(argument(process, text) for text in arguments))
    if number in (number_of("socket"), number_of("openat")):
        process.descriptor = result
    return result


def take_over(pid, calls):
    process = Process(pid)
    for text in calls:
        try:
            result = run(process, text)
        except Ended:
            print(f"{text}: killed", flush=True)
            return
        except NoDoor:
            print(f"{text}: no door", flush=True)
            continue
        print(f"{text}:", errno.errorcode[-result] if -4096 < result < 0 else "ok", flush=True)
    process.leave()


def filter_of(pid):
    ptrace(PTRACE_SEIZE, pid)
    ptrace(PTRACE_INTERRUPT, pid)
    os.waitpid(pid, 0)
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        last = next(int(line.split()[1]) for line in file if line.startswith("Seccomp_filters:")) - 1
    count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, last)
    instructions = ctypes.create_string_buffer(8 * count)
    ptrace(PTRACE_SECCOMP_GET_FILTER, pid, last, ctypes.addressof(instructions))
    ptrace(PTRACE_DETACH, pid)
    return instructions


def with_verdicts_as_errors(instructions):
    changed = bytearray(instructions.raw)
    for at in range(0, len(changed), 8):
        code, verdict = struct.unpack_from("=HxxI", changed, at)
        if code == RETURN and verdict in VERDICTS:
            struct.pack_into("=I", changed, at + 4, RETURN_ERROR | VERDICTS[verdict])
    return ctypes.create_string_buffer(bytes(changed), len(changed))


def verdicts(instructions, calls):
    """Whether each call, a number with its arguments, passes. They are made by a child, which can do nothing else from
    then on, not even end."""
    program = struct.pack("HQ", len(instructions) // 8, ctypes.addressof(instructions))
    shared = mmap.mmap(-1, 4 * len(calls) + 4)
    results = (ctypes.c_int * (len(calls) + 1)).from_buffer(shared)
    prepared = [[ctypes.c_long(value) for value in call] for call in calls]
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(SET_SECCOMP, MODE_FILTER, program)
        for i, call in enumerate(prepared):
            libc.syscall(*call)
            results[i] = ctypes.get_errno()
        results[len(calls)] = 1
        while True:
            pass
    while not results[len(calls)]:
        if os.waitpid(child, os.WNOHANG)[0]:
            sys.exit("taken_over: the filter could not be tried")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return [error != KILLED for error in results[:len(calls)]]


def try_all(instructions):
    native = seccomp.seccomp_arch_native()
    numbers = [number for number in range(CALLS_MAX) if number not in MACHINE.unfiltered]
    for number, passed in zip(numbers, verdicts(instructions, [[number] + [-1] * 6 for number in numbers])):
        if passed:
            print((seccomp.seccomp_syscall_resolve_num_arch(native, number) or b"%d" % number).decode())


def try_each(instructions, calls):
    parsed = [parse(text) for text in calls]
    made = [[number, *map(value_of, arguments)] for _, number, arguments in parsed]
    for text, passed in zip(calls, verdicts(instructions, made)):
        print(f"{text}:", "passed" if passed else "killed")


if sys.argv[2] != "--filter":
    take_over(int(sys.argv[1]), sys.argv[2:])
elif sys.argv[3:]:
    try_each(with_verdicts_as_errors(filter_of(int(sys.argv[1]))), sys.argv[3:])
else:
    try_all(with_verdicts_as_errors(filter_of(int(sys.argv[1]))))
