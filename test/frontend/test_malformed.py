"""Requests that are malformed or odd: each has its answer, and the server serves the next client.

Cases stand in malformed_cases.py. Mutations of good requests are compared with http_oracle.py.
"""
import random
import time
import unittest

import http_oracle
from malformed_cases import (CASES, CHUNKED, ENDS, GET, GOOD, HELLO, POST, TAKEN, WAITS,
                             ask)
from support import Closed, Server

# Long enough for an answer that should not come to come.
SILENCE = 0.2
# Generous for an answer, and shorter than any time limit of the server.
ANSWER_TIME = 15
MUTATIONS = 10_000
MUTATIONS_AT_ONCE = 1000


class CoreSubject:
    """core_server: started once for all cases, and anew where a case has ended it."""
    title = ""

    def __init__(self):
        self.server = None
        self.starts = 0

    def start(self):
        if self.server is None or not self.server.running():
            self.starts += 1
            self.server = Server("core_server", threads=1, head_time=120_000, body_time=120_000)
        return self.server

    def stop(self):
        if self.server is not None:
            self.server.kill()
            self.server = None

    def statuses(self, wanted):
        """The statuses that stand for what a case wants."""
        if isinstance(wanted, set):
            return wanted
        return {200} if wanted in (GOOD, TAKEN) else {wanted}

    def check_content(self, test, case, answers):
        """What the handlers were told is what was sent."""
        if case.ids is not None:
            test.assertEqual([answer.json()["id"] for answer in answers
                              if answer.status == 200 and "id" in answer.json()], case.ids)
        echoed = [answer.json() for answer in answers
                  if answer.status == 200 and "bodyBytes" in answer.json()]
        for echo in echoed:
            names = [name for name, _ in echo["fields"]]
            test.assertNotIn(case.absent, set(names) - {"host"} if case.absent == "host" else names)
            test.assertEqual(names.count("host"), names.count("host") and 1)
        if case.body is not None:
            test.assertTrue(echoed)
            for echo in echoed:
                test.assertEqual(echo["bodyBytes"], len(case.body))
        if case.allow is not None:
            test.assertEqual(set(answers[-1].field("allow").split(", ")), case.allow)


def check_problem(test, answer, closes):
    """An error is problem details that name the request."""
    test.assertEqual(answer.field("content-type"), "application/problem+json")
    problem = answer.json()
    test.assertEqual(problem["status"], answer.status)
    test.assertEqual(problem["title"], answer.reason)
    test.assertTrue(problem["detail"])
    test.assertTrue(answer.field("x-request-id"))
    test.assertEqual(problem["requestId"], answer.field("x-request-id"))
    test.assertEqual(answer.closes, closes)


def read_answers(test, connection, wanted):
    """As many answers as there are sets of statuses, each with a status of its set."""
    answers = []
    for statuses in wanted:
        try:
            answers.append(connection.answer())
        except (Closed, TimeoutError) as error:
            test.fail(f"{error!r} after {[answer.status for answer in answers]}")
        test.assertIn(answers[-1].status, statuses,
                      f"the answers are {[answer.status for answer in answers]}")
    return answers


def check_end(test, connection, then):
    if then == ENDS:
        connection.wait_closed(ANSWER_TIME)
    elif then == WAITS:
        test.assertTrue(connection.silent(SILENCE), f"something came: {connection.buffer!r}")
    else:
        test.assertEqual(connection.buffer, b"", "more answers than requests")
        connection.send(ask("afterwards"))
        test.assertLess(connection.answer().status, 500)


class CaseTest(unittest.TestCase):
    """One case against one subject."""

    def __init__(self, subject, case):
        super().__init__("run_case")
        self.subject = subject
        self.case = case

    def __str__(self):
        return f"{self.subject.title}{self.case.name}"

    def run_case(self):
        case = self.case
        server = self.subject.start()
        with server.connect(timeout=ANSWER_TIME) as connection:
            wanted = list(case.answers)
            for number, piece in enumerate(case.pieces):
                if number > 0 and wanted[0] == 100:
                    self.assertEqual(connection.answer().status, wanted.pop(0))
                elif number > 0:
                    time.sleep(0.02)
                connection.try_send(piece)
            answers = read_answers(self, connection,
                                   [self.subject.statuses(one) for one in wanted])
            for number, answer in enumerate(answers):
                last = number == len(answers) - 1
                if answer.status >= 400:
                    check_problem(self, answer, last and case.then == ENDS)
                else:
                    self.assertEqual(answer.closes, last and case.then == ENDS)
            self.subject.check_content(self, case, answers)
            check_end(self, connection, case.then)
        with server.connect(timeout=ANSWER_TIME) as connection:
            connection.send(ask("next"))
            self.assertIn(connection.answer().status, self.subject.statuses(GOOD),
                          "the next client is not served")


class EndTest(unittest.TestCase):
    """The last of a subject's tests."""

    def __init__(self, subject):
        super().__init__("end")
        self.subject = subject

    def __str__(self):
        return f"{self.subject.title}one process has answered all of this"

    def end(self):
        self.addCleanup(self.subject.stop)
        self.assertEqual(self.subject.starts, 1)
        self.assertTrue(self.subject.server.running())


