#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
refused.py KIND [LEAST [RATE]]

Is refused until its standard input ends, LEAST times at least, and at most RATE times a second (0: as often as it can be).
Then it prints how often. It fails if it is not refused. KIND is one of

	connects	connections that the kernel refuses
	requests	requests that the proxy answers with 403, sixteen at once on one connection, for a name of its own each
	tunnels		CONNECT, which the proxy answers with 403, on a connection each
	names		questions that the stub refuses
	busy		nothing: it only takes its processor
	talk		nothing: two processes take turns, as a client and its proxy do
"""

import collections
import contextlib
import itertools
import os
import socket
import sys
import threading
import time

BATCH = 16
PROXY = ("192.0.0.8", 80)
STUB = ("192.0.0.8", 53)
REQUEST = b"GET / HTTP/1.1\r\nHost: n%d.denied.test\r\n\r\n"
REFUSED = b"HTTP/1.1 403 "
ADVICE, END = b"--domain n", b".denied.test\n"  # of the last line of an answer
QUESTION = b"\0\1\1\0\0\1\0\0\0\0\0\0\6denied\4test\0\0\1\0\1"
NXDOMAIN = 3
TURN = 0.0005  # s


def connects():
    while True:
        with socket.socket() as client:
            try:
                client.connect(("11.0.0.2", 25))
                sys.exit("a connection was not refused")
            except PermissionError:
                yield 1


def requests():
    with socket.create_connection(("11.0.0.2", 80), 60) as client:
        for first in itertools.count(0, BATCH):
            client.sendall(b"".join(REQUEST % i for i in range(first, first + BATCH)))
            got = b""
            while got.count(ADVICE) < BATCH or not got.endswith(END):
                more = client.recv(65536)
                if not more:
                    sys.exit("the proxy closed the connection")
                got += more
            if got.count(REFUSED) != BATCH:
                sys.exit("a request was not refused")
            yield BATCH


def tunnels():
    while True:
        with socket.create_connection(PROXY, 60) as client:
            client.sendall(b"CONNECT denied.test:443 HTTP/1.1\r\nHost: denied.test:443\r\n\r\n")
            if not client.recv(4096).startswith(REFUSED):
                sys.exit("a tunnel was not refused")
        yield 1


def names():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(STUB)
        client.settimeout(60)
        while True:
            client.send(QUESTION)
            if client.recv(4096)[3] & 15 != NXDOMAIN:
                sys.exit("a name was not refused")
            yield 1


def busy():
    while True:
        yield 1


def take_turns(end):
    while end.recv(1):
        until = time.monotonic() + TURN
        while time.monotonic() < until:
            pass
        end.send(b"x")
        yield 1


def talk():
    near, far = socket.socketpair()
    if not os.fork():
        near.close()
        with contextlib.suppress(OSError):
            collections.deque(take_turns(far), 0)
        os._exit(0)
    far.close()
    near.send(b"x")
    yield from take_turns(near)


def main():
    least, rate = (*map(int, sys.argv[2:]), 0, 0)[:2]
    begin, done = time.monotonic(), 0
    waiting = threading.Thread(target=sys.stdin.read)
    waiting.start()
    for more in globals()[sys.argv[1]]():
        done += more
        if done >= least and not waiting.is_alive():
            break
        if rate and (early := done / rate - (time.monotonic() - begin)) > 0.01:
            time.sleep(early)
    print(done)


main()
