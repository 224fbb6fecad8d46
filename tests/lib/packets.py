#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
packets.py CASE...

A TCP of its own, on a packet socket on `lo`, as who has CAP_NET_RAW may have one, or on a device of its own. Prints each
case with how it ended:

	tunnel CLIENT CLIENT_PORT ADDRESS PORT
		as spoof, over a device that it makes, which leads to that address
	spoof CLIENT CLIENT_PORT ADDRESS PORT
		connects from that address, which the kernel is kept from answering for, sends a request, and prints
		"closed", "reset", "silence" or the answer's first line
	hush CLIENT CLIENT_PORT
		keeps the kernel from answering for that address, prints "ready" and stays
	stream CLIENT CLIENT_PORT ADDRESS PORT
		as spoof, where the kernel is kept from that by another
	inject ADDRESS PORT
		sends a datagram to there, "ok" once it is sent
"""

import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time

PATIENCE = 5  # seconds
ETHERTYPE_IP = 0x0800
SO_ATTACH_FILTER = 26
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
FIN, SYN, RST, ACK, PSH = 1, 2, 4, 16, 8
REQUEST = b"GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n"


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def packet(source, destination, protocol, payload, checksum_at):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    total = checksum(ends + struct.pack("!HH", protocol, len(payload)) + payload)
    payload = payload[:checksum_at] + struct.pack("!H", total) + payload[checksum_at + 2:]
    if family == socket.AF_INET6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + ends + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + ends
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def hush(address, port):
    """Listens, with a filter that drops all: so the kernel does not reset what it knows nothing of."""
    listening = socket.socket()
    drop = struct.pack("HBBI", 6, 0, 0, 0)
    code = ctypes.create_string_buffer(drop)
    program = struct.pack("HL", 1, ctypes.addressof(code))
    listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    listening.bind((address, port))
    listening.listen()
    return listening


def packet_socket():
    made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETHERTYPE_IP))
    made.bind(("lo", ETHERTYPE_IP))
    made.settimeout(PATIENCE)
    return made


class Tunnel:
    """A device, which is used as a packet socket is."""

    def __init__(self, client):
        self.file = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self.file, TUNSETIFF, struct.pack("16sH22x", b"own", IFF_TUN | IFF_NO_PI))
        for command in "link set own up", f"route add {client} dev own":
            subprocess.run(["ip", *command.split()], check=True)

    def sendto(self, data, _):
        os.write(self.file, data)

    def recv(self, length):
        if not select.select([self.file], [], [], PATIENCE)[0]:
            raise TimeoutError
        return os.read(self.file, length)


class Stream:
    def __init__(self, client, server, wire):
        self.client, self.server, self.wire = client, server, wire
        self.sent, self.received = 1000, 0

    def send(self, flags, data=b""):
        segment = struct.pack("!HHIIBBHHH", self.client[1], self.server[1], self.sent,
                              self.received, 5 << 4, flags, 65535, 0, 0) + data
        self.wire.sendto(packet(self.client[0], self.server[0], socket.IPPROTO_TCP, segment, 16),
                         ("lo", ETHERTYPE_IP, 0, 0, b"\0" * 6))
        self.sent += len(data) + bool(flags & (SYN | FIN))

    def receive(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            data = self.wire.recv(65536)
            if data[0] >> 4 != 4:
                continue
            source, destination = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
            segment = data[20:struct.unpack_from("!H", data, 2)[0]]
            ports = struct.unpack_from("!HH", segment)
            if data[9] == socket.IPPROTO_TCP and (source, ports[0]) == self.server and \
                    (destination, ports[1]) == self.client:
                sequence, flags = struct.unpack_from("!I", segment, 4)[0], segment[13]
                payload = segment[(segment[12] >> 4) * 4:]
                self.received = sequence + len(payload) + bool(flags & (SYN | FIN))
                return flags, payload
        raise TimeoutError


def converse(stream):
    stream.send(SYN)
    if stream.receive()[0] & RST:
        return "reset"
    stream.send(ACK)
    stream.send(ACK | PSH, REQUEST)
    while True:
        flags, payload = stream.receive()
        if payload:
            return payload.split(b"\r\n")[0].decode()
        if flags & (RST | FIN):
            return "reset" if flags & RST else "closed"


def try_hush(client, client_port):
    with hush(client, int(client_port)):
        print("ready", flush=True)
        while True:
            time.sleep(1000)


def try_stream(client, client_port, address, port):
    return converse(Stream((client, int(client_port)), (address, int(port)), packet_socket()))


def try_spoof(client, client_port, address, port):
    with hush(client, int(client_port)):
        return try_stream(client, client_port, address, port)


def try_tunnel(client, client_port, address, port):
    return converse(Stream((client, int(client_port)), (address, int(port)), Tunnel(client)))


def try_inject(address, port):
    datagram = struct.pack("!HHHH", 4000, int(port), 12, 0) + b"leak"
    packet_socket().sendto(packet("127.0.0.1", address, socket.IPPROTO_UDP, datagram, 6),
                           ("lo", ETHERTYPE_IP, 0, 0, b"\0" * 6))
    return "ok"


def main():
    for case in sys.argv[1:]:
        what, *arguments = case.split()
        try:
            result = globals()["try_" + what](*arguments)
        except TimeoutError:
            result = "silence"
        except OSError as error:
            result = errno.errorcode[error.errno]
        print(f"{case}: {result}", flush=True)


if __name__ == "__main__":
    main()
