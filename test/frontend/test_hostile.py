"""What the HTTP core is tested with, against bullad: races, shortages, malformed requests."""
import contextlib
import json
import time
import unittest

import defects
from malformed_cases import CASES
from service import EVENT, BulladTest, encode
from support import run_race, wait_until
from test_malformed import CaseTest, CoreSubject, EndTest


class HostileTest(BulladTest):
    """What the core is tested with, against the service itself."""

    config = {"limits__connections_per_address": 100000, "limits__connections": 100000,
              "database__queue": 100000}

    def test_racing_clients_get_their_own_answers(self):
        before = self.bullad.descriptors()
        counts, complaints = run_race(
            self.bullad.address, "--path", "/v1/audit/", "--field",
            f"Authorization: Bearer {self.token}",
            "--seconds", 8, "--aborting", 2, "--checking", 6, "--silent", 3, "--patience", 30_000)
        for what in ("wrong", "unsolicited", "missing"):
            self.assertEqual(counts[what], 0, complaints)
        self.assertGreater(counts["checked"], 100)
        wait_until(lambda: self.bullad.metric("bulla_http_in_flight") == 0
                   and self.bullad.metric("bulla_http_connections") == 0
                   and self.bullad.metric("bulla_http_held_bytes") == 0, "nothing is left")
        wait_until(lambda: self.bullad.descriptors() <= before + 2, "the descriptors are back")

    def test_memory_stays_flat_over_many_requests_and_reconnects(self):
        # malloc's further arenas would come when they come.
        bullad = self.serve({"MALLOC_ARENA_MAX": "1"}, **self.config)
        self.addCleanup(bullad.kill)
        sizes = []
        for _ in range(6):
            run_race(bullad.address, "--path", "/v1/audit/", "--field",
                     f"Authorization: Bearer {self.token}", "--seconds", 2, "--aborting", 2,
                     "--checking", 4, "--silent", 0, "--requests", 2)
            wait_until(lambda: bullad.metric("bulla_http_connections") == 0, "nothing is left")
            sizes.append(bullad.resident_bytes())
        self.assertLess(max(sizes[3:]) - max(sizes[:3]), 8 << 20, sizes)

    def test_without_descriptors_it_waits_and_comes_back(self):
        self.bullad.limit_descriptors(self.bullad.descriptors() + 1)
        try:
            with contextlib.ExitStack() as clients:
                for _ in range(10):
                    clients.enter_context(self.bullad.connect())
                time.sleep(0.2)
                self.assertFalse(defects.spins(self.bullad))
        finally:
            self.bullad.limit_descriptors(None)
        wait_until(lambda: self.call("GET", "/v1/audit?limit=1").status == 200, "it serves again")

    def test_a_body_in_chunks_may_be_split_anywhere(self):
        head = (b"POST /v1/audit HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                + self.token.encode() +
                b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        text = json.dumps(EVENT).encode()
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)
        for split in range(len(body)):
            with self.bullad.connect() as connection:
                connection.send(head + body[:split])
                time.sleep(0.001)
                connection.send(body[split:])
                self.assertEqual(connection.answer().status, 201, split)

    def test_nothing_after_413_is_taken_for_a_request(self):
        with self.bullad.connect() as connection:
            connection.try_send(encode("POST", "/v1/audit", self.token).removesuffix(b"\r\n") +
                                b"Content-Length: 2000000\r\n\r\n" + b"x" * 70_000 +
                                encode("GET", "/v1/audit?limit=1", self.token) * 20)
            answers = connection.answers()
        self.assertEqual([answer.status for answer in answers], [413])


class BulladSubject(CoreSubject):
    """bullad for the malformed requests: where core_server has a route, it answers 404."""
    title = "bullad: "

    def start(self):
        if self.server is None or not self.server.running():
            self.starts += 1
            if self.starts == 1:
                MalformedTest.setUpClass()
            self.server = MalformedTest.serve(timeouts__head="2min", timeouts__body="2min")
        return self.server

    def stop(self):
        super().stop()
        MalformedTest.doClassCleanups()

    def statuses(self, wanted):
        wanted = super().statuses(wanted)
        if wanted & {200, 204, 405}:
            return wanted | {401, 404}
        return wanted

    def check_content(self, test, case, answers):
        """bullad does not echo."""


class MalformedTest(BulladTest):
    """The database and bullad behind BulladSubject; no tests of its own."""


def load_tests(loader, tests, _pattern):
    del tests
    suite = unittest.TestSuite()
    suite.addTests(loader.loadTestsFromTestCase(HostileTest))
    subject = BulladSubject()
    suite.addTests(CaseTest(subject, case) for case in CASES)
    suite.addTest(EndTest(subject))
    return suite


if __name__ == "__main__":
    unittest.main()
