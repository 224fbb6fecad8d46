# SPDX-License-Identifier: BSD-2-Clause
"""Begins 1100 connections with TCP Fast Open."""

import resource
import socket
import time

resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))
sockets = []
for _ in range(1100):
    made = socket.socket()
    made.setsockopt(socket.IPPROTO_TCP, 34, 1)  # TCP_FASTOPEN_NO_COOKIE
    # TCP_FASTOPEN_CONNECT: the next call says that it is done.
    made.setsockopt(socket.IPPROTO_TCP, 30, 1)
    made.setblocking(False)
    made.connect(("11.0.0.2", 80))
    sockets.append(made)
for made in sockets:
    try:
        made.send(b"")
    except BlockingIOError:
        pass
print("ready", flush=True)
time.sleep(1000)
