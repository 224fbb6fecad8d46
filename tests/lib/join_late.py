# SPDX-License-Identifier: BSD-2-Clause
"""Joins a job with a socket that listens already, and connects."""

import os
import socket
import sys
import time

# Not of the job, which may not.
listening = socket.create_server(("192.0.0.8", int(sys.argv[1])))
with open(sys.argv[2] + "/cgroup.procs", "w") as cgroup:
    cgroup.write(str(os.getpid()))
client = socket.socket()
client.bind(("11.0.0.2", 80))
client.setblocking(False)
client.connect_ex(("11.0.0.3", 80))
print("ready", flush=True)
time.sleep(1000)
