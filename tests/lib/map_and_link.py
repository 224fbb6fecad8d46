# SPDX-License-Identifier: BSD-2-Clause
"""Maps a file of the working directory, locks, renames and links it, and links a file without a name."""

import fcntl
import mmap
import os

file = open("map", "wb+")
file.truncate(8192)
mapped = mmap.mmap(file.fileno(), 8192)
mapped[0:2] = b"ok"
mapped.flush()
print(open("map", "rb").read(2))
os.memfd_create("x")
fcntl.lockf(file, fcntl.LOCK_EX)
os.rename("map", "home/map")
os.replace("home/map", "map")
here = os.open(".", os.O_RDONLY)
os.link("map", "linked", src_dir_fd=here, dst_dir_fd=here)
print(sorted(os.listdir(here)))
nameless = os.open(".", os.O_TMPFILE | os.O_RDWR)
os.link(f"/proc/self/fd/{nameless}", "home/named", src_dir_fd=here)
print(os.listdir("home"))
