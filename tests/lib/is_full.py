# SPDX-License-Identifier: BSD-2-Clause
"""Whether no byte has room in the pipe at the descriptor of that number."""

import select
import sys

sys.exit(bool(select.select([], [int(sys.argv[1])], [], 0)[1]))
