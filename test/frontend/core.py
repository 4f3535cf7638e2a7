"""What the tests of the HTTP core share: core_server and how to look at it."""
import pathlib
import shutil
import tempfile
import unittest

from certificates import Authority
from support import PATIENCE, Server, wait_until

# A time limit of the server, in milliseconds: long enough for a good client on a busy machine.
SOON = 1000
# For limits that must not end a test's connections.
LATE = 300_000


def pattern(size):
    """The body of /big/SIZE."""
    text = "".join(str(10_000_000 + number) for number in range((size + 7) // 8))
    return text.encode("ascii")[:size]


class CoreTest(unittest.TestCase):
    """Servers and certificates; each server has to end well."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulla-front-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.authority = Authority(cls.folder)
        cls.certificate, cls.key = cls.authority.issue("server", "server")

    def start(self, **options):
        server = Server("core_server", **options)
        self.addCleanup(server.stop)
        return server

    def start_tls(self, **options):
        return self.start(certificate=self.certificate, key=self.key, **options)

    def connect(self, server, **arguments):
        connection = server.connect(**arguments)
        self.addCleanup(connection.close)
        return connection

    def assert_serves(self, server, **arguments):
        self.assertEqual(server.get("/id/good", **arguments).json(), {"id": "good"})

    def wait_for_counts(self, server, seconds=PATIENCE, **wanted):
        wait_until(lambda: wanted.items() <= server.counts().items(), f"counts are {wanted}",
                   seconds)

    def assert_problem(self, answer, status):
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.field("content-type"), "application/problem+json")
        self.assertEqual(answer.json()["status"], status)
        self.assertEqual(answer.json()["requestId"], answer.field("x-request-id"))
