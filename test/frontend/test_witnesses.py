"""Witnesses are asked to cosign bulla.heads: regularly, by one bullad of several, and whatever they answer."""
import pathlib
import shutil
import tempfile
import time
import types

from service import BulladTest, new_id
from support import wait_until
from witness_double import Witness
from witness_support import WitnessFiles

HEARD, FAILURES, DISAGREES = ("bulla_witness_heard_timestamp_seconds", "bulla_witness_failures",
                              "bulla_witness_disagrees")
NOT_COSIGNED = "the witness has not cosigned; it is asked again"
DISAGREED = "the log is not the one that the witness has seen"
AGAIN = "the witness cosigns again"
CANNOT_READ = "it cannot be read which witnesses are to be asked"


class WitnessesTest(BulladTest):
    """A bullad that asks witnesses ten times a second while bulla.heads grows"""

    config = {"seal__every": "100ms", "witnesses__every": "100ms", "witnesses__deadline": "2s"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database.run("SELECT bulla.set_log_name('ledger.example.com/bulla')")
        wait_until(lambda: cls.database.run("SELECT to_regclass('bulla.heads') IS NOT NULL")[0][0], "bulla.heads is made")

    def start_witness(self, name):
        witness = Witness(name)
        self.addCleanup(witness.stop)
        [(witness.log_key,)] = self.database.run("SELECT bulla.verifier_key('bulla.heads')")
        self.database.run("SELECT bulla.add_witness(%s, %s)", witness.verifier_key, witness.url)
        self.addCleanup(self.database.run, "SELECT bulla.drop_witness(%s)", name)
        return witness

    def cosigned(self, name):
        """The size that the database knows it to have cosigned."""
        return self.database.run("SELECT cosigned_size FROM bulla.witness_status WHERE witness = %s", name)[0][0] or 0

    def grow(self):
        """What the tree has grown to."""
        before = self.size()
        self.append({"organizationId": new_id()})
        return wait_until(lambda: self.size() > before and self.size(), "the event is sealed")

    def size(self):
        return int(self.database.run("SELECT bulla.checkpoint('bulla.heads')")[0][0].split("\n")[1])

    def wait_for_cosignature(self, name, size):
        wait_until(lambda: self.cosigned(name) >= size, f"{name} has cosigned {size}")

    def test_what_is_sealed_is_cosigned(self):
        one, two = self.start_witness("one.example"), self.start_witness("two.example")
        for _ in range(3):
            size = self.grow()
            self.wait_for_cosignature(one.name, size)
            self.wait_for_cosignature(two.name, size)
        note = self.database.run("SELECT bulla.witnessed_checkpoint('bulla.heads', '', 2)")[0][0]
        self.assertIn("\n— one.example ", note)
        self.assertIn("\n— two.example ", note)
        self.assertGreaterEqual(int(note.split("\n")[1]), 3)
        # It is known how far each of them is: nobody is asked in vain.
        self.assertEqual({*one.requests, *two.requests}, {200})
        heard = wait_until(lambda: self.bullad.metric(HEARD, witness="one.example"), "the witness is shown")
        self.assertLess(abs(heard - time.time()), 60)
        self.assertEqual(self.bullad.metric(FAILURES, witness="one.example"), 0)
        self.assertEqual(self.bullad.metric(DISAGREES, witness="one.example"), 0)

    def test_bullad_witness_cosigns_also_where_it_is_forgotten_how_far_it_is(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="bulla-witness-"))
        self.addCleanup(shutil.rmtree, folder)
        [(log_key,)] = self.database.run("SELECT bulla.verifier_key('bulla.heads')")
        log = types.SimpleNamespace(origin=log_key.split("+")[0], key=types.SimpleNamespace(vkey=log_key))
        files = WitnessFiles(folder, log, name="real.example")
        witness = files.serve()
        self.addCleanup(witness.kill)
        host, port = witness.addresses["api"]
        self.database.run("SELECT bulla.add_witness(%s, %s)", files.vkey, f"http://{host}:{port}/")
        self.addCleanup(self.database.run, "SELECT bulla.drop_witness('real.example')")
        for _ in range(2):
            self.wait_for_cosignature("real.example", self.grow())
        # The witness says it, by 409.
        self.database.run("DELETE FROM bulla.cosigned")
        self.wait_for_cosignature("real.example", self.grow())
        self.assertEqual(files.kept(), [])

    def test_a_witness_that_is_further_or_was_set_back_says_how_far_it_is(self):
        witness = self.start_witness("late.example")
        self.wait_for_cosignature(witness.name, self.grow())
        # It has seen an older tree only.
        with witness.lock:
            witness.size, witness.root = 0, None
            asked = len(witness.requests)
        self.wait_for_cosignature(witness.name, self.grow())
        self.assertEqual(witness.requests[asked:asked + 2], [409, 200])

    def test_what_is_no_cosignature_is_not_kept_and_shown(self):
        witness = self.start_witness("wrong.example")
        self.wait_for_cosignature(witness.name, self.grow())
        text = self.database.run("SELECT bulla.checkpoint('bulla.heads')")[0][0].rpartition("\n\n")[0] + "\n"
        stranger = Witness("wrong.example")
        self.addCleanup(stranger.stop)
        before, failures = self.cosigned(witness.name), 0
        for status, body, problem in (
                (500, "out of\torder\n", "it answers 500: out of?order"), (404, "", "it answers 404: "),
                (409, "7\n", "it answers 409: 7"), (200, "", "the answer is not signed by the witness"),
                (200, "cosigned\n", "malformed signed note: a line under the text is no signature"),
                (200, stranger.cosign(text, 1), "the answer is not signed by the witness"),
                (200, witness.cosign("x\n", 1), "cosignature of wrong.example does not verify"),
                (302, "", "it answers 302: "), (200, "x" * 100_000, "the answer is longer than 65536 bytes")):
            with self.subTest(status=status, problem=problem):
                witness.answer = (status, "text/plain", body)
                self.grow()
                self.bullad.wait_for_log(NOT_COSIGNED, witness=witness.name, error=problem)
                failures = wait_until(lambda: self.bullad.metric(FAILURES, witness=witness.name) > failures
                                      and self.bullad.metric(FAILURES, witness=witness.name), "it is counted")
        self.assertEqual(self.cosigned(witness.name), before)
        self.assertEqual(self.bullad.metric(DISAGREES, witness=witness.name), 0)
        witness.answer = (409, "text/x.tlog.size", "0\n")
        self.bullad.wait_for_log(NOT_COSIGNED, witness=witness.name, error="it asks for a proof from another size each time")
        witness.answer = None
        self.wait_for_cosignature(witness.name, self.grow())
        self.bullad.wait_for_log(AGAIN, witness=witness.name)

    def test_a_witness_that_has_seen_another_log_is_an_alarm(self):
        witness = self.start_witness("angry.example")
        self.wait_for_cosignature(witness.name, self.grow())
        witness.answer = (422, "text/plain", "this is another tree\n")
        self.grow()
        self.bullad.wait_for_log(DISAGREED, witness=witness.name, level="error")
        wait_until(lambda: self.bullad.metric(DISAGREES, witness=witness.name) == 1, "it is shown")
        witness.answer = (409, "text/x.tlog.size", "1000000\n")
        wait_until(lambda: any("angry.example\" has seen 1000000 leaves of a tree that has" in line["error"]
                               for line in self.bullad.find_log(DISAGREED, level="error")), "the size is too large")
        witness.answer = None
        self.wait_for_cosignature(witness.name, self.grow())
        wait_until(lambda: self.bullad.metric(DISAGREES, witness=witness.name) == 0, "it is over")

    def test_a_witness_that_is_away_holds_up_no_other(self):
        here, away = self.start_witness("here.example"), self.start_witness("away.example")
        away.stop()
        self.wait_for_cosignature(here.name, self.grow())
        self.bullad.wait_for_log(NOT_COSIGNED, witness=away.name)
        wait_until(lambda: self.bullad.metric(FAILURES, witness=away.name) > 0, "it is counted")
        added = self.database.run("SELECT extract(epoch FROM added_at)::float FROM bulla.witnesses WHERE name = %s", away.name)[0][0]
        self.assertAlmostEqual(self.bullad.metric(HEARD, witness=away.name), added, delta=1)

    def test_of_two_bullads_one_asks(self):
        witness = self.start_witness("asked.example")
        other = self.serve()
        self.addCleanup(other.stop)
        asked = 0
        for _ in range(5):
            self.wait_for_cosignature(witness.name, self.grow())
            asked += 1
        wait_until(lambda: other.metric(HEARD, witness=witness.name), "the other knows of it")
        self.assertGreaterEqual(witness.requests.count(200), asked)
        self.assertTrue(set(witness.requests) <= {200, 409}, witness.requests)

    def test_without_the_right_it_says_what_is_missing(self):
        right = "EXECUTE ON FUNCTION bulla.witnesses_to_ask(interval, interval)"
        self.database.run(f"REVOKE {right} FROM bullad")
        self.addCleanup(self.database.run, f"GRANT {right} TO bullad")
        line = self.bullad.wait_for_log(CANNOT_READ)
        self.assertIn("bullad init grants what is missing", line["hint"])

    def test_it_stops_at_once_while_it_waits_for_an_answer(self):
        witness = self.start_witness("slow.example")
        bullad = self.serve(witnesses__deadline="60s", timeouts__drain="1s")
        with witness.lock:
            before = witness.arrived
            self.grow()
            wait_until(lambda: witness.arrived >= before + 2, "both ask")
            started = time.monotonic()
            bullad.stop()
            self.assertLess(time.monotonic() - started, 20)


