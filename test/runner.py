"""What the test runner needs beside its stages: results, commands, processes."""
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "check"
# Neither a make above us nor the caller's PostgreSQL settings have a say in the tests.
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if name == "PG_CONFIG" or not re.match(r"PG|MAKE|MFLAGS", name)}
REPORT_LINES = 120


class CannotRun(Exception):
    """A stage that cannot run; the message is what the developer has to read."""


class Tally:
    """The results of one stage."""

    def __init__(self, title):
        self.title, self.passed, self.failed, self.skipped = title, 0, 0, 0

    def count(self, passed, test="", log=""):
        """Counts one test and shows the log of one that failed."""
        if passed:
            self.passed += 1
            return
        self.failed += 1
        lines = log.splitlines()
        print(f"--- {self.title}: {test} failed")
        for line in lines[:REPORT_LINES]:
            print(line)
        if len(lines) > REPORT_LINES:
            print(f"... {len(lines) - REPORT_LINES} lines more under {OUT.relative_to(ROOT)}")

    def count_tap(self, code, output, test=""):
        """Counts the results of a TAP program that ended with this exit code."""
        before = self.passed + self.skipped, self.failed
        for line in output.splitlines():
            result = re.match(r"(not )?ok \d+\b(.*)", line)
            if not result:
                continue
            if re.search(r"# SKIP", result[2], re.IGNORECASE):
                self.skipped += 1
            elif result[1] and not re.search(r"# TODO", result[2], re.IGNORECASE):
                self.count(False, f"{test}{result[2]}".strip(" -"))
            else:
                self.passed += 1
        if self.failed > before[1]:
            print(tail(output))
        elif code != 0 or self.passed + self.skipped == before[0]:
            self.count(False, test or "the program", tail(output))

    def close(self):
        """Prints the line of the stage."""
        if self.passed + self.failed == 0:
            self.count(False, "the stage", "there are no tests")
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.title}: {self.passed} passed, {self.failed} failed{skipped}", flush=True)


def tail(output):
    """The end of a log, where the reason stands."""
    return "\n".join(output.splitlines()[-REPORT_LINES:])


def wait(process, timeout, progress):
    """Waits for the process, and prints what it writes after "# progress: " into that file."""
    until, place = time.monotonic() + timeout, 0
    while True:
        try:
            return process.wait(1)
        except subprocess.TimeoutExpired:
            if time.monotonic() > until:
                raise
        finally:
            if progress.exists():
                with open(progress, "rb") as log:
                    log.seek(place)
                    for line in log:
                        if not line.endswith(b"\n"):
                            break
                        place += len(line)
                        if found := re.search(r"# progress: (.*)", line.decode(errors="replace")):
                            print(found[1], flush=True)


def run(command, timeout=900, cwd=ROOT, env=None, progress=None):
    """Runs a command with all it starts in one process group; returns its exit code and output.

    The output goes through a file: a server that outlives the command would keep a pipe open.
    `progress` is a log of the command's own, of which some lines are printed as they come.
    """
    log = OUT / "output.log"
    with open(log, "wb") as out:
        process = subprocess.Popen([str(word) for word in command], cwd=cwd, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                                   env=ENVIRONMENT | (env or {}))
        try:
            code = wait(process, timeout, progress) if progress else process.wait(timeout)
        except BaseException as reason:
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                    process.wait(10)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    pass
            if not isinstance(reason, subprocess.TimeoutExpired):
                raise
            out.write(f"\nstopped after {timeout} seconds\n".encode())
            code = 1
    return code, log.read_text(encoding="utf-8", errors="replace")


def must(command, what, **arguments):
    """Runs a command that a stage cannot do without."""
    code, output = run(command, **arguments)
    if code != 0:
        raise CannotRun(f"{what}\n{tail(output)}")
    return output


def become_reaper(runner):
    """Runs the function in a child and waits for it, and for each server that a test has killed.

    A killed server's parent is gone. PostgreSQL does not start over a pid file whose process is a
    zombie, and process 1 may take its time or, in a container, not reap at all. Returns the exit code.
    """
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        return runner()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(child, received))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.waitstatus_to_exitcode(status)
