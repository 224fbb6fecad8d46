#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
late.py site ADDRESS | job ADDRESS

Tunnels to a site that reads late. `job` makes some, and has so many exchanges end before their sites that it may end no more so. Then
it sends 24,000 bytes into each tunnel and ends it. Once the proxy has waited for longer than it does for a site that says nothing, the
job says so. Then `site`, whose windows are small, reads, and says of each how many bytes came.
"""

import socket
import sys
import time

UPGRADE = (b"GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
CHANGE = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BROKEN_OFF = b"POST / HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 1\r\n\r\n"
BARRIER = b"PUT / HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 0\r\n\r\n"
RELEASE = BARRIER.replace(b"PUT", b"DELETE")
TUNNELS, OTHERS, HELD = 20, 500, 3  # the last in seconds


def take(connection):
    """Answers a request. Returns what it begins with, or nothing if it was broken off."""
    word = b""
    try:
        word = connection.recv(3)
        if word in (b"PUT", b"DEL"):
            connection.sendall(ANSWER)
        if word == b"GET":
            connection.sendall(CHANGE)
    except OSError:
        pass
    return word


def count(tunnel):
    length = 0
    try:
        while block := tunnel.recv(4096):
            length += block.count(b"\0")
    except OSError:
        pass
    return length


def site(address):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    listener.bind((address, 80))
    listener.listen(1024)
    print("ready", flush=True)
    connections, word = [], b""
    while word != b"DEL":
        connection = listener.accept()[0]
        word = take(connection)
        connections.append((word, connection))
    for word, connection in connections:
        if word == b"GET":
            print("got", count(connection), flush=True)
    print("done", flush=True)


def connect(address, request, answered=True):
    client = socket.create_connection((address, 80), 60)
    client.sendall(request)
    if answered:
        client.recv(4096)
    return client


def job(address):
    tunnels = [connect(address, UPGRADE) for _ in range(TUNNELS)]
    for _ in range(OTHERS):
        connect(address, BROKEN_OFF, False).close()
    connect(address, BARRIER).close()  # comes after these
    for tunnel in tunnels:
        tunnel.sendall(bytes(24000))
        tunnel.close()
    time.sleep(HELD)
    connect(address, RELEASE).close()


{"site": site, "job": job}[sys.argv[1]](sys.argv[2])
