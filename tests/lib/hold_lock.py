# SPDX-License-Identifier: BSD-2-Clause
"""Holds the lock of the node until it is ended."""

import fcntl
import os
import signal

with open("/run/jobfence/lock", "r+") as locks:
    fcntl.lockf(locks, fcntl.LOCK_EX)
    print(os.getpid(), flush=True)
    signal.pause()
