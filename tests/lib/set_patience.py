# SPDX-License-Identifier: BSD-2-Clause
"""Sets the patience of a state in the memory of a proxy: PID TABLE STATE SECONDS"""

import struct
import sys

pid, table, state, seconds = sys.argv[1], *(int(word, 16) for word in sys.argv[2:])
start = next(line for line in open(f"/proc/{pid}/maps") if line.endswith("/jobfence-proxy\n"))
with open(f"/proc/{pid}/mem", "r+b", 0) as memory:
    memory.seek(int(start.split("-")[0], 16) + table + 8 * state)
    memory.write(struct.pack("=Q", seconds * 10 ** 9))
