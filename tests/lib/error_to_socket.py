# SPDX-License-Identifier: BSD-2-Clause
"""Runs a command whose standard error is a socket. Prints what it wrote there, and ends with its status."""

import socket
import subprocess
import sys

ours, theirs = socket.socketpair()
status = subprocess.run(sys.argv[1:], stderr=theirs).returncode
theirs.close()
sys.stdout.write(ours.recv(4096).decode())
sys.exit(status)
