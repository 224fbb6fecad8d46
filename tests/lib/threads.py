#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Says "ready" once the process has a second thread, and goes on until a signal ends it."""

import threading

threading.Thread(target=threading.Event().wait).start()
print("ready", flush=True)
threading.Event().wait()
