#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
abandon.py silent|held

Asks the proxy for names that the resolver does not answer yet, in more connections than may
look up at once, and resets them. Then prints the answer to one more. With `held` the
resolver answers later, and a connection that stays must get its own answer.
"""

import select
import socket
import ssl
import struct
import sys

CONTEXT = ssl.create_default_context()


def send(port, data):
    client = socket.create_connection(("11.0.0.2", port), 20)
    client.sendall(data)
    return client


def request(name):
    return send(80, b"GET / HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % name.encode())


def tunnel(name):
    return send(80, b"CONNECT %b:443 HTTP/1.1\r\n\r\n" % name.encode())


def hello(name):
    sent = ssl.MemoryBIO()
    try:
        CONTEXT.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return send(443, sent.read())


def abandon(clients):
    request("denied.test").recv(1000)  # answered once those before it were read
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


def silent():
    for first in range(0, 5000, 500):
        abandon([request(f"n{first + i}.silent.test") for i in range(500)])
    # At once, while the look-ups above still wait.
    last = request("last.silent.test")
    print(b"".join(iter(lambda: last.recv(1000), b"")).decode())


def held():
    for _ in range(3):
        abandon([(request, tunnel, hello)[i % 3](f"n{i}.held.test") for i in range(350)])
        kept = request("kept.held.test")
        while not select.select([kept], [], [], 0)[0]:
            request("release.test").recv(1000)
        answer = kept.recv(1000)
        if not answer.startswith(b"HTTP/1.1 200 "):
            sys.exit(f"the connection that stays is answered: {answer}")


{"silent": silent, "held": held}[sys.argv[1]]()
