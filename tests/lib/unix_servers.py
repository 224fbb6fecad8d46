# SPDX-License-Identifier: BSD-2-Clause
"""Makes Unix sockets by path and by abstract name."""

import os
import socket
import sys
import time

for kind, name in ((socket.SOCK_STREAM, "stream"), (socket.SOCK_DGRAM, "datagrams")):
    for path in (f"{sys.argv[1]}/{name}", f"\0{name}"):
        made = socket.socket(socket.AF_UNIX, kind)
        made.bind(path)
        if kind == socket.SOCK_STREAM:
            made.listen()
        globals()[path] = made
    os.chmod(f"{sys.argv[1]}/{name}", 0o777)
print("ready as", os.getpid(), flush=True)
time.sleep(1000)
