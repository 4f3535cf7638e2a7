"""What the tests of bullad witness share: witnesses to make, start, break and ask."""
import pathlib
import shutil
import tempfile
import time

from service import BULLAD, Bullad, ServiceTest, run_bullad, write_config
from support import Program, parse_address
from witness_oracle import Log, cosigned_at, parse_text, text_of

NAME = "witness.example.com/w1"


class RunningWitness(Bullad):
    """bullad witness serve by a configuration."""

    def __init__(self, config, *words, env=None, command=()):  # pylint: disable=super-init-not-called
        # pylint: disable-next=non-parent-init-called
        Program.__init__(self, [*command, BULLAD, "witness", "serve", "--config", config, *words], env=env,
                         ready=False)
        try:
            self.addresses = {name: parse_address(
                self.wait_for_log("listening", listener=name)["addresses"][0]) for name in ("api", "admin")}
        except AssertionError:
            self.kill()
            raise

    def add(self, body, **arguments):
        """One add-checkpoint request."""
        return self.request("POST", "/add-checkpoint", body=body,
                            fields=(("Content-Type", None),), **arguments)

    def checkpoint(self, log):
        return self.get(f"/{log.hash}/checkpoint")


class WitnessFiles:
    """A witness in a folder of its own: key, state, evidence, configuration."""

    def __init__(self, folder, *logs, name=NAME, **settings):
        self.folder = pathlib.Path(folder)
        self.state, self.key = self.folder / "state", self.folder / "state.key"
        self.evidence, self.published = self.folder / "state.evidence", self.folder / "published"
        done = self.run("init", "--name", name,
                        *[word for log in logs for word in ("--trust", log.origin, log.key.vkey)])
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        self.vkey = done.stdout.strip()
        self.config = self.configure(**settings)

    def configure(self, **settings):
        return write_config(self.folder / "witness.toml", {
            "witness__state": str(self.state), "api__listen": ["127.0.0.1:0"],
            "admin__listen": ["127.0.0.1:0"],
            # Tests of requests shall not meet cosignatures that nobody asked for.
            "witness__refresh_every": "1h"} | settings)

    def run(self, command, *words):
        return run_bullad("witness", command, "--state", self.state, *words)

    def serve(self, *words, **arguments):
        return RunningWitness(self.config, *words, **arguments)

    def refused(self, *words, env=None):
        """bullad witness serve where it does not start; what it did."""
        return run_bullad("witness", "serve", "--config", self.config, *words, env=env)

    def kept(self):
        """The names of what was kept as evidence."""
        return sorted(path.name for path in self.evidence.iterdir()) if self.evidence.exists() else []


class WitnessTest(ServiceTest):
    """A folder for each test, and what has to be true of answers."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulla-witness-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def make(self, *logs, **settings):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        return WitnessFiles(folder, *(logs or [Log()]), **settings)

    def serve(self, files, *words, **arguments):
        witness = files.serve(*words, **arguments)
        self.addCleanup(witness.kill)
        return witness

    def assert_cosigned(self, files, answer, note):
        """A cosignature of this checkpoint, of now; returns its time."""
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.field("content-type"), "text/plain; charset=utf-8")
        at = cosigned_at(files.vkey, text_of(note), answer.body.decode("utf-8"))
        self.assertLess(abs(at - time.time()), 120)
        return at

    def assert_size(self, answer, size):
        """The refusal that names the size cosigned last."""
        self.assertEqual((answer.status, answer.body), (409, f"{size}\n".encode("ascii")))
        self.assertEqual(answer.field("content-type"), "text/x.tlog.size")

    def assert_shows(self, files, witness, log, size=None):
        """What monitors read is the log's checkpoint of this size with log's signature and cosignature."""
        answer = witness.checkpoint(log)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.field("content-type"), "text/plain; charset=utf-8")
        note = answer.body.decode("utf-8")
        self.assertEqual(text_of(note), log.text(size))
        self.assertIn(log.key.line(log.text(size)), note)
        return cosigned_at(files.vkey, text_of(note), note[len(text_of(note)) + 1:])

    def assert_refuses(self, done, code, *parts):
        """It did not start, said why in one line for people, and not what its key is."""
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        plain = [line for line in done.stderr.splitlines() if not line.startswith("{")]
        self.assertEqual(len(plain), 1, done.stderr)
        self.assertTrue(plain[0].startswith("bullad: "), done.stderr)
        for part in parts:
            self.assertIn(part, plain[0])


def size_in(note):
    return parse_text(text_of(note))[1]
