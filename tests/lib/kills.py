#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs a command many times, and ends each run at a random moment by a random signal, with random output closed.

usage: kills.py COUNT SEED COMMAND...
"""

import os
import random
import signal
import subprocess
import sys

PATIENCE = 60  # seconds that a run may take to end after its signal
SIGNALS = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTERM, signal.SIGUSR1,
           signal.SIGALRM, signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGKILL, signal.SIGKILL]
LONGEST = 0.25  # seconds


def closed_pipe():
    read, write = os.pipe()
    os.close(read)
    return write


def output(choice):
    if choice == "gone":
        return closed_pipe()
    return os.open("/dev/full" if choice == "full" else "/dev/null", os.O_WRONLY)


def run(command):
    out, err = output(random.choice(["gone", "full", "there"])), output(random.choice(["gone", "full", "there"]))
    whom = random.choice(["run", "run", "group"])
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
    os.close(out)
    os.close(err)
    try:
        process.wait(random.uniform(0, LONGEST))
    except subprocess.TimeoutExpired:
        (os.killpg if whom == "group" else os.kill)(process.pid, random.choice(SIGNALS))
    # Some signals are the command's to act on, and one of these does not end by them.
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return 1
    return 0


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    random.seed(seed)
    print("seed", seed)
    stuck = sum(run(sys.argv[3:]) for _ in range(count))
    print("stuck", stuck)


main()
