# SPDX-License-Identifier: BSD-2-Clause
"""Runs a command with SIGCHLD ignored."""

import os
import signal
import sys

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
