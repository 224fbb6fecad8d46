# SPDX-License-Identifier: BSD-2-Clause
"""Prints each entry that comes to the socket of journald as a line of JSON, and ends after $2 entries.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL has the format. No value here has an end of line.
"""

import json
import os
import socket
import sys

path, count = sys.argv[1], int(sys.argv[2])
os.makedirs(os.path.dirname(path), exist_ok=True)
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(path)
print("ready", flush=True)
for _ in range(count):
    fields = server.recv(65536).decode().splitlines()
    print(json.dumps(dict(field.split("=", 1) for field in fields)), flush=True)
os.unlink(path)
