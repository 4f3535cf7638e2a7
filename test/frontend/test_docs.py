"""docs/rest.md tells the truth: its examples are run, in order, and print what stands below them."""
import json
import os
import re
import subprocess
import unittest

import service
from support import ROOT

DOCUMENT = ROOT / "docs" / "rest.md"
ANY = "…"


def setUpModule():  # pylint: disable=invalid-name
    service.make_cluster()
    ExamplesTest.database = service.Database("docs")
    ExamplesTest.served, ExamplesTest.token = service.serve(ExamplesTest.database)
    ExamplesTest.database.run("SELECT bulla.set_log_name('ledger.example.com/bulla')")


def blocks(text):
    """(line, language, content, lines between it and the block before) of each block of code."""
    found, end = [], 0
    lines = text.splitlines()
    fences = [number for number, line in enumerate(lines) if line.startswith("```")]
    for start, close in zip(fences[::2], fences[1::2]):
        found.append((start + 1, lines[start][3:], "\n".join(lines[start + 1:close]), start - end))
        end = close + 1
    return found


def differences(wanted, found, place="answer"):
    """Where an answer is not as documented. A text with … in it stands for any value."""
    if isinstance(wanted, str) and ANY in wanted:
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in wanted.keys() | found.keys():
            if name not in found:
                yield f"{place}.{name} is missing"
            elif name not in wanted:
                yield f"{place}.{name} is not documented"
            else:
                yield from differences(wanted[name], found[name], f"{place}.{name}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found)):
            yield from differences(one, other, f"{place}[{number}]")
    elif type(wanted) is not type(found) or wanted != found:
        yield f"{place} is {found!r} and not {wanted!r}"


class ExamplesTest(unittest.TestCase):
    """docs/rest.md"""

    database = served = token = None

    def run_example(self, script):
        # Who tries them by hand is slower than the regular sealing.
        self.database.run("CALL bulla.seal_all()")
        host, port = self.served.address
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], stdin=subprocess.DEVNULL,
                              check=False, capture_output=True, text=True, timeout=60,
                              env=os.environ | {"URL": f"http://{host}:{port}", "TOKEN": self.token})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_the_examples_of_the_document_print_what_it_says(self):
        documented = blocks(DOCUMENT.read_text(encoding="utf-8"))
        compared = 0
        for number, (line, language, script, _) in enumerate(documented):
            if language != "sh" or re.match("export ", script):
                continue
            with self.subTest(line=line):
                output = self.run_example(script)
                following = documented[number + 1:number + 2]
                if following and following[0][1] == "json" and following[0][3] == 0:
                    compared += 1
                    found = differences(json.loads(following[0][2]), json.loads(output))
                    self.assertEqual(sorted(found), [], output)
        # Nobody wants to find out that this looked at nothing.
        self.assertEqual(compared, sum(language == "json" for _, language, _, _ in documented))
        self.assertGreater(compared, 5)

    def test_differences_are_found(self):
        wanted = {"a": 1, "b": ["x", {"c": "…"}], "d": None}
        self.assertEqual(list(differences(wanted, {"a": 1, "b": ["x", {"c": 7}], "d": None})), [])
        for found in ({"a": 1, "b": ["x", {"c": 7}]}, {"a": 1, "b": ["x", {"c": 7}], "d": None, "e": 1},
                      {"a": True, "b": ["x", {"c": 7}], "d": None}, {"a": 1, "b": ["x"], "d": None},
                      {"a": 1, "b": ["x", {}], "d": None}, {"a": 1, "b": ["y", {"c": 7}], "d": None}, []):
            with self.subTest(found=found):
                self.assertEqual(len(list(differences(wanted, found))), 1)
