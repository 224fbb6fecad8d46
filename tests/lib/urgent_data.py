# SPDX-License-Identifier: BSD-2-Clause
"""Sends urgent data in a WebSocket, and reads what comes after it."""

import socket

made = socket.create_connection(("11.0.0.2", 80), 30)
stream = made.makefile("rb")
made.sendall(b"GET /websocket/1 HTTP/1.1\r\nHost: allowed.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
assert stream.readline().startswith(b"HTTP/1.1 101 ")
while stream.readline() != b"\r\n":
    pass
for _ in range(3):
    made.send(b"!", socket.MSG_OOB)
    made.sendall(b"behind it\n")
    assert stream.readline() == b"behind it\n"
