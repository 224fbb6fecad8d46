#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
datagrams.py CGROUP COUNT [TRICK...]

Enters the cgroup and sends that many datagrams of 1000 bytes to the job's DNS stub, as fast as the kernel takes them. Prints, once the
last has arrived, how many were "refused", how many the stub "taken", and in how many "seconds", as JSON. They are made by a socket of
UDP, unless one of these tricks is to get around its throttle:

	inherited	a raw socket, or that of `frames`, from before it was in the cgroup
	frames		a packet socket on `lo`
	capable		they can take ECN marks
"""

import fcntl
import json
import os
import socket
import struct
import sys
import time

from packets import packet, packet_socket

STUB, STUB_PORT, LENGTH = "192.0.0.8", 2, 1000  # where the stub listens
STUB6, ETHERTYPE_IPV6 = "100:0:0:1::8", 0x86dd
PATIENCE = 60  # seconds
SIOCOUTQ, SO_SNDBUFFORCE = 0x5411, 32
# Which the stub does not answer.
ANSWER = struct.pack("!HH", 1, 0x8000).ljust(LENGTH - 28, b"\0")


def taken_and_dropped(tricks):
    if "frames" in tricks:
        with open("/proc/self/net/snmp6", encoding="ascii") as file:
            values = dict(line.removeprefix("Udp6").split() for line in file if line.startswith("Udp6"))
    else:
        with open("/proc/self/net/snmp", encoding="ascii") as file:
            names, numbers = (line.split() for line in file if line.startswith("Udp:"))
        values = dict(zip(names, numbers))
    return int(values["InDatagrams"]), int(values["InErrors"])


def make_udp(tricks):
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20)
    if "capable" in tricks:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 2)
    return made, lambda: made.sendto(ANSWER, (STUB, 53))


def make_raw():
    datagram = packet(STUB, STUB, socket.IPPROTO_UDP, struct.pack("!HHHH", 4000, STUB_PORT, LENGTH - 20, 0) + ANSWER, 6)
    made = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    return made, lambda: made.sendto(datagram, (STUB, 0))


def make_packet():
    """Over IPv6: what comes from outside, and be it from `lo`, with an IPv4 address of the receiver's own is a martian."""
    datagram = packet(STUB6, STUB6, socket.IPPROTO_UDP,
                      struct.pack("!HHHH", 4000, STUB_PORT, LENGTH - 40, 0) + ANSWER[:LENGTH - 48], 6)
    made = packet_socket()
    return made, lambda: made.sendto(datagram, ("lo", ETHERTYPE_IPV6, 0, 0, b"\0" * 6))


def make(tricks):
    if "frames" in tricks:
        return make_packet()
    return make_raw() if "inherited" in tricks else make_udp(tricks)


def main():
    cgroup, count, tricks = sys.argv[1], int(sys.argv[2]), set(sys.argv[3:])
    inherited = make(tricks) if "inherited" in tricks else None
    with open(os.path.join(cgroup, "cgroup.procs"), "w", encoding="ascii") as file:
        file.write("0")
    made, send = inherited or make(tricks)
    before, refused, began = taken_and_dropped(tricks), 0, time.monotonic()
    for _ in range(count):
        try:
            send()
        except PermissionError:
            refused += 1
    while True:
        taken, dropped = (now - then for now, then in zip(taken_and_dropped(tricks), before))
        if time.monotonic() > began + PATIENCE:
            sys.exit(f"{taken} were taken and {dropped} dropped of {count - refused}")
        if taken + dropped >= count - refused and not struct.unpack("i", fcntl.ioctl(made, SIOCOUTQ, bytes(4)))[0]:
            break
        time.sleep(0.02)
    print(json.dumps({"refused": refused, "taken": taken, "seconds": time.monotonic() - began}))


main()
