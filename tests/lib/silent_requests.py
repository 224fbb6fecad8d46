# SPDX-License-Identifier: BSD-2-Clause
"""Sends so many requests to a site that does not answer, one on each connection, and stays."""

import signal
import socket
import sys

kept = []
for _ in range(int(sys.argv[1])):
    kept.append(socket.create_connection(("11.0.0.2", 80)))
    kept[-1].sendall(b"GET / HTTP/1.1\r\nHost: silent.test\r\n\r\n")
print("begun", flush=True)
signal.pause()
