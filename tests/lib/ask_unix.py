#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ask_unix.py PATH connects to a Unix socket, and prints what it says."""

import socket
import sys

client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
print(client.recv(99).decode())
