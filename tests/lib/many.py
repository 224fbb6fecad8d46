#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
many.py KIND COUNT

Sends COUNT requests to 11.0.0.2, eight beside each other, and prints how often which status came. KIND is one of

	empty	POST without a body
	body	POST with one
	early	POST with one, answered before it is read
	tunnel	a change to websocket, and the client ends first

Then `tunnel` makes another one, says "hello" in it, ends its own direction, and prints what comes back.
"""

import collections
import itertools
import socket
import sys
import threading

HEAD = b"%s HTTP/1.1\r\nHost: allowed.test\r\n%s\r\n"
POST = {
    "empty": HEAD % (b"POST /", b"Content-Length: 0\r\n"),
    "body": HEAD % (b"POST /", b"Content-Length: 5\r\n") + b"hello",
    "early": HEAD % (b"POST /early", b"Content-Length: 5\r\n") + b"hello",
}
TUNNEL = HEAD % (b"GET /websocket", b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                 b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


def ask(client, stream, request):
    client.sendall(request)
    status, length = stream.readline()[9:12].decode(), 0
    while line := stream.readline().strip():
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    stream.read(length)
    return status


def tunnel(said=b""):
    with socket.create_connection(("11.0.0.2", 80), 60) as client, client.makefile("rb") as stream:
        status = ask(client, stream, TUNNEL)
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        return status, stream.read(len(said)).decode()


def work(kind, turns, seen):
    if kind == "tunnel":
        seen.extend(tunnel()[0] for _ in turns)
        return
    with socket.create_connection(("11.0.0.2", 80), 60) as client, client.makefile("rb") as stream:
        seen.extend(ask(client, stream, POST[kind]) for _ in turns)


def main():
    kind, seen, threads = sys.argv[1], [], []
    for _ in range(8):
        turns = itertools.repeat(None, int(sys.argv[2]) // 8)
        threads.append(threading.Thread(target=work, args=(kind, turns, seen)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    print(*(f"{count} {status}" for status, count in sorted(collections.Counter(seen).items())))
    if kind == "tunnel":
        print(*tunnel(b"hello"))


main()
