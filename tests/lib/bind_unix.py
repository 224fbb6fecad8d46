# SPDX-License-Identifier: BSD-2-Clause
"""Makes a Unix socket at a path, to which nobody listens."""

import socket
import sys

socket.socket(socket.AF_UNIX).bind(sys.argv[1])
