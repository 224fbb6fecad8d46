#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
three_ways.py GOOD REQUEST...

Sends requests (with escapes as in Python's strings) to 11.0.0.2, and prints a line of
statuses for each way of each. There are three ways: as the first on a connection, after the
answer to the good request, and right after that request.
"""

import re
import socket
import sys

good, *requests = (text.encode().decode("unicode_escape").encode("latin-1") for text in sys.argv[1:])
for way in "first", "after", "behind":
    for request in requests:
        client = socket.create_connection(("11.0.0.2", 80), 20)
        answer = b""
        if way == "after":
            client.sendall(good)
            while not answer.endswith(b"this is node\n"):
                answer += client.recv(65536) or sys.exit("no answer")
        client.sendall(good + request if way == "behind" else request)
        answer += b"".join(iter(lambda: client.recv(65536), b""))
        found = re.findall(r"HTTP/1.1 (\d+)", answer.decode("latin-1"))
        if way != "first" and found.pop(0) != "200":
            sys.exit("the good request is refused")
        print(*found)
