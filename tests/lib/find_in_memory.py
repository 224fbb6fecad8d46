#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
find_in_memory.py [--key] [--except PID]... [--below FOLDER] FILE [PID...]

Searches processes for the text of FILE: in all memory that may differ from a file of the disk, the
environment, the command line, the list of mappings, and all files that are open. Without a PID it
searches all processes of this PID namespace but itself and those of --except. A process that ends
meanwhile is left out. All files below FOLDER are searched, too. With --key, FILE has bytes, and
their reverse counts as well: numbers are kept in both orders.

Prints the command and the place of each find, once. Behind a mapping stand those of its flags "lo"
(locked) and "dd" (in no core file) that it has. Root's rights are needed. Fails if a PID is given
whose memory can't be read.
"""

import argparse
import os
import re
import stat
import sys

PIECE = 4 << 20  # bytes
MOST = 1 << 30  # bytes of a mapping or a file
HEAD = re.compile(r"[0-9a-f]+-[0-9a-f]+ ")
GONE = (FileNotFoundError, ProcessLookupError)


def wanted(path, key):
    with open(path, "rb") as file:
        content = file.read()
    text = content if key else content.rstrip(b"\r\n")
    if len(text) < 8:
        sys.exit(f"{path} has nothing that could be looked for")
    return (text, text[::-1]) if key else (text,)


class Mapping:
    def __init__(self, line):
        parts = line.split(maxsplit=5)
        self.begin, self.end = (int(number, 16) for number in parts[0].split("-"))
        self.rights, self.file = parts[1], (parts[3], parts[4])
        self.name = parts[5].strip() if len(parts) > 5 else "anonymous"
        self.kilobytes, self.flags = 0, ""

    def add(self, line):
        field, _, value = line.partition(":")
        if field in ("Rss", "Swap"):
            self.kilobytes += int(value.split()[0])
        elif field == "VmFlags":
            self.flags = "".join(f" {flag}" for flag in value.split() if flag in ("lo", "dd"))

    def is_of_disk(self):
        return self.name.startswith("/") and "w" not in self.rights and not self.name.endswith(" (deleted)")


def mappings(pid):
    found = []
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if HEAD.match(line):
                found.append(Mapping(line))
            else:
                found[-1].add(line)
    return [mapping for mapping in found if mapping.kilobytes and "r" in mapping.rights and not mapping.is_of_disk()]


class Search:
    def __init__(self, texts):
        self.texts = texts
        self.mapped = set()  # files that were found in memory
        self.searched = set()
        self.bytes = 0

    def has(self, read, length):
        """Whether a text is in what read(offset, length) gives. A part that can't be read is left out."""
        if length > MOST:
            sys.exit("a mapping or a file is too large to be searched")
        overlap = max(map(len, self.texts)) - 1
        for at in range(0, length, PIECE):
            try:
                piece = read(at, min(PIECE + overlap, length - at))
            except OSError:
                continue
            self.bytes += len(piece)
            if any(text in piece for text in self.texts):
                return True
        return False

    def is_in(self, file):
        with open(file, "rb", 0) as content:
            return self.has(lambda at, length: os.pread(content.fileno(), length, at), os.fstat(content.fileno()).st_size)

    def memory(self, pid):
        with open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for mapping in mappings(pid):
                def read(at, length, begin=mapping.begin):
                    return os.pread(memory.fileno(), length, begin + at)
                if self.has(read, mapping.end - mapping.begin):
                    self.mapped.add(mapping.file)
                    yield mapping.name + mapping.flags

    def lists(self, pid):
        for name in ("environ", "cmdline", "maps"):
            with open(f"/proc/{pid}/{name}", "rb") as file:
                content = file.read()
            if any(text in content for text in self.texts):
                yield name

    def files(self, pid):
        """Those that nobody has mapped. Also one without a name any more can be opened like this."""
        for number in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{number}"
            try:
                status = os.stat(path)
                file = (f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}", str(status.st_ino))
                if not stat.S_ISREG(status.st_mode) or file in self.mapped or file in self.searched:
                    continue
                self.searched.add(file)
                name = os.readlink(path)
                opened = os.open(path, os.O_RDONLY)
            except OSError:  # it was closed, or is one of the kernel's
                continue
            if self.is_in(opened):
                yield f"{name} open"

    def below(self, folder):
        for path, _, names in os.walk(folder):
            for name in names:
                name = os.path.join(path, name)
                if stat.S_ISREG(os.lstat(name).st_mode) and self.is_in(name):
                    yield name


def command(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
        return file.read().strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", action="store_true")
    parser.add_argument("--except", dest="left_out", type=int, action="append", default=[])
    parser.add_argument("--below")
    parser.add_argument("file")
    parser.add_argument("pids", type=int, nargs="*")
    given = parser.parse_args()
    # This process has the text itself.
    left_out = {os.getpid(), *given.left_out}
    pids = given.pids or [int(name) for name in os.listdir("/proc") if name.isdecimal() and int(name) not in left_out]
    search = Search(wanted(given.file, given.key))
    finds = set(search.below(given.below)) if given.below else set()
    for part in (search.memory, search.lists, search.files):
        for pid in pids:
            before = search.bytes
            try:
                finds |= {f"{command(pid)} {place}" for place in part(pid)}
            except GONE:
                if given.pids:
                    sys.exit(f"process {pid} has ended")
            if given.pids and part == search.memory and search.bytes == before:
                sys.exit(f"no memory of {pid} could be read")
    print("\n".join(sorted(finds)))


main()
