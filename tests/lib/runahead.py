#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
runahead.py download|upload SITE-NETNS JOB-NETNS JOB-CGROUP

Is the site and the job at once, so that it sees both ends of a connection at the same moment: it listens at 11.0.0.3, as the
site slow.test, and then enters the job. In a download the site sends without end and the job reads; it ends once that has
300,000 bytes. In an upload the job sends, the site reads nothing, and it ends once nothing has moved for three seconds.
Prints by how many bytes, at most, what one end had sent was ahead of what the other had received.
"""

import array
import ctypes
import fcntl
import os
import select
import socket
import sys
import termios

CLONE_NEWNET = 0x40000000
SIOCOUTQNSD = 0x894B  # bytes in the queue that were never sent
ENOUGH = 300000
BLOCK = bytes(16384)
HEAD = {"download": b"GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n",
        "upload": b"PUT / HTTP/1.1\r\nHost: slow.test\r\nContent-Length: 999999999\r\n\r\n"}


def enter(netns):
    with open(netns, "rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def bytes_in(peer, which):
    number = array.array("i", [0])
    fcntl.ioctl(peer, which, number)
    return number[0]


def fill(peer):
    """Writes what the kernel takes."""
    count = 0
    try:
        while True:
            count += peer.send(BLOCK)
    except BlockingIOError:
        return count


def main():
    direction, site_netns, job_netns, cgroup = sys.argv[1:]
    enter(site_netns)
    listening = socket.create_server(("11.0.0.3", 80), reuse_port=True)
    with open(os.path.join(cgroup, "cgroup.procs"), "w", encoding="ascii") as file:
        file.write("0")
    enter(job_netns)
    job = socket.create_connection(("11.0.0.3", 80))
    job.sendall(HEAD[direction])
    site = listening.accept()[0]
    head = site.recv(65536)
    while not head.endswith(b"\r\n\r\n"):
        head += site.recv(65536)
    if direction == "download":
        site.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        sender, receiver = site, job
    else:
        sender, receiver = job, site
    job.setblocking(False)
    site.setblocking(False)
    sent = received = most = 0
    while received < ENOUGH:
        reading = [job] if direction == "download" else []
        if not any(select.select(reading, [sender], [], 3)):
            break
        sent += fill(sender)
        if reading and select.select(reading, [], [], 0)[0]:
            received += len(job.recv(65536))
        there = received + (bytes_in(receiver, termios.FIONREAD))
        most = max(most, sent - bytes_in(sender, SIOCOUTQNSD) - there)
    print(most)


main()
