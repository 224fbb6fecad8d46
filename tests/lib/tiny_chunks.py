# SPDX-License-Identifier: BSD-2-Clause
"""Sends a body of 5000 chunks of a byte."""

import socket

client = socket.create_connection(("11.0.0.2", 80), 60)
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
client.sendall(b"POST /upload HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
for _ in range(5000):
    client.sendall(b"1\r\na\r\n")
client.sendall(b"0\r\n\r\n")
print(b"".join(iter(lambda: client.recv(65536), b"")).split(b"\r\n\r\n")[1].decode(), end="")
