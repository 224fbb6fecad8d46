#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
traffic.py serve ADDRESS | up | down | both [CONNECTIONS [SECONDS]]

Traffic for measuring a throttle: `serve` answers GET on port 80 of ADDRESS with bytes without end, of /short with two, and
swallows what PUT brings; the others fill that many connections in each direction to the site $SITE (a name, led there by the job's proxy
or by the resolver) for that long, and print when they begin. Each side is one process that only moves bytes.
"""

import os
import selectors
import socket
import sys
import time

ENDLESS = 10 ** 15
BLOCK = bytes(65536)


class Flow:
    """One end of a connection: takes whatever comes, and sends without end once it has something to say."""

    def __init__(self, poll, peer, head=b"", endless=False):
        peer.setblocking(False)
        self.poll, self.peer, self.out, self.endless = poll, peer, memoryview(head), endless
        poll.register(peer, selectors.EVENT_READ | (selectors.EVENT_WRITE if head else 0), self.ready)

    def ready(self, events):
        try:
            if events & selectors.EVENT_READ:
                self.take()
            if events & selectors.EVENT_WRITE and (self.out or self.endless):
                self.out = self.out[self.peer.send(self.out):] if self.out else memoryview(BLOCK)
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def take(self):
        if not self.peer.recv(len(BLOCK)):
            self.close()

    def close(self):
        self.poll.unregister(self.peer)
        self.peer.close()
        self.out, self.endless = memoryview(b""), False


class Answer(Flow):
    """The server's end: what the request's first bytes ask for."""

    def __init__(self, poll, peer):
        super().__init__(poll, peer)
        self.asked = False

    def take(self):
        got = self.peer.recv(len(BLOCK))
        if not got:
            self.close()
        elif got.startswith(b"GET /short"):
            self.peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            self.close()
        elif not self.asked and got.startswith(b"GET"):
            self.out = memoryview(f"HTTP/1.1 200 OK\r\nContent-Length: {ENDLESS}\r\n\r\n".encode())
            self.endless = True
            self.poll.modify(self.peer, selectors.EVENT_READ | selectors.EVENT_WRITE, self.ready)
        self.asked = True


def run(poll, seconds):
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for key, events in poll.select(left):
            key.data(events)


def serve(address):
    poll = selectors.DefaultSelector()
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind((address, 80))
    listening.listen(128)
    poll.register(listening, selectors.EVENT_READ, lambda _: Answer(poll, listening.accept()[0]))
    print("ready", flush=True)
    run(poll, 86400)


def client(direction, connections, seconds):
    poll = selectors.DefaultSelector()
    site = os.environ["SITE"]
    address = socket.getaddrinfo(site, 80, socket.AF_INET, socket.SOCK_STREAM)[0][4]

    def connected():
        peer = socket.socket()
        peer.connect(address)
        return peer

    for _ in range(connections):
        if direction != "down":
            Flow(poll, connected(), endless=True,
                 head=f"PUT / HTTP/1.1\r\nHost: {site}\r\nContent-Length: {ENDLESS}\r\n\r\n".encode())
        if direction != "up":
            Flow(poll, connected(), head=f"GET / HTTP/1.1\r\nHost: {site}\r\n\r\n".encode())
    print(time.time(), flush=True)
    run(poll, seconds)


def main():
    role, *rest = sys.argv[1:]
    if role == "serve":
        serve(rest[0])
    else:
        client(role, int(rest[0]) if rest else 1, float(rest[1]) if len(rest) > 1 else 10)


main()
