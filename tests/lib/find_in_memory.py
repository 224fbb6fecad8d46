#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
find_in_memory.py FILE PID...

Searches the processes for the text of FILE: in all memory that can be read, the environment, the
command line and the list of mappings. Prints the command and the place of each find, once.
Root's rights are needed. Fails if no memory could be read.
"""

import sys


def wanted(path):
    with open(path, "rb") as file:
        return file.read().strip()


def mappings(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as lines:
        for line in lines:
            parts = line.split(maxsplit=5)
            begin, end = (int(number, 16) for number in parts[0].split("-"))
            name = parts[5].strip() if len(parts) > 5 else "anonymous"
            if parts[1][0] == "r" and name not in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                yield begin, end, name


def places(pid, text):
    read = 0
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for begin, end, name in mappings(pid):
            try:
                memory.seek(begin)
                content = memory.read(end - begin)
            except OSError:
                continue
            read += len(content)
            if text in content:
                yield name
    if not read:
        sys.exit(f"no memory of {pid} could be read")
    for name in ("environ", "cmdline", "maps"):
        with open(f"/proc/{pid}/{name}", "rb") as file:
            if text in file.read():
                yield name


def main():
    text = wanted(sys.argv[1])
    for pid in sys.argv[2:]:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            command = file.read().strip()
        for place in sorted(set(places(pid, text))):
            print(command, place)


main()
