"""Servers whose memory is watched: by the sanitizers, which the extension is then built with, or by valgrind.

Each is made from a folder of links to the sources, with objects, an installation and clusters of its own: what
is built and runs otherwise is not touched. test/regress/module/own_chunks.cpp makes of palloc's chunks what
both tools see, and test/regress/module/faults.cpp is what they have to find first.
"""
import os
import pathlib
import re
import shutil
import time

from runner import ROOT, CannotRun, must, run

# valgrind does not understand how the loader reads the names that llvmjit needs.
SETTINGS = ["shared_preload_libraries=bulla_test,bulla", "jit=off"]
CHUNKS = ("past a chunk", "after pfree", "after a reset", "pfree after a reset")


class Sanitizers:
    """AddressSanitizer and UndefinedBehaviorSanitizer: the extension's own code is instrumented, and all of
    the server's calls of malloc, free, memcpy and the like are checked."""
    name = "sanitized"
    environment = {"SANITIZE": "address,undefined"}
    report = re.compile(r"ERROR: AddressSanitizer|runtime error:")
    loaded = "libasan"
    faults = {"past a chunk": "heap-buffer-overflow", "past an object": "heap-buffer-overflow",
              "after pfree": "heap-use-after-free", "after a reset": "heap-use-after-free",
              "pfree after a reset": "heap-use-after-free", "a wide shift": "runtime error:"}

    @staticmethod
    def command(folder, reports):
        libasan = os.path.realpath(must(["g++", "-print-file-name=libasan.so"], "there is no g++").strip())
        early = folder / "early_malloc.so"
        must(["cc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-Wl,-z,initfirst", "-o", early,
              "test/regress/module/early_malloc.c"], "early_malloc.c does not build")
        return (f"env LD_PRELOAD='{libasan} {early}' "
                f"ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:quarantine_size_mb=64:log_path={reports}/asan "
                "UBSAN_OPTIONS=print_stacktrace=1")

    @staticmethod
    def is_watched(library):
        """Whether the library was built with both."""
        symbols = must(["nm", "-D", "--undefined-only", library], "nm does not run")
        return "__asan_report_load" in symbols and "__ubsan_handle_" in symbols


class Valgrind:
    """memcheck, for addresses only: sees every access of the server, at a twentieth of its speed."""
    name = "valgrind"
    environment = {}
    # Not what overlaps in memcpy: PostgreSQL's cache of regular expressions does.
    report = re.compile(r"Invalid (read|write|free)|Mismatched free|Process terminating")
    loaded = "vgpreload_memcheck"
    faults = {"past a chunk": "Invalid read", "past an object": "Invalid read", "after pfree": "Invalid read",
              "after a reset": "Invalid read", "pfree after a reset": "Invalid read"}

    @staticmethod
    def command(_folder, reports):
        return ("valgrind -q --undef-value-errors=no --leak-check=no --error-limit=no --num-callers=30 "
                f"--log-file={reports}/valgrind.%p")

    @staticmethod
    def is_watched(_library):
        return True


class Reports:
    """What a tool has written into its folder or the server's log."""

    def __init__(self, tool, folder, log):
        self.tool, self.folder, self.log, self.places = tool, folder, log, {}

    def fresh(self):
        """What was written since the last call, if there is a report in it."""
        text = ""
        for file in (self.log, *sorted(self.folder.iterdir())):
            content = file.read_text(encoding="utf-8", errors="replace")
            text += content[self.places.get(file, 0):]
            self.places[file] = len(content)
        found = self.tool.report.search(text)
        return text[found.start():] if found else ""


def link_sources(tree):
    """Makes the folder of links that a watched extension is built in."""
    for folder in ("extension", "test/regress/module"):
        sources = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*")
                   if path.name == "Makefile" or path.suffix in (".cpp", ".h", ".mk", ".map", ".control")}
        for link in (tree / folder).rglob("*"):
            if link.is_symlink() and link.relative_to(tree) not in sources:
                link.unlink()
        for source in sources:
            (tree / source).parent.mkdir(parents=True, exist_ok=True)
            if not (tree / source).is_symlink():
                (tree / source).symlink_to(ROOT / source)
    (tree / "tools").mkdir(exist_ok=True)
    for name in ("sql", "tools/cluster"):
        if not (tree / name).is_symlink():
            (tree / name).symlink_to(ROOT / name)


def watch_server(tool, binaries, reports):
    """Puts the tool before every start of that installation's server; its reports go into that folder."""
    folder = binaries.resolve()
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir()
    if os.geteuid() == 0:
        shutil.chown(reports, "postgres")
    server, real = folder / "postgres", folder / "postgres.watched"
    if not real.exists():
        server.rename(real)
    server.write_text(f'#!/bin/sh\nexec {tool.command(binaries.parent, reports)} "{real}" "$@"\n',
                      encoding="utf-8")
    server.chmod(0o755)


def psql(binaries, socket, statement):
    return run([binaries / "psql", "-XqAt", "-h", socket, "-p", "5432", "-U", "postgres", "-d", "postgres",
                "-v", "ON_ERROR_STOP=1", "-c", statement], timeout=120)


def wait_for_server(binaries, socket):
    """Waits until it takes connections again: a report of the sanitizers ends all its processes."""
    until = time.monotonic() + 120
    while psql(binaries, socket, "SELECT 1")[0] != 0:
        if time.monotonic() > until:
            raise CannotRun("the server does not come back after a report")
        time.sleep(0.2)


def check_tool(tally, tool, binaries, socket, reports):
    """The library that is watched is the one that runs, and each fault is found."""
    _, maps = psql(binaries, socket, "LOAD 'bulla'; SELECT pg_read_file('/proc/self/maps')")
    library = re.search(r"/\S*/bulla\.so", maps)
    tally.count(library and pathlib.Path(library[0]).is_relative_to(binaries.parent.resolve()) and
                tool.loaded in maps and tool.is_watched(library[0]),
                "the library that runs is watched", maps)
    psql(binaries, socket, "CREATE FUNCTION fault(text) RETURNS int LANGUAGE C STRICT"
         " AS 'bulla_test', 'bulla_test_fault'")
    reports.fresh()
    version = int(psql(binaries, socket, "SHOW server_version_num")[1])
    for fault, report in tool.faults.items():
        if version >= 160000 and fault in CHUNKS:
            tally.skipped += 1
            continue
        code, output = psql(binaries, socket, f"SELECT fault('{fault}')")
        found = reports.fresh()
        tally.count(report in found, f"the fault is found: {fault}", f"exit code {code}\n{output}{found}")
        wait_for_server(binaries, socket)
