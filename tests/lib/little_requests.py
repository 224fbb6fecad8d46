#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
little_requests.py CONNECTIONS COUNT SITE-NETNS JOB-NETNS JOB-CGROUP

Is the sites and the job at once: it listens at 11.0.0.3, as a.test and b.test, and then enters the job, which sends COUNT requests as
short as can be over each connection, to either in turns and all of them before the first answer. The answers are short, too.
Prints how many bytes of packets the sites were sent at least, and in how many microseconds.
"""

import socket
import sys
import threading
import time

from runahead import enter

# Of a packet, in bytes, of which there are at least five for a connection with a request.
HEADERS = 40
REQUESTS = b"GET / HTTP/1.1\r\nHost:a.test\r\n\r\nGET / HTTP/1.1\r\nHost:b.test\r\n\r\n"
# Each request has a connection of its own.
ANSWER = b"HTTP/1.1 204 \r\nConnection:close\r\n\r\n"
heads = []  # their lengths


def serve(site):
    received = b""
    while data := site.recv(65536):
        *whole, received = (received + data).split(b"\r\n\r\n")
        heads.extend(len(head) + 4 for head in whole)
        site.sendall(ANSWER * len(whole))


def ask(job, count):
    job.sendall(REQUESTS * (count // 2))
    left = count
    received = b""
    while left and (data := job.recv(65536)):
        *whole, received = (received + data).split(b"\r\n\r\n")
        left -= len(whole)
    job.close()


def main():
    connections, count, site_netns, job_netns, cgroup = sys.argv[1:]
    enter(site_netns)
    listening = socket.create_server(("11.0.0.3", 80), reuse_port=True, backlog=2 * int(connections))

    def accept():
        while True:
            threading.Thread(target=serve, args=listening.accept()[:1], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with open(cgroup + "/cgroup.procs", "w", encoding="ascii") as file:
        file.write("0")
    enter(job_netns)
    began = time.monotonic_ns()
    clients = [threading.Thread(target=ask, args=(socket.create_connection(("11.0.0.3", 80)), int(count)))
               for _ in range(int(connections))]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    print(sum(heads) + 5 * HEADERS * len(heads), (time.monotonic_ns() - began) // 1000)


main()
