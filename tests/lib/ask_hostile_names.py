#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ask_hostile_names.py NAME...

Asks the DNS stub for names, one query each, and waits for each answer. A name is one label
of any bytes, with the escapes of a Python string, and is below .test.
"""

import socket
import struct
import sys

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.connect(("192.0.0.8", 53))
    client.settimeout(10)
    for name in sys.argv[1:]:
        label = name.encode("latin-1").decode("unicode_escape").encode("latin-1")
        client.send(
            struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0)
            + bytes([len(label)])
            + label
            + b"\4test\0\0\1\0\1"
        )
        client.recv(4096)
