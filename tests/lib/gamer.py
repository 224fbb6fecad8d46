#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
gamer.py BYTES CONNECTIONS [TRICK...]

Uploads BYTES to http://allowed.test/upload over that many connections at once, whose sockets try each trick to be
sent sooner than others:

	pacing		SO_MAX_PACING_RATE of 4 GB/s
	txtime		SO_TXTIME, and departure times that have passed
	priority	SO_PRIORITY of network control, which fq sends first
	mark		SO_MARK

Ends with a failure if the server has not received all of it. A trick that needs a privilege that is not there is an error.
"""

import socket
import struct
import sys
import threading

SO_MAX_PACING_RATE = 47
SO_TXTIME = 61
TC_PRIO_CONTROL = 7
TRICKS = {
    "pacing": (SO_MAX_PACING_RATE, struct.pack("I", 0xfffffffe)),
    "txtime": (SO_TXTIME, struct.pack("iI", 1, 0)),
    "priority": (socket.SO_PRIORITY, struct.pack("i", TC_PRIO_CONTROL)),
    "mark": (socket.SO_MARK, struct.pack("i", 1)),
}
received = []


def upload(length, tricks):
    client = socket.socket()
    for trick in tricks:
        client.setsockopt(socket.SOL_SOCKET, *TRICKS[trick])
    client.connect(("11.0.0.2", 80))
    head = f"PUT /upload HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    past = [(socket.SOL_SOCKET, SO_TXTIME, struct.pack("Q", 1))] if "txtime" in tricks else []
    left = memoryview(head.encode() + bytes(length))
    while left:
        left = left[client.sendmsg([left[:32768]], past):]
    answer = b"".join(iter(lambda: client.recv(65536), b""))
    if b"\r\n\r\n%d " % length in answer:
        received.append(length)


def main():
    total, connections, tricks = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    share = total // connections
    threads = [threading.Thread(target=upload, args=(share, tricks)) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(len(received) != connections)


if __name__ == "__main__":
    main()
