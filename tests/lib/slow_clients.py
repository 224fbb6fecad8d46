#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
slow_clients.py SOCKET

Makes 16 connections to the Unix socket SOCKET, and sends a byte of a request on each every second. Says "begun", and
"ended" once the other side has closed all of them.
"""

import socket
import sys
import time

kept = []
for i in range(16):
    kept.append(socket.socket(socket.AF_UNIX))
    kept[-1].connect(sys.argv[1])
    kept[-1].sendall(b"GET /metrics HTTP/1.1\r\nX: ")
print("begun", flush=True)
while kept:
    time.sleep(1)
    for one in list(kept):
        try:
            one.sendall(b"x")
        except OSError:
            kept.remove(one)
print("ended", flush=True)
