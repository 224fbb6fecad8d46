# SPDX-License-Identifier: BSD-2-Clause
"""Prints the addresses of allowed.test for a port."""

import socket

import sys

print(*sorted({one[4][0] for one in socket.getaddrinfo("allowed.test", int(sys.argv[1]))}))
