#!/usr/bin/python3
"""Feeds a program line by line until it shows progress on its terminal, then the rest; prints what the terminal got.

usage: progress.py FILE PROGRAM ARGUMENT...

Each line is given as soon as the program may have something new to say. Gives up after a minute, with exit code 1.
"""
import os
import pty
import select
import subprocess
import sys
import time


def main(file, *command):
    ours, terminal = pty.openpty()
    shown = b""
    with open(file, "rb") as lines, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                                     stderr=terminal, bufsize=0) as program:
        os.close(terminal)
        deadline = time.monotonic() + 60
        for line in lines:
            program.stdin.write(line)
            if not shown and select.select([ours], [], [], 0.3)[0]:
                shown = os.read(ours, 1000)
            if time.monotonic() > deadline:
                program.kill()
                return 1
        program.stdin.close()
        try:
            while more := os.read(ours, 1000):
                shown += more
        except OSError:  # nobody has the terminal any more
            pass
        code = program.wait()
    sys.stdout.write(shown.decode("utf-8").replace("\r", "\\r").replace("\x1b", "\\e"))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
