#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
mixed.py COUNT JOB SEED

Sends COUNT requests of many kinds to the sites node.test, nginx.test and apache.test (mixed_site.js, desync.bats) over
many connections. Fails unless each answer is the one to its request and its request bore the header of JOB. Prints how
many answers were as they should be, and how many requests were broken off.
"""

import collections
import random
import socket
import sys
import threading

COUNT, JOB, SEED = int(sys.argv[1]), sys.argv[2], sys.argv[3]
THREADS = 8
PLAIN = ["get"] * 8 + ["head", "close", "old", "pipelined", "pipelined", "empty", "post", "chunked", "fat", "quit", "half", "expecting", "expecting-head"]
WAYS = ["plain"] * 4 + ["slow", "chunks", "interim", "cut", "vanish", "leave", "early"]
COUNTER = collections.Counter()


class Gone(Exception):
    """The connection ended."""


def line_of(stream):
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise Gone
    return line.strip().decode("latin-1")


def read_answer(stream, method):
    """Returns the status, the fields and the body. The body is None if it was cut."""
    status = 100
    while status < 200:
        status = int(line_of(stream).split(" ")[1])
        fields = {}
        while line := line_of(stream):
            name, value = line.split(":", 1)
            fields[name.lower()] = value.strip()
    if method == "HEAD" or status in (204, 304):
        return status, fields, b""
    try:
        return status, fields, read_body(stream, fields)
    except Gone:
        return status, fields, None


def read_body(stream, fields):
    body = b""
    if fields.get("transfer-encoding") == "chunked":
        while size := int(line_of(stream), 16):
            body += stream.read(size)
            line_of(stream)
        line_of(stream)
        return body
    if "content-length" in fields:
        length = int(fields["content-length"])
        body = stream.read(length)
        if len(body) < length:
            raise Gone
        return body
    return stream.read()


class Client:
    """A connection to the proxy, which is opened anew when it has ended."""

    def __init__(self, site):
        self.site, self.socket, self.stream = site, None, None

    def close(self):
        if self.socket:
            self.stream.close()
            self.socket.close()
        self.socket = None

    def say(self, request):
        if not self.socket:
            self.socket = socket.create_connection(("11.0.0.2", 80), 60)
            self.stream = self.socket.makefile("rb")
        self.socket.sendall(request)


def request_of(site, kind, path):
    method = {"head": "HEAD", "expecting-head": "HEAD", "empty": "POST", "post": "POST", "chunked": "POST"}.get(kind, "GET")
    version = "1.0" if kind == "old" else "1.1"
    head = f"{method} {path} HTTP/{version}\r\nHost: {site}\r\n"
    body = f"GET {path}-smuggled HTTP/1.1\r\nHost: {site}\r\n\r\n"
    if kind == "close":
        head += "Connection: close\r\n"
    if kind.startswith("expecting"):
        head += "Expect: 100-continue\r\n"
    if kind in ("post", "fat"):
        return method, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    if kind == "chunked":
        return method, f"{head}Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n{body}\r\n0\r\n\r\n".encode()
    return method, f"{head}{'Content-Length: 0' if kind == 'empty' else 'A: b'}\r\n\r\n".encode()


def judge(site, way, path, method, answer):
    status, fields, body = answer
    if way in ("cut", "vanish") and status == 502:
        return
    if (status, fields.get("x-token"), fields.get("x-stamp")) != (200, path, JOB):
        raise ValueError(f"{site}{path}: {status} {fields}")
    if (body is None) != (way == "cut" and method != "HEAD"):
        raise ValueError(f"{site}{path}: the body is {'cut' if body is None else 'whole'}")
    if body and site != "apache.test" and set(body.split(b"\n")) != {path.encode(), b""}:
        raise ValueError(f"{site}{path}: {body[:100]}")


def ask(client, kind, ways, paths):
    requests = [request_of(client.site, kind, path) for path in paths]
    client.say(b"".join(request for _, request in requests))
    if kind == "quit" or (kind == "half" and client.stream.read(10)):
        client.close()
        COUNTER["broken off"] += 1
        return
    for (method, _), way, path in zip(requests, ways, paths):
        answer = read_answer(client.stream, method)
        judge(client.site, way, path, method, answer)
        COUNTER["right"] += 1
        if answer[1].get("connection") == "close" or answer[2] is None or way == "cut":
            client.close()
            return


def work(number, failures):
    chance = random.Random(f"{SEED} {number}")
    clients = [Client(site) for site in ("node.test", "nginx.test", "apache.test")]
    try:
        for turn in range(COUNT // THREADS):
            client, kind = chance.choice(clients), chance.choice(PLAIN)
            count = chance.randint(2, 5) if kind == "pipelined" else 1
            ways = [chance.choice(WAYS) if client.site == "node.test" else "plain" for _ in range(count)]
            paths = [f"/{way}/{number}-{turn}-{index}" for index, way in enumerate(ways)]
            ask(client, kind, ways, paths)
            if chance.random() < 0.5:
                client.close()
    except (Gone, OSError, ValueError) as error:
        failures.append(f"seed {SEED}, client {number}: {error!r}, {kind} {paths}")


def main():
    failures = []
    threads = [threading.Thread(target=work, args=(number, failures)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(*(f"{count} {what}" for what, count in sorted(COUNTER.items())), sep=", ")
    sys.exit("\n".join(failures) or 0)


main()
