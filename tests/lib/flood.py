#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
flood.py KIND COUNT

Opens COUNT connections to 11.0.0.2, says "open N ERROR", with the error that it ended at if any, and keeps them
until its standard input ends. KIND is one of

	idle	nothing is sent
	dns	the same, to port 53
	heads	all but the end of a head of 32 KiB
	bodies	a request and an answer without end, of which nothing is read
	deaf	a request for an answer without end, of which nothing is read but its begin
	silence	a request that is not answered
	halves	requests of whose answers half a head, or half a body in one of three framings, comes
	hellos	the begin of a ClientHello, byte by byte
	reset	one after another, each reset once its request is sent; then it ends at once
"""

import errno
import itertools
import resource
import socket
import struct
import sys

PORTS = {"hellos": 443, "dns": 53}
HEAD = b"%s HTTP/1.1\r\nHost: allowed.test\r\n"
HALVES = itertools.cycle((b"-head", b"", b"-chunk", b"-until-close"))
CHUNK = b"4000\r\n" + bytes(0x4000) + b"\r\n"


def heads(client):
    client.sendall(HEAD % b"GET /" + b"A: " + b"b" * 32500)


def bodies(client):
    client.sendall(HEAD % b"POST /endless" + b"Transfer-Encoding: chunked\r\n\r\n")
    client.setblocking(False)
    try:
        while True:
            client.send(CHUNK)
    except OSError:
        pass


def deaf(client):
    client.sendall(HEAD % b"GET /endless" + b"\r\n")
    client.recv(1)


def silence(client):
    client.sendall(HEAD % b"GET /silence" + b"\r\n")


def halves(client):
    client.sendall(HEAD % b"GET /half%b/1000" % next(HALVES) + b"\r\n")


def hellos(client):
    for byte in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03":
        client.sendall(bytes((byte,)))


def reset(client):
    client.sendall(HEAD % b"GET http://denied.test/" + b"\r\n")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def main():
    kind, count, clients, end = sys.argv[1], int(sys.argv[2]), [], ""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    for _ in range(count):
        client = socket.socket()
        try:
            client.connect(("11.0.0.2", PORTS.get(kind, 80)))
            globals().get(kind, lambda _: None)(client)
        except OSError as error:
            end = errno.errorcode[error.errno]
            break
        if kind != "reset":
            clients.append(client)
    print("open", count if kind == "reset" else len(clients), end, flush=True)
    if kind != "reset":
        sys.stdin.read()


main()
