# SPDX-License-Identifier: BSD-2-Clause
"""Runs a command as closed_pipe.py does, with SIGPIPE ignored."""

import os
import signal
import sys

read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
