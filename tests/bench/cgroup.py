# SPDX-License-Identifier: BSD-2-Clause
"""What the processes of a cgroup used."""

import os
import re


def cpu(cgroup):
    """The processor time of a cgroup so far, in µs."""
    with open(os.path.join(cgroup, "cpu.stat"), encoding="ascii") as file:
        return int(re.search(r"^usage_usec (\d+)", file.read(), re.M).group(1))


def memory(cgroup):
    """The proportional set size of all processes of a cgroup, in KiB."""
    total = 0
    with open(os.path.join(cgroup, "cgroup.procs"), encoding="ascii") as file:
        pids = file.read().split()
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))
    return total
