# SPDX-License-Identifier: BSD-2-Clause
"""Fails unless the kernel has Landlock: asks landlock_create_ruleset(2) for its version."""

import ctypes
import sys

sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) < 1)
