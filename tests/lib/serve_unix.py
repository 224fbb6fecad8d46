#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
serve_unix.py PATH...

Makes Unix sockets that every user may connect to, and their folders. Answers each connection
to the first one with the name of its folder.
"""

import os
import socket
import sys

listeners = []
for path in sys.argv[1:]:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    listeners.append(socket.create_server(path, family=socket.AF_UNIX))
    os.chmod(path, 0o666)
print("ready", flush=True)
while True:
    listeners[0].accept()[0].send(os.path.basename(os.path.dirname(sys.argv[1])).encode())
