#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
early.py TURN

Makes sockets of every kind that reach the Internet of a lab, and connects some: that port 4444 of 11.0.0.2 listens is
needed. Says "ready PORT" of the one that listens. At each line of the pipe TURN it sends by each of them, and says how each ended, as
sockets.py does; then "done".
"""

import errno
import socket
import struct
import sys

NEAR4, NEAR6 = ("11.0.0.1", "2600:1::1")
FAR4, FAR6 = ("11.0.0.2", "2600:1::2")
PORT = 444
UDP, HOP, ROUTING, FRAGMENT, DESTINATION = socket.IPPROTO_UDP, 0, 43, 44, 60
MORE = 0x2000
DATAGRAM = struct.pack("!HHHH", 4000, PORT, 12, 0) + b"leak"
ECHO4, ECHO6 = (struct.pack("!BBHHH", kind, 0, 0, 1, 1) + b"leak" for kind in (8, 128))
PADDING = bytes((UDP, 0, 1, 4, 0, 0, 0, 0))


def ip4(fragment=0, options=b""):
    return struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(DATAGRAM), 1, fragment, 64,
                       UDP, 0, socket.inet_aton(NEAR4), socket.inet_aton(FAR4)) + options + DATAGRAM


def ip6(first=UDP, header=b""):
    ends = (socket.inet_pton(socket.AF_INET6, address) for address in (NEAR6, FAR6))
    return struct.pack("!IHBB16s16s", 6 << 28, len(header) + len(DATAGRAM), first, 64, *ends) + header + DATAGRAM


def raw(family, protocol, data):
    made = socket.socket(family, socket.SOCK_RAW, protocol)
    to = (FAR4 if family == socket.AF_INET else FAR6, 0)
    return lambda: made.sendto(data, to)


def connected(kind, port):
    made = socket.socket(socket.AF_INET, kind)
    made.connect((FAR4, port))
    return lambda: made.send(b"leak")


def unconnected(family, address):
    made = socket.socket(family, socket.SOCK_DGRAM)
    return lambda: made.sendto(b"leak", (address, PORT))


def packet4(*head):
    return raw(socket.AF_INET, socket.IPPROTO_RAW, ip4(*head))


def packet6(*head):
    return raw(socket.AF_INET6, socket.IPPROTO_RAW, ip6(*head))


senders = {
    "connected": connected(socket.SOCK_DGRAM, PORT),
    "unconnected": unconnected(socket.AF_INET, FAR4),
    "unconnected6": unconnected(socket.AF_INET6, FAR6),
    "echo": raw(socket.AF_INET, socket.IPPROTO_ICMP, ECHO4),
    "echo6": raw(socket.AF_INET6, socket.IPPROTO_ICMPV6, ECHO6),
    "plain": packet4(),
    "first-fragment": packet4(MORE),
    "later-fragment": packet4(100),
    "options": packet4(0, b"\x01\x01\x01\x01"),
    "plain6": packet6(),
    "hop": packet6(HOP, PADDING),
    "destination": packet6(DESTINATION, PADDING),
    "routing": packet6(ROUTING, bytes((UDP, 0, 0, 0, 0, 0, 0, 0))),
    "first-fragment6": packet6(FRAGMENT, struct.pack("!BBHI", UDP, 0, 1, 1)),
    "later-fragment6": packet6(FRAGMENT, struct.pack("!BBHI", UDP, 0, 800, 1)),
    # What it sends TCP takes in any case, and tries for long.
    "stream": connected(socket.SOCK_STREAM, 4444),
}
listening = socket.create_server(("0.0.0.0", 0))
print("ready", listening.getsockname()[1], flush=True)
with open(sys.argv[1], encoding="ascii") as turns:
    for _ in turns:
        for what, send in senders.items():
            try:
                send()
                result = "ok"
            except OSError as error:
                result = errno.errorcode[error.errno]
            print(f"{what}: {result}", flush=True)
        print("done", flush=True)
