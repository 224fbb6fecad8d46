#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""change_entry.py FOLDER

Makes FOLDER/entry a file, a FIFO and a link to /etc/shadow in turn, without end. Says
"ready" at first.
"""

import os
import sys


def make_file(path):
    with open(path, "w"):
        pass


def make_link(path):
    os.symlink("/etc/shadow", path)


os.chdir(sys.argv[1])
print("ready", flush=True)
while True:
    for make in (make_file, os.mkfifo, make_link):
        make("new")
        os.rename("new", "entry")
