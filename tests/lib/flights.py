#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
flights.py site ADDRESS [CASE...] | job ADDRESS [CASE...]

The clear part of handshakes of TLS 1.2, without any encryption. Both ends go through the same cases, all of them or those given by
number, one connection for each: `job` says a hello for allowed.test, `site` an answer. `job` prints for each case "passed", or the number of the alert that it got.
"""

import hashlib
import socket
import sys

NAME = b"allowed.test"
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
FIRST, SECOND, MADE_UP = b"1" * 32, b"2" * 32, b"3" * 32
TICKET, OTHER, NEWER = b"ticket", b"another", b"newer"


def vector(size, content):
    return len(content).to_bytes(size, "big") + content


def record(kind, content):
    return bytes([kind, 3, 3]) + vector(2, content)


def message(kind, content=b""):
    return bytes([kind]) + vector(3, content)


CHANGE, DONE = record(20, b"\1"), message(11, bytes(3)) + message(14)
TURN = record(22, message(16, b"key"))  # of the client, in a full handshake


def client_hello(session=b"", ticket=b""):
    name = vector(2, b"\0" + vector(2, NAME))
    extensions = bytes(2) + vector(2, name) + b"\0\x23" + vector(2, ticket)
    return record(22, message(1, b"\3\3" + b"c" * 32 + vector(1, session) + b"\0\2\0\x2f\1\0" + vector(2, extensions)))


def server_hello(session, random=b"s" * 32):
    return message(2, b"\3\3" + random + vector(1, session) + b"\0\x2f\0")


def new_ticket(ticket):
    return message(4, bytes(4) + vector(2, ticket)) if ticket else b""


def full(session=b"", ticket=b""):
    """What the site says before and after the client's turn."""
    flight = server_hello(session) + DONE
    return record(22, flight[:50]) + record(22, flight[50:]), record(22, new_ticket(ticket)) * bool(ticket) + CHANGE


def resumed(session=b"", ticket=b""):
    return record(22, server_hello(session) + new_ticket(ticket)) + CHANGE, b""


CASES = [  # the hello, and the answer
    (client_hello(), full(FIRST)),
    (client_hello(FIRST), resumed(FIRST)),
    (client_hello(SECOND), resumed(SECOND)),
    (client_hello(SECOND), full(SECOND)),  # the client's own word for it
    (client_hello(SECOND), resumed(SECOND)),
    (client_hello(), full(b"", TICKET)),
    (client_hello(MADE_UP, TICKET), resumed(MADE_UP)),
    (client_hello(TICKET), resumed(TICKET)),  # no id
    (client_hello(b"", TICKET), resumed(b"", NEWER)),
    (client_hello(MADE_UP, NEWER), resumed(MADE_UP)),
    (client_hello(), full(SECOND, OTHER)),  # an id and a ticket
    (client_hello(MADE_UP, OTHER), resumed(MADE_UP)),
    (client_hello(b"", OTHER), resumed()),
    (client_hello(SECOND, OTHER), resumed(SECOND)),
    (client_hello(hashlib.sha256(OTHER).digest(), OTHER), resumed(MADE_UP)),
    (client_hello(FIRST, b"unknown"), resumed(FIRST)),
    # TLS 1.3 has to follow.
    (client_hello(), (record(22, server_hello(b"", RETRY)), full()[0])),
]


def chosen():
    return [CASES[int(number)] for number in sys.argv[3:]] or CASES


def site(address):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((address, 443))
    listener.listen()
    print("ready", flush=True)
    for hello, flights in chosen():
        connection = listener.accept()[0]
        with connection, connection.makefile("rb") as said:
            said.read(len(hello))
            for flight in flights:
                connection.sendall(flight)
                if not said.read(1):
                    break


def outcome(connection, hello, flights):
    with connection.makefile("rb") as said:
        for mine, flight in zip((hello, hello if RETRY in flights[0] else TURN), flights):
            connection.sendall(mine)
            heard = said.read(min(len(flight), 7))
            if heard[:1] == b"\x15":
                return str(heard[6])
            said.read(len(flight) - len(heard))
    return "passed"


def job(address):
    for hello, flights in chosen():
        with socket.create_connection((address, 443), 30) as connection:
            print(outcome(connection, hello, flights))


{"site": site, "job": job}[sys.argv[1]](sys.argv[2])
