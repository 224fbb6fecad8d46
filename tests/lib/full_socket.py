# SPDX-License-Identifier: BSD-2-Clause
"""Fills the memory for options of a socket with keys (RFC 2385), and connects it. Prints the errors' names."""

import errno
import socket
import struct

TCP_MD5SIG = 14
MOST = 10000

client = socket.socket()
for number in range(MOST):
    # The address whose segments are to be signed, and the key.
    address = struct.pack("HH4s120x", socket.AF_INET, 0, struct.pack("!I", 0x7F000001 + number))
    try:
        client.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, address + struct.pack("BBHi80s", 0, 0, 3, 0, b"key"))
    except OSError as error:
        print(errno.errorcode[error.errno])
        break
print(errno.errorcode[client.connect_ex(("11.0.0.2", 80))])
