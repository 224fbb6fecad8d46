#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Sends 30 requests with heads of 4 KB to a site that answers once a connection, one after the other."""

import socket

client = socket.create_connection(("11.0.0.2", 80), 60)
stream = client.makefile("rb")
for _ in range(30):
    client.sendall(b"GET /once HTTP/1.1\r\nHost: allowed.test\r\nA: " + b"a" * 4000 + b"\r\n\r\n")
    while stream.readline() != b"once\n":
        pass
