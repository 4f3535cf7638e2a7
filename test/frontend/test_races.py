"""Racing clients against the core: an answer is its client's, or nobody's."""
import pathlib
import shutil
import tempfile
import unittest

from certificates import Authority
from support import SANITIZED, Server, run_race, wait_until

SECONDS = 10 if SANITIZED else 6
ROUNDS = 300 if SANITIZED else 1500


class RacesTest(unittest.TestCase):
    """Each race is run on a server of its own, which afterwards holds nothing and ends well."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="bulla-front-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.certificate, cls.key = Authority(folder).issue("server", "server")

    def race(self, path, *words, tls=False, **options):
        if tls:
            options |= {"certificate": self.certificate, "key": self.key}
        server = Server("core_server", connections=100_000, connections_per_address=100_000,
                        **options)
        self.addCleanup(server.kill)
        counts, complaints = run_race(server.address, "--path", path, "--patience", 30_000, *words,
                                      tls=tls)
        for what in ("wrong", "unsolicited", "missing"):
            self.assertEqual(counts[what], 0, complaints)
        self.assertGreater(counts["checked"], 0)
        wanted = {"connections": 0, "inFlight": 0, "heldBytes": 0, "handshakes": 0}
        wait_until(lambda: wanted.items() <= server.counts().items(), "the server holds nothing")
        self.assertEqual(server.stop(), 0)

    def mixed(self, path, **options):
        self.race(path, "--seconds", SECONDS, "--aborting", 8, "--checking", 6, "--silent", 3,
                  **options)

    def test_answers_from_the_io_thread_are_each_clients_own(self):
        self.mixed("/id/", threads=1)

    def test_answers_from_other_threads_are_each_clients_own(self):
        self.mixed("/async/", threads=2)

    def test_answers_that_take_a_while_are_each_clients_own(self):
        self.mixed("/slow/3/", threads=2)

    def test_of_two_answers_none_goes_to_another_client(self):
        self.mixed("/twice/", threads=2)

    def test_answers_over_tls_are_each_clients_own(self):
        self.mixed("/async/", threads=2, tls=True)

    def test_no_wake_up_is_lost_when_all_ask_at_once(self):
        for path in ("/id/", "/async/"):
            self.race(path, "--rounds", ROUNDS, "--checking", 8, threads=2)


if __name__ == "__main__":
    unittest.main()
