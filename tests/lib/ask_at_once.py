# SPDX-License-Identifier: BSD-2-Clause
"""Sends a request to each of the names before it reads an answer. Prints the last line of each."""

import socket
import sys


def ask(name):
    site = socket.create_connection(("11.0.0.2", 80))
    site.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
    return site


for site in [ask(name) for name in sys.argv[1:]]:
    print(site.makefile().readlines()[-1], end="")
