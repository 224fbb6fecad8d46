#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
listen.py ADDRESS PORT COMMAND...

Becomes a command that gets, as descriptor 3, a socket which listens on an address of the lab's
Internet: there another server has every address already, and so the port has to be shared.
"""

import os
import socket
import sys

bound = socket.socket(socket.AF_INET)
bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
bound.bind((sys.argv[1], int(sys.argv[2])))
bound.listen(128)
os.dup2(bound.fileno(), 3)
os.set_inheritable(3, True)  # it may have been 3 before
os.execvp(sys.argv[3], sys.argv[3:])
