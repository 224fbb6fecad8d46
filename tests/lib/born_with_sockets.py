#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
born_with_sockets.py JOBFENCE JOB FILE

Has `run` and `exec` start a command that makes FILE, with each kind of network socket as
each of the three standard descriptors. Prints the cases that are not refused.
"""

import socket
import subprocess
import sys

program, job, started = sys.argv[1:]
connected = [socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
for made in connected:
    made.connect(("11.0.0.2", 80))
sockets = [*connected, socket.create_server(("::", 0), family=socket.AF_INET6),
           socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)]
sockets += [socket.socket(family, socket.SOCK_RAW, 255)
            for family in (socket.AF_INET, socket.AF_INET6, socket.AF_PACKET)]
for verb in ["run"], ["exec", job, "--"]:
    for one in sockets:
        for place in "stdin", "stdout", "stderr":
            ended = subprocess.run([program, *verb, "touch", started], **{place: one}, check=False)
            # SIGPIPE: the message goes to a socket that listens.
            if ended.returncode not in (125, -13):
                print(verb, one, place, ended.returncode)
