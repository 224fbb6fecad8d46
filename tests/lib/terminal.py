#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
terminal.py DIALOGUE [PREFIX...]

Holds a dialogue, one of the functions below, with an interactive shell on a terminal of its own, and prints what
was seen of each step. What the shell is asked to run is started by the command PREFIX, if any.
"""

import re
import shlex
import sys

import pexpect

PROMPT = "prompt> "
SHELL = ["bash", "--norc", "--noprofile", "--noediting", "-i"]


class Shell:
    def __init__(self, command, prefix=()):
        self.prefix = shlex.join(prefix) + " " if prefix else ""
        self.terminal = pexpect.spawn(command[0], list(command[1:]), timeout=20, encoding="utf-8", echo=False,
                                      dimensions=(24, 200))
        self.terminal.delaybeforesend = None
        self.terminal.sendline(f"PS1='{PROMPT[:3]}''{PROMPT[3:]}'")
        self.seen(PROMPT)

    def seen(self, what):
        """Waits for `what`, and returns what came before."""
        self.terminal.expect(what)
        return self.terminal.before

    def begin(self, command):
        """Starts a command that says READY, and waits for that."""
        self.terminal.sendline(self.prefix + command)
        self.seen("READY")

    def key(self, letter):
        self.terminal.sendcontrol(letter)

    def quit(self):
        """Ends the job that `fg` brings back: nobody says when it has the terminal, and the shell ignores ^\\."""
        self.terminal.sendline("fg")
        self.seen("sleep")  # a key that makes a signal throws away what was typed before
        for _ in range(100):
            self.key("\\")
            if not self.terminal.expect([PROMPT, pexpect.TIMEOUT], timeout=0.2):
                return
        raise TimeoutError("the command does not end")

    def say(self, command):
        """What a command of the shell itself prints."""
        self.terminal.sendline(command)
        return self.seen(PROMPT).strip()

    def report(self, step, text=None):
        """Prints the state of the jobs and the status of the last command."""
        status = self.say("echo =$?=")
        jobs = re.findall(r"^\[\d+\]\S*\s+(\w+)", self.say("jobs"), re.MULTILINE)
        print(step, *([text] if text is not None else []), *re.findall(r"=(\d+)=", status), *jobs)


SLEEP = "sh -c 'printf REA; echo DY; exec sleep 100'"


def outside(prefix):
    """Job control by the shell that starts the command."""
    shell = Shell(SHELL, prefix)
    shell.begin(SLEEP)
    shell.key("c")
    shell.seen(PROMPT)
    shell.report("interrupted")
    shell.begin("sh -c 'trap \"echo caught; kill \\$!; exit 9\" INT; sleep 100 & printf REA; echo DY; wait'")
    shell.key("c")
    print("caught" in shell.seen(PROMPT))
    shell.report("caught")
    shell.begin("sh -c 'printf REA; echo DY; read word; echo got $word; exit 4'")
    shell.key("z")
    shell.seen("Stopped")
    shell.seen(PROMPT)
    shell.report("stopped")
    shell.terminal.sendline("fg")
    shell.terminal.sendline("hello")
    print("got hello" in shell.seen(PROMPT))
    shell.report("continued")
    shell.begin(SLEEP)
    shell.key("z")
    shell.seen("Stopped")
    shell.seen(PROMPT)
    shell.say("bg")
    shell.report("in the background")
    shell.quit()
    shell.report("quit")
    background(shell)
    shell.terminal.sendline("exit 3")
    shell.seen(pexpect.EOF)
    shell.terminal.close()
    print("ended", shell.terminal.exitstatus)


def background(shell):
    """What reads from the terminal, or with TOSTOP writes to it, in the background is stopped."""
    shell.say(shell.prefix + "cat &")
    shell.say("wait %1")
    shell.report("reads in the background")
    shell.terminal.sendline("fg")
    shell.terminal.sendline("word")
    shell.seen("word")
    shell.key("d")
    shell.seen(PROMPT)
    shell.report("read")
    shell.say("stty tostop")
    shell.say(shell.prefix + "sh -c 'echo said; exit 6' &")
    shell.say("wait %1")
    shell.report("writes in the background")
    shell.terminal.sendline("fg")
    print("said" in shell.seen(PROMPT))
    shell.report("wrote")
    shell.say("stty -tostop")


def inside(prefix):
    """Job control by a shell that is the command."""
    shell = Shell([*prefix, *SHELL])
    shell.begin(SLEEP)
    shell.key("c")
    shell.seen(PROMPT)
    shell.report("interrupted")
    shell.begin(SLEEP)
    shell.key("z")
    shell.seen("Stopped")
    shell.seen(PROMPT)
    shell.report("stopped")
    shell.say("bg")
    shell.report("in the background")
    shell.quit()
    shell.report("quit")
    background(shell)
    print(shell.say("tty | cut -c1-5; stty size; test -t 0 && : </dev/tty && echo terminal").split())
    shell.terminal.sendline("trap 'echo resized; kill $!' WINCH; sleep 100 & printf REA; echo DY; wait $!")
    shell.seen("READY")
    shell.terminal.setwinsize(30, 100)
    shell.seen("resized")
    shell.seen(PROMPT)
    shell.say("wait")  # when the shell tells of the end that it caused is up to it
    print(shell.say("stty size"))
    shell.terminal.sendline("exit 3")
    shell.seen(pexpect.EOF)
    shell.terminal.close()
    print("ended", shell.terminal.exitstatus)


def hangup(prefix):
    """The terminal goes away while the command runs."""
    shell = Shell(SHELL, prefix)
    shell.begin(SLEEP)
    shell.terminal.close(force=False)


def hangup_inside(prefix):
    """The same for a command that leads the terminal's session."""
    shell = Shell([*prefix, *SHELL])
    shell.begin(SLEEP)
    shell.terminal.close(force=False)


{call.__name__: call for call in (outside, inside, hangup, hangup_inside)}[sys.argv[1]](sys.argv[2:])
