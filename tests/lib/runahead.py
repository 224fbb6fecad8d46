#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
runahead.py download|upload CONNECTIONS SITE-NETNS JOB-NETNS JOB-CGROUP

Is the site and the job at once, so that it sees both ends of each connection at the same moment: it listens at 11.0.0.3, as the
site slow.test, and then enters the job. In downloads the site sends without end and the job reads; it ends once that has
300,000 bytes. In uploads the job sends, the site reads nothing, and it ends once nothing has come for three seconds.
Prints by how many bytes, at most, what the ones had sent was ahead of what the others had received, over all connections.
"""

import array
import ctypes
import fcntl
import os
import select
import socket
import sys
import termios
import time

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


class Transfer:
    """A connection: the end that sends, the one that receives, and how much of it either did."""

    def __init__(self, direction, job, site):
        site.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" if direction == "download" else b"")
        self.sender, self.receiver = (site, job) if direction == "download" else (job, site)
        self.sent = self.received = 0
        for peer in job, site:
            peer.setblocking(False)

    def there(self):
        return self.received + bytes_in(self.receiver, termios.FIONREAD)

    def ahead(self):
        return self.sent - bytes_in(self.sender, SIOCOUTQNSD) - self.there()


def main():
    direction, count, site_netns, job_netns, cgroup = sys.argv[1:]
    enter(site_netns)
    listening = socket.create_server(("11.0.0.3", 80), reuse_port=True, backlog=int(count))
    with open(os.path.join(cgroup, "cgroup.procs"), "w", encoding="ascii") as file:
        file.write("0")
    enter(job_netns)
    transfers = []
    # One after the other: which is which does not show in their addresses.
    for _ in range(int(count)):
        job = socket.create_connection(("11.0.0.3", 80))
        job.sendall(HEAD[direction])
        site = listening.accept()[0]
        while not site.recv(65536, socket.MSG_PEEK).endswith(b"\r\n\r\n"):
            pass
        site.recv(65536)
        transfers.append(Transfer(direction, job, site))
    senders = {transfer.sender: transfer for transfer in transfers}
    receivers = {transfer.receiver: transfer for transfer in transfers if direction == "download"}
    most = there = 0
    moved = time.monotonic()
    while sum(transfer.received for transfer in transfers) < ENOUGH and time.monotonic() < moved + 3:
        readable, writable, _ = select.select(receivers, senders, [], 0.05)
        for peer in writable:
            senders[peer].sent += fill(peer)
        for peer in readable:
            receivers[peer].received += len(peer.recv(65536))
        most = max(most, sum(transfer.ahead() for transfer in transfers))
        if sum(transfer.there() for transfer in transfers) != there:
            there = sum(transfer.there() for transfer in transfers)
            moved = time.monotonic()
    print(most)


if __name__ == "__main__":
    main()
