"""What the parts of bench/run share: running things, taking turns, printing tables."""
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CLUSTER = HERE.parent / "tools" / "cluster"
# Neither a make above us nor the caller's PostgreSQL settings have a say in what is measured.
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if name == "PG_CONFIG" or not re.match(r"PG|MAKE|MFLAGS", name)}


class Failed(Exception):
    """What went wrong, for the person at the terminal."""


def run(command, text=None, env=None):
    """Runs a command and returns its output; its errors are the user's to read."""
    done = subprocess.run([str(word) for word in command], input=text, text=True, check=False,
                          env=ENVIRONMENT | (env or {}), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Failed(f"{pathlib.Path(command[0]).name} failed:\n{done.stderr.strip()}")
    return done.stdout


def say(text=""):
    print(text, flush=True)


def progress(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def slow_disk(milliseconds):
    """The environment in which to start a server whose flushes take this much longer: give it to
    run([CLUSTER, "start", ...], env=...), and to fsync_rate() to see what has come of it."""
    # Where the user that PostgreSQL runs as can read it.
    library = pathlib.Path(run([CLUSTER, "path"]).strip()) / "slow_disk.so"
    run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library,
         HERE / "slow_disk.c", "-ldl"])
    return {"LD_PRELOAD": str(library), "BULLA_SLOW_DISK_MS": str(milliseconds)}


def connect():
    """Adopts the environment that reaches the cluster."""
    for word in shlex.split(run([CLUSTER, "env", "bench"])):
        name, _, value = word.partition("=")
        if name.startswith("PG"):
            ENVIRONMENT[name] = value
    ENVIRONMENT["PATH"] = f"{run([CLUSTER, 'path']).strip()}/installation/bin:{os.environ['PATH']}"


def psql(sql):
    return run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], text=sql).strip()


def seconds_of(sql):
    """How long one statement takes in the server, in seconds."""
    output = psql(f"\\o /dev/null\n\\timing on\n{sql};")
    return float(re.search(r"Time: ([\d.]+) ms", output)[1]) / 1000


def take_turns(variants, rounds, measure, what):
    """Measures every variant once a round; returns each one's figures."""
    figures = {variant: [] for variant in variants}
    for number in range(rounds):
        start = number % len(variants)
        progress(f"{what}: round {number + 1} of {rounds}")
        for variant in variants[start:] + variants[:start]:
            figures[variant].append(measure(variant))
    return figures


def shown(figures, decimals=0):
    """The median, and half the distance of the extremes in percent of it."""
    median = statistics.median(figures)
    if len(figures) == 1 or median == 0:
        return f"{median:,.{decimals}f}"
    return f"{median:,.{decimals}f} ±{50 * (max(figures) - min(figures)) / abs(median):.0f}%"


def table(rows):
    """Prints rows of equal length, first the head; all columns but the first align right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])] + [row[i].rjust(widths[i]) for i in range(1, len(row))]
        say(("  " + "  ".join(cells)).rstrip())
        if number == 0:
            say("  " + "  ".join("-" * width for width in widths))
    say()


def first_match(pattern, text, otherwise="unknown"):
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else otherwise


def fsync_rate(env=None):
    """fdatasync calls a second where the cluster's log is, by a second of pg_test_fsync."""
    process = subprocess.Popen(
        ["pg_test_fsync", "-s", "1", "-f", f"{ENVIRONMENT['PGHOST']}/fsync"],
        env=ENVIRONMENT | (env or {}),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    rate = "unknown"
    for line in process.stdout:
        if found := re.match(r"\s+fdatasync\s+([\d.]+) ops/sec", line):
            rate = f"{float(found[1]):,.0f}"
            break
    process.terminate()
    process.wait()
    return rate
