# SPDX-License-Identifier: BSD-2-Clause
"""Connects by a socket that went through a Unix socket."""

import socket
import sys

ours, theirs = socket.socketpair(socket.AF_UNIX)
made = socket.socket()
socket.send_fds(ours, [b"x"], [made.fileno()])
fd = socket.recv_fds(theirs, 1, 1)[1][0]
try:
    socket.socket(fileno=fd).connect(("11.0.0.2", 81))
except PermissionError:
    sys.exit(0)
sys.exit("it could be connected")
