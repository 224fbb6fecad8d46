#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
websocket_tls.py CERTIFICATE

Opens a websocket of the site inside TLS, and sends three frames, which come back. Prints the head
of the answer and the frames. To be run in a job that trusts CERTIFICATE.
"""

import socket
import ssl
import sys

HEAD = ("GET /websocket HTTP/1.1", "Host: allowed.test", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "")

context = ssl.create_default_context(cafile=sys.argv[1])
with context.wrap_socket(socket.create_connection(("11.0.0.2", 443), 30), server_hostname="allowed.test") as tls:
    tls.sendall("\r\n".join(HEAD).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += tls.recv(4096)
    print(answer.decode().replace("\r", ""), end="")
    for frame in (b"frame1", b"frame2", b"x" * 100000):
        tls.sendall(frame)
        heard = b""
        while len(heard) < len(frame):
            heard += tls.recv(65536)
        print(heard == frame)