LAST = b"GET /id/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
# What is sent, and the number of answers after which the connection ends.
SEQUENCES = {
    "two requests": (ask("a") + LAST, 2),
    "a body": (POST + b"Content-Length: 5\r\n\r\nhello" + LAST, 2),
    "chunks and trailers": (CHUNKED + b"5;a=b\r\nhello\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n" + LAST,
                            2),
    "an empty line before a request": (b"\r\n" + ask("a") + b"\r\n" + LAST, 2),
    "a bare line feed": (ask("a") + b"GET /id/b HTTP/1.1\r\nHost: x\r\nX: a\nb\r\n\r\n", 2),
    "a folded field": (GET + b"X: a\r\n b\r\n\r\n", 1),
    "a body longer than announced": (POST + b"Content-Length: 3\r\n\r\nhello\r\n\r\n", 2),
    "a broken chunk": (CHUNKED + b"5\r\nhello\rX0\r\n\r\n", 1),
}


class SplitTest(unittest.TestCase):
    """Where packets end makes no difference."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("core_server", threads=1, connections_per_address=10_000)
        cls.addClassCleanup(cls.server.kill)

    def exchange(self, pieces, number):
        """So many answers; the last request of a sequence ends the connection."""
        with self.server.connect(timeout=ANSWER_TIME) as connection:
            for piece in pieces:
                connection.try_send(piece)
                time.sleep(0.001)
            answers = [connection.answer() for _ in range(number)]
            connection.wait_closed(ANSWER_TIME)
            return [(answer.status, answer.json().get("id"), answer.json().get("bodySha256"),
                     answer.closes) for answer in answers]

    def check(self, name):
        data, number = SEQUENCES[name]
        whole = self.exchange([data], number)
        for at in range(1, len(data)):
            self.assertEqual(self.exchange([data[:at], data[at:]], number), whole, f"split at {at}")
        self.assertEqual(self.exchange([data[at:at + 1] for at in range(len(data))], number), whole,
                         "byte by byte")


def add_split_tests():
    for name in SEQUENCES:
        def test(self, name=name):
            self.check(name)
        setattr(SplitTest, f"test_{name.replace(' ', '_')}_may_be_cut_anywhere", test)


add_split_tests()


def mutate(rng):
    """A few good requests with a few faults in them."""
    seeds = [ask("a"), GET + b"Connection: keep-alive\r\n\r\n",
             POST + b"Content-Length: 7\r\n\r\n{\"a\":1}",
             CHUNKED + HELLO, CHUNKED + b"3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n",
             b"GET /id/a?b=c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"]
    data = bytearray(b"".join(rng.choice(seeds) for _ in range(rng.randint(1, 3))))
    pieces = [b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b",", b";", b"%",
              b"\x7f",
              b"\xff", b"0", b"5", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
              b"Host: x\r\n", b" HTTP/1.1\r\n", b"\r\n ", b"chunked", b"close"]
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data)) if data else 0
        kind = rng.randrange(5)
        if kind == 0 and data:
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at:at + rng.randint(1, 6)]
        elif kind == 2:
            data[at:at] = rng.choice(pieces)
        elif kind == 3:
            data[at:at] = data[:at]
        else:
            data[at:at + 1] = data[at:at + 1].swapcase()
    return bytes(data) or b"x"


class MutationTest(unittest.TestCase):
    """The core takes what the oracle takes, and refuses what it refuses."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("core_server", threads=1, connections_per_address=10_000)
        cls.addClassCleanup(cls.server.kill)

    def compare(self, data):
        data += LAST
        count, then, start = http_oracle.judge(data)
        said = f"{data!r}\nthe oracle: {count} requests, then {then} at {start}; the answers: "
        # What is refused before its head ends may still wait for the end of it.
        told = then == "ended" or (then == "refused" and b"\r\n\r\n" in data[start + 2:])
        with self.server.connect(timeout=ANSWER_TIME) as connection:
            connection.try_send(data)
            answers = []
            try:
                while len(answers) < count:
                    answers.append(connection.answer())
                if told or not connection.silent(0.05):
                    answers += connection.answers()
            except (Closed, TimeoutError) as error:
                self.fail(f"{said}{[answer.status for answer in answers]}, then {error!r}")
        said += str([answer.status for answer in answers])
        statuses = (200, 204, 400, 404, 405, 413, 414, 417, 431, 501, 505)
        self.assertTrue(all(answer.status in statuses for answer in answers), said)
        # An error that closes is one of framing, or stands behind the last request.
        good = [answer for answer in answers[:count] if answer.status < 400 or not answer.closes]
        good += [answer for answer in answers[count - 1:count] if answer.closes and then == "ended"
                 and answer.status in (400, 404, 405)]
        self.assertEqual(len(good), count, said)
        if then == "ended":
            self.assertEqual(len(answers), count, said)
        elif len(answers) == count:
            # Not refused yet, or not to be told yet: a head, or a chunk's line, is still to end.
            self.assertFalse(told, said)
        else:
            self.assertEqual(len(answers), count + 1, said)
            self.assertGreaterEqual(answers[-1].status, 400, said)
            self.assertTrue(answers[-1].closes, said)


def add_mutation_tests():
    for first in range(0, MUTATIONS, MUTATIONS_AT_ONCE):
        def test(self, first=first):
            for seed in range(first, first + MUTATIONS_AT_ONCE):
                self.compare(mutate(random.Random(seed)))
        last = first + MUTATIONS_AT_ONCE - 1
        setattr(MutationTest, f"test_mutations_{first}_to_{last}_are_judged_as_by_the_oracle", test)


add_mutation_tests()


def load_tests(loader, tests, _pattern):
    del tests
    subject = CoreSubject()
    suite = unittest.TestSuite(CaseTest(subject, case) for case in CASES)
    suite.addTest(EndTest(subject))
    suite.addTests(loader.loadTestsFromTestCase(SplitTest))
    suite.addTests(loader.loadTestsFromTestCase(MutationTest))
    return suite


if __name__ == "__main__":
    unittest.main()
