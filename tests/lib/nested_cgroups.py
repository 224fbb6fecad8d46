#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
nested_cgroups.py LEVELS

Mounts the job's own cgroup in namespaces of its own and makes a chain of that many cgroups in it. Their names are so long
that no path reaches the last one.
"""

import ctypes
import os
import sys

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUSER = 0x20000, 0x2000000, 0x10000000
libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP))
for name, text in ("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1"):
    with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
        file.write(text)
check(libc.mount(b"cgroup2", b"/mnt", b"cgroup2", 0, None))
current = os.open("/mnt", os.O_RDONLY | os.O_DIRECTORY)
for _ in range(int(sys.argv[1])):
    os.mkdir("d" * 200, dir_fd=current)
    inner = os.open("d" * 200, os.O_RDONLY | os.O_DIRECTORY, dir_fd=current)
    os.close(current)
    current = inner
print("made", sys.argv[1], "levels")
