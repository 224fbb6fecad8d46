# SPDX-License-Identifier: BSD-2-Clause
"""Causes more refusals than the share of a job, in more than a second."""

import socket
import time

for second in range(9):
    for _ in range(200):
        try:
            socket.create_connection(("11.0.0.2", 25))
        except PermissionError:
            pass
    time.sleep(1)
