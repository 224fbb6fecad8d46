#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
from_port.py PORT TURN NAME...

Connects to 11.0.0.2, port 80, from that port, or one that the kernel chooses if it is 0, and says "from PORT". Once
somebody has opened the pipe TURN and closed it again, asks for each name over that connection, and says "NAME STATUS". At
last the connection is reset, so that its port is free, and it says "closed".
"""

import http.client
import socket
import struct
import sys

port, turn, *names = sys.argv[1:]
made = socket.socket()
made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
if port != "0":
    made.bind(("", int(port)))
made.connect(("11.0.0.2", 80))
print("from", made.getsockname()[1], flush=True)
with open(turn, encoding="ascii") as pipe:
    pipe.read()
for name in names:
    made.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    response = http.client.HTTPResponse(made)
    response.begin()
    response.read()
    print(name, response.status, flush=True)
made.close()
print("closed", flush=True)
