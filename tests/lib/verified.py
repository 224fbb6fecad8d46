#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints the instructions that the verifier went through for each pinned program of a folder.

usage: verified.py FOLDER

A line is NAME,INSTRUCTIONS. The kernel tells it in the fdinfo of a program (Linux 5.16).
"""

import ctypes
import os
import pathlib
import re
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
BPF_OBJ_GET = 7


class Attributes(ctypes.Structure):
    _fields_ = [("path", ctypes.c_uint64), ("fd", ctypes.c_uint32), ("flags", ctypes.c_uint32)]


def open_pinned(path):
    name = ctypes.create_string_buffer(os.fsencode(path))
    attributes = Attributes(ctypes.addressof(name), 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(SYS_BPF, BPF_OBJ_GET, ctypes.byref(attributes), ctypes.sizeof(attributes))
    if fd < 0:
        sys.exit(f"{path}: {os.strerror(ctypes.get_errno())}")
    return fd


for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    fd = open_pinned(path)
    info = pathlib.Path(f"/proc/self/fdinfo/{fd}").read_text()
    print(f"{path.name},{re.search(r'verified_insns:	*([0-9]+)', info)[1]}")
    os.close(fd)
