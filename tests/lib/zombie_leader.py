#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
zombie_leader.py FILE

Writes its process number to FILE, and ends its main thread, while another one waits for a signal.
"""

import ctypes
import os
import platform
import signal
import sys
import threading

threading.Thread(target=signal.pause).start()
with open(sys.argv[1], "w") as file:
    print(os.getpid(), file=file)
# exit(2), which ends this thread alone.
ctypes.CDLL(None).syscall(60 if platform.machine() == "x86_64" else 93, 0)
