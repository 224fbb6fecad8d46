# SPDX-License-Identifier: BSD-2-Clause
"""Moves data over the loopback of the job."""

import socket

listening = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listening.getsockname())
server = listening.accept()[0]
for _ in range(100):
    client.sendall(bytes(50000))
    left = 50000
    while left:
        left -= len(server.recv(left))
