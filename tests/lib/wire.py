#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
wire.py RATE COMMAND...

Runs a command, and watches meanwhile what arrives over IPv4 in this network namespace: "up" to the proxy and its DNS stub, "down" from
them. Prints of each as JSON: its packets; the bytes of them, on the wire; how many could take an ECN mark, had one, or told the other
side of one; and by how many bytes it ever was ahead of RATE (bits per second) since the command began. What is paced is never ahead by
more than its credit and one packet, however late a busy machine sends it. Ends with the status of the command.
"""

import json
import os
import selectors
import socket
import struct
import subprocess
import sys
import time

SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
BUFFER = 64 << 20
SEGMENT, HEADERS = 1448, 52
# Where the proxy and its stub listen.
PORTS = {socket.IPPROTO_TCP: 1, socket.IPPROTO_UDP: 2}
ECN, CE, ECHO = 3, 3, 0x40


class Wire:
    def __init__(self, rate):
        self.rate, self.began = rate, time.clock_gettime(time.CLOCK_REALTIME)
        self.seen = {way: dict.fromkeys(("packets", "bytes", "capable", "marked", "echoes", "ahead"), 0) for way in ("up", "down")}

    def note(self, protocol, data, when):
        total, = struct.unpack_from("!H", data, 2)
        source, to = struct.unpack_from("!HH", data, 20)
        if PORTS[protocol] not in (source, to):
            return
        if protocol == socket.IPPROTO_TCP:
            # What is cut into segments later has a header for each.
            total += max(0, (total - 20 - (data[32] >> 4) * 4 - 1) // SEGMENT) * HEADERS
        seen = self.seen["up" if to == PORTS[protocol] else "down"]
        seen["packets"] += 1
        seen["bytes"] += total
        seen["capable"] += data[1] & ECN != 0
        seen["marked"] += data[1] & ECN == CE
        # Of a handshake the same bit says something else.
        seen["echoes"] += protocol == socket.IPPROTO_TCP and data[33] & ECHO != 0 and not data[33] & 2
        seen["ahead"] = max(seen["ahead"], int(seen["bytes"] - self.rate / 8 * (when - self.began)))

    def read(self, tap):
        try:
            while True:
                data, control, _, _ = tap.recvmsg(65536, 64)
                seconds, nanoseconds = struct.unpack("qq", control[0][2])
                self.note(tap.proto, data, seconds + nanoseconds / 1e9)
        except BlockingIOError:
            pass


def listen(protocol):
    tap = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    tap.setblocking(False)
    return tap


def main():
    taps = [listen(protocol) for protocol in PORTS]
    wire = Wire(float(sys.argv[1]))
    with subprocess.Popen(sys.argv[2:], stdout=sys.stderr) as command, selectors.DefaultSelector() as poll:
        end = os.pidfd_open(command.pid)
        for tap in [*taps, end]:
            poll.register(tap, selectors.EVENT_READ)
        while end not in [key.fileobj for key, _ in poll.select()]:
            for tap in taps:
                wire.read(tap)
    for tap in taps:
        wire.read(tap)
    print(json.dumps(wire.seen))
    sys.exit(command.returncode)


main()
