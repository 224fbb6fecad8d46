# SPDX-License-Identifier: BSD-2-Clause
"""Sends a body to a site that answers before it, and closes."""

import socket

client = socket.create_connection(("11.0.0.2", 80), 20)
client.sendall(b"POST /early-end HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 1000000\r\n\r\n" + bytes(1000000))
print(b"".join(iter(lambda: client.recv(65536), b"")).decode(), end="")
