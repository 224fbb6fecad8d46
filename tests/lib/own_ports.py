#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
own_ports.py all [STRIDE]
own_ports.py serve

As `all`, binds every port, or each STRIDEth, to the wildcard of each family, for TCP and for UDP. It
listens and closes. It tries the ports of servers with each option that matters, too. As `serve`,
listens at the ports of the web and of DNS in every way that a server may, and says "ready". It
prints a line for each connection and datagram until its standard input ends, then how many came.
"""

import errno
import itertools
import select
import socket
import sys

SERVERS = (1, 2, 53, 80, 443, 853, 1024, 8080, 65535)
WEB = (53, 80, 443)


def listen(family, kind, address, port, reuse=False, only=False):
    made = socket.socket(family, kind)
    if reuse:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if only:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind((address, port))
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


def bind_all(stride):
    kinds = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))
    for (family, address), kind in itertools.product(kinds, (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
        cases = [(port, False, False) for port in range(1, 65536, stride)]
        cases += itertools.product(SERVERS, (True, False), (True, False) if family == socket.AF_INET6 else (False,))
        for port, reuse, only in cases:
            try:
                listen(family, kind, address, port, reuse, only).close()
            except OSError as error:
                print(address, kind.name, port, reuse, only, errno.errorcode[error.errno])


def serve():
    sockets = []
    for port, kind in itertools.product(WEB, (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
        sockets.append(listen(socket.AF_INET, kind, "0.0.0.0", port, reuse=True))
        sockets.append(listen(socket.AF_INET6, kind, "::", port, reuse=True, only=True))
    print("ready", flush=True)
    count = 0
    while True:
        for ready in select.select([*sockets, sys.stdin], [], [])[0]:
            if ready is sys.stdin:
                print("seen", count, flush=True)
                return
            count += 1
            if ready.type == socket.SOCK_STREAM:
                client, source = ready.accept()
                client.sendall(b"own\n")
                client.close()
            else:
                source = ready.recvfrom(9)[1]
                ready.sendto(b"own\n", source)
            print(ready.type.name, ready.getsockname()[1], source[0], flush=True)


if __name__ == "__main__":
    bind_all(int(sys.argv[2]) if len(sys.argv) > 2 else 1) if sys.argv[1] == "all" else serve()
