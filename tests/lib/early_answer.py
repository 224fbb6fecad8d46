# SPDX-License-Identifier: BSD-2-Clause
"""Sends a body after its answer came, and one more request."""

import socket

client = socket.create_connection(("11.0.0.2", 80), 20)
client.sendall(b"POST /early HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 3000000\r\n\r\n")
answer = client.recv(65536)
while not answer.endswith(b"early\n"):
    answer += client.recv(65536)
client.sendall(b"a" * 3000000)
client.sendall(b"GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n")
print(b"".join(iter(lambda: client.recv(65536), b"")).split(b"\r\n\r\n")[1].decode(), end="")
