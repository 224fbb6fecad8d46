# SPDX-License-Identifier: BSD-2-Clause
"""Answers on ports of its own where a proxy would be expected."""

import select
import socket
import sys

listening = [socket.create_server((address, int(port)), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    for address in ("0.0.0.0", "::") for port in ("80", "443", sys.argv[1])]
print("ready", flush=True)
while True:
    for ready in select.select(listening, [], [])[0]:
        ready.accept()[0].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntrick")
