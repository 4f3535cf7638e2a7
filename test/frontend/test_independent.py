"""A program on golang.org/x/mod/sumdb, which shares no code with Bulla, reads the logs that bullad serves and the proofs it
gives, and refuses every one that was changed on the way."""
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support import ROOT
from test_log import ACME, EVENTS, LogTest

SOURCE = ROOT / "test" / "independent" / "checklog.go"


class Altering:
    """Serves what bullad serves, altered."""

    def __init__(self, behind):
        self.alter = lambda path, body: body
        altering = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                with urllib.request.urlopen(behind + self.path, timeout=60) as answer:
                    body = altering.alter(self.path, answer.read())
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def flip(body, place):
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1:]


class IndependentTest(LogTest):
    """test/independent/checklog.go"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = cls.folder / "checklog"
        # Debian's packages, and no network.
        environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
                                    "GOCACHE": str(cls.folder / "gocache")}
        subprocess.run(["go", "build", "-o", cls.program, SOURCE], env=environment, check=True, timeout=300)
        cls.add_events(300)
        cls.seal()
        cls.old = cls.folder / "old"
        cls.old.write_text(cls.database.run("SELECT bulla.checkpoint(%s, %s)", EVENTS, ACME)[0][0], encoding="utf-8")
        cls.add_events(223)
        cls.seal()
        cls.seal("", "bulla.heads")
        host, port = cls.bullad.addresses["api"]
        cls.api = f"http://{host}:{port}"

    def run_program(self, *words):
        return subprocess.run([self.program, *words], check=False, capture_output=True, text=True, timeout=120)

    def assert_accepts(self, *words):
        done = self.run_program(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def assert_refuses(self, expression, *words):
        done = self.run_program(*words)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stderr, expression)

    def test_it_verifies_every_leaf_of_the_logs_over_http(self):
        log = self.api + self.prefix()
        self.assertEqual(self.assert_accepts("log", log, self.verifier_key(), self.old), "523\n")
        self.assertEqual(self.assert_accepts("log", self.api + self.prefix("", "bulla.heads"),
                                             self.verifier_key("", "bulla.heads")),
                         "2\n")

    def test_it_refuses_a_log_that_is_altered_on_the_way(self):
        proxy = Altering(self.api)
        self.addCleanup(proxy.stop)
        log, key = proxy.url + self.prefix(), self.verifier_key()
        self.assert_accepts("log", log, key, self.old)

        def change(what, old, new):
            def alter(path, body):
                if not path.endswith(what):
                    return body
                changed = re.sub(old, new, body, count=1)
                self.assertNotEqual(changed, body)
                return changed
            return alter

        def flip_in(what, place):
            return lambda path, body: flip(body, place) if path.endswith(what) else body
        tile = "downloaded inconsistent tile|invalid transparency proof"
        for name, alter, expression in (
                ("size", change("/checkpoint", rb"\n523\n", b"\n522\n"), "invalid signature"),
                ("root", flip_in("/checkpoint", len(key.split("+")[0]) + 10), "invalid signature"),
                ("origin", flip_in("/checkpoint", 3), "invalid signature"),
                ("signature", change("/checkpoint", rb"(\xe2\x80\x94 \S+ .{20})(.)",
                                     lambda found: found[1] + (b"B" if found[2] == b"A" else b"A")), "invalid signature"),
                ("whose signature", change("/checkpoint", rb"\xe2\x80\x94 \S+ .{6}", b"\xe2\x80\x94 other.example AAAAAA"),
                 "no verifiable signatures"),
                ("full tile", flip_in("/tile/0/000", 32 * 17), tile),
                ("another full tile", flip_in("/tile/0/001", 8191), tile),
                ("partial tile", flip_in("/tile/0/002.p/11", 0), tile),
                ("tile above", flip_in("/tile/1/000.p/2", 32), tile),
                ("length of a tile", lambda path, body: body[:-32] if "/tile/" in path else body, "TileReader returned bad result")):
            with self.subTest(name):
                proxy.alter = alter
                self.assert_refuses(expression, "log", log, key, self.old)

    def test_it_refuses_a_log_that_has_not_grown_out_of_an_older_checkpoint(self):
        chain = "7a2e3d4c-5b6a-4f79-9d88-1b2c3d4e5f60"
        self.add_events(300, chain)
        self.seal(chain)
        other = self.verifier_key(chain)
        self.assert_refuses("no verifiable signatures", "log", self.api + self.prefix(chain), other, self.old)
        self.assert_refuses("no verifiable signatures", "log", self.api + self.prefix(), other)

    def test_it_verifies_a_proof_and_refuses_it_changed(self):
        [(event, leaf)] = self.database.run(
            f"SELECT event_id, encode(hash, 'hex') FROM {EVENTS} WHERE organization_id = %s AND seq = 123", ACME)
        proof = self.assert_ok(self.call("GET", f"/v1/audit/{event}/proof"))["tlogProof"]
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            file = pathlib.Path(folder) / "tlog-proof"
            file.write_text(proof, encoding="utf-8")
            self.assert_accepts("proof", file, self.verifier_key(), leaf)
            self.assert_refuses("invalid transparency proof", "proof", file, self.verifier_key(), "0" * 64)
            self.assert_refuses("no verifiable signatures", "proof", file, self.verifier_key("", "bulla.heads"), leaf)
            lines = proof.split("\n")
            blank = lines.index("")
            for name, number, expression in (("index", 1, "invalid transparency proof"),
                                             *((f"hash {n}", n, "invalid transparency proof") for n in range(2, blank)),
                                             ("origin", blank + 1, "invalid signature"), ("size", blank + 2, "invalid signature"),
                                             ("root", blank + 3, "invalid signature")):
                with self.subTest(name):
                    changed = lines[:]
                    digit = changed[number][-3]
                    changed[number] = changed[number][:-3] + ("1" if digit != "1" else "2") + changed[number][-2:]
                    file.write_text("\n".join(changed), encoding="utf-8")
                    self.assert_refuses(expression, "proof", file, self.verifier_key(), leaf)
            for number in range(2, blank):
                file.write_text("\n".join(lines[:number] + lines[number + 1:]), encoding="utf-8")
                self.assert_refuses("invalid transparency proof", "proof", file, self.verifier_key(), leaf)
