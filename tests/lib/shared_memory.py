# SPDX-License-Identifier: BSD-2-Clause
"""shared_memory.py KEY makes a segment of System V's shared memory for all users; ipcmk(1) chooses the key."""

import ctypes
import sys

IPC_CREAT = 0o1000
sys.exit(ctypes.CDLL(None).shmget(int(sys.argv[1], 0), 4096, IPC_CREAT | 0o666) < 0)
