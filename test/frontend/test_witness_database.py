"""A database, the bullad in front of it and bullad witness together: nothing here is a double."""
import hashlib
import pathlib
import signal
import tempfile
import types
import unittest

from service import BulladTest, new_id
from support import wait_until
from witness_oracle import cosigned_at, text_of
from witness_support import NAME, WitnessFiles, size_in


class DatabaseTest(BulladTest):
    """bulla.heads of a database, cosigned by a witness that was told of it."""

    config = {"seal__every": "100ms", "witnesses__every": "100ms"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database.run("SELECT bulla.set_log_name('ledger.example.com/bulla')")
        wait_until(lambda: cls.database.run("SELECT to_regclass('bulla.heads') IS NOT NULL")[0][0], "bulla.heads is made")

    def checkpoint(self):
        return self.database.run("SELECT bulla.checkpoint('bulla.heads')")[0][0]

    def grow(self):
        """The tree's size with one more event in it."""
        before = size_in(self.checkpoint())
        self.append({"organizationId": new_id()})
        return wait_until(lambda: size_in(self.checkpoint()) > before and size_in(self.checkpoint()),
                          "the event is sealed")

    def wait_cosigned(self, size):
        wait_until(lambda: (self.database.run("SELECT cosigned_size FROM bulla.witness_status WHERE witness = %s",
                                              NAME)[0][0] or 0) >= size, f"size {size} is cosigned")

    def start_witness(self):
        """The log of this database, and a witness that was told of it and that the database was told of."""
        self.grow()
        origin = self.checkpoint().split("\n")[0]
        [(vkey,)] = self.database.run("SELECT bulla.verifier_key('bulla.heads')")
        log = types.SimpleNamespace(origin=origin, key=types.SimpleNamespace(vkey=vkey),
                                    hash=hashlib.sha256(origin.encode("ascii")).hexdigest())
        files = WitnessFiles(pathlib.Path(tempfile.mkdtemp(dir=self.folder)), log)
        witness = files.serve()
        host, port = witness.address
        self.database.run("SELECT bulla.add_witness(%s, %s)", files.vkey, f"http://{host}:{port}/")
        self.addCleanup(self.database.run, "SELECT bulla.drop_witness(%s)", NAME)
        return log, files, witness

    def test_what_the_database_seals_the_witness_cosigns_also_after_it_was_killed(self):
        log, files, witness = self.start_witness()
        self.addCleanup(lambda: witness.kill())  # pylint: disable=unnecessary-lambda
        address, origin = witness.address, log.origin
        for _ in range(3):
            self.wait_cosigned(self.grow())
        note = self.database.run("SELECT bulla.witnessed_checkpoint('bulla.heads', '', 1)")[0][0]
        cosigned_at(files.vkey, text_of(note), note[len(text_of(note)) + 1:])
        witness.stop(signal.SIGKILL)
        away = self.grow()
        wait_until(lambda: self.bullad.metric("bulla_witness_failures", witness=NAME) > 0, "it is missed")
        files.configure(api__listen=[f"{address[0]}:{address[1]}"])
        witness = files.serve()
        self.wait_cosigned(max(away, self.grow()))
        shown = witness.checkpoint(log).body.decode("utf-8")
        self.assertGreaterEqual(size_in(shown), away)
        self.assertEqual(witness.metric("bulla_witness_consistent", origin=origin), 1)
        self.assertEqual(files.kept(), [])

    def test_an_older_copy_of_the_database_that_goes_on_in_its_place_is_caught(self):
        log, files, witness = self.start_witness()
        self.addCleanup(witness.kill)
        self.wait_cosigned(self.grow())
        self.bullad.stop()
        original, copy = self.database.name, f"{self.database.name}_copy"
        with self.database.session("postgres") as run_there:
            run_there(f"CREATE DATABASE {copy} TEMPLATE {original}")
        # The original goes on, and is witnessed.
        self.__class__.bullad = self.serve(**self.config)
        self.addClassCleanup(self.bullad.kill)
        self.wait_cosigned(self.grow())
        self.wait_cosigned(self.grow())
        self.bullad.stop()
        try:
            # The copy lacks that, says that nothing is lost, and grows in its own way.
            self.database.name = copy
            self.database.run("SELECT bulla.take_over_log('nobody will notice')")
            bullad = self.serve(**self.config)
            self.addCleanup(bullad.kill)
            self.__class__.bullad = bullad
            for _ in range(4):
                self.grow()
            wait_until(lambda: witness.metric("bulla_witness_consistent", origin=log.origin) == 0, "the witness has noticed")
            wait_until(lambda: bullad.metric("bulla_witness_disagrees", witness=NAME) == 1, "bullad says so")
            self.assertTrue(files.kept())
            bullad.stop()
        finally:
            self.database.name = original
            self.__class__.bullad = self.serve(**self.config)
            self.addClassCleanup(self.bullad.kill)


if __name__ == "__main__":
    unittest.main()
