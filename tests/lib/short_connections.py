# SPDX-License-Identifier: BSD-2-Clause
"""Makes 3000 connections, one after another."""

import socket

print("begun", flush=True)
for _ in range(3000):
    socket.create_connection(("11.0.0.2", 80)).close()
