#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Presses Tab in a shell: complete.py SHELL PROGRAM SCRIPT LINE WANTED

SHELL is bash, zsh or fish. SCRIPT is the completion of PROGRAM for it. Types LINE and Tab, and
waits until the shell has made WANTED of the line. Fails with what the screen showed otherwise.
"""

import os
import sys

import pexpect

SHELLS = {
    "bash": (["--norc", "-i"], "PS1='ready> '; bind 'set enable-bracketed-paste off'; source {}"),
    "zsh": (["-f", "-i"], "PS1='ready> '; unsetopt zle_bracketed_paste; autoload -U compinit; "
                          "compinit -u -D; source {}"),
    "fish": (["--no-config", "--interactive"], "function fish_prompt; echo 'ready> '; end; source {}"),
}

shell, program, script, line, wanted = sys.argv[1:]
arguments, setup = SHELLS[shell]
environment = {**os.environ, "TERM": "dumb", "HISTFILE": "", "LANG": "C.UTF-8",
               "PATH": os.path.dirname(program) + ":" + os.environ["PATH"]}
terminal = pexpect.spawn(shell, arguments, env=environment, encoding="utf-8", timeout=30, dimensions=(24, 200))
try:
    terminal.sendline(setup.format(script))
    terminal.expect("ready> ")
    terminal.sendline("echo the shell is re''ady")
    terminal.expect("the shell is ready")
    terminal.expect("ready> ")
    terminal.send(line + "\t")
    terminal.expect_exact(wanted)
except pexpect.ExceptionPexpect:
    sys.exit(f"{shell} never shows {wanted!r} after {line!r} and Tab:\n{terminal.before}")
finally:
    terminal.close(force=True)
