#!/usr/bin/python3
"""Feeds a program line by line until it says on standard error how far it is, then the rest; prints what it said.

usage: progress.py FILE PROGRAM ARGUMENT...

Each line is given as soon as the program may have something new to say. Gives up after a minute, with exit code 1.
"""
import os
import select
import subprocess
import sys
import time


def main(file, *command):
    said = b""
    with open(file, "rb") as lines, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                                     stderr=subprocess.PIPE, bufsize=0) as program:
        errors = program.stderr.fileno()
        deadline = time.monotonic() + 60
        for line in lines:
            program.stdin.write(line)
            if not said and select.select([errors], [], [], 0.3)[0]:
                said = os.read(errors, 1000)
            if time.monotonic() > deadline:
                program.kill()
                return 1
        program.stdin.close()
        said += program.stderr.read()
        code = program.wait()
    sys.stdout.write(said.decode("utf-8").replace("\r", "\\r").replace("\x1b", "\\e"))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
