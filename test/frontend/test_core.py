"""The HTTP core under clients that are slow, greedy, silent or many: core_server, driven from outside."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import ssl
import stat
import tempfile
import threading
import time
import unittest

from certificates import Authority
from support import (PATIENCE, PROGRAMS, SANITIZED, Closed, Connection, Program, Server, make_request,
                     parse_address, run_race, wait_until)

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
        wait_until(lambda: wanted.items() <= server.counts().items(), f"counts are {wanted}", seconds)

    def assert_problem(self, answer, status):
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.field("content-type"), "application/problem+json")
        self.assertEqual(answer.json()["status"], status)
        self.assertEqual(answer.json()["requestId"], answer.field("x-request-id"))


class AnswersTest(CoreTest):
    """What handlers do, and what becomes of it."""

    def test_a_handler_that_forgets_its_request_is_a_500(self):
        server = self.start()
        with server.connect() as connection:
            self.assert_problem(connection.request("GET", "/forget"), 500)
            self.assertEqual(connection.request("GET", "/id/next").json(), {"id": "next"})

    def test_only_the_first_of_two_answers_counts(self):
        server = self.start()
        with server.connect() as connection:
            for number in range(200):
                self.assertEqual(connection.request("GET", f"/twice/{number}").json(),
                                 {"id": str(number)})
            self.assertTrue(connection.silent(0.2))

    def test_an_exceptions_text_stays_inside(self):
        server = self.start()
        for target in ("/throw", "/throw-int"):
            answer = server.get(target)
            self.assert_problem(answer, 500)
            self.assertNotIn(b"secret", answer.body)

    def test_a_handler_cannot_be_made_to_add_a_field(self):
        answer = self.start().get("/field/a%0d%0aX-Evil:%20b")
        self.assertEqual(answer.status, 200)
        self.assertIsNone(answer.field("x-evil"))
        self.assertEqual(answer.field("x-value"), "aX-Evil: b")

    def test_head_is_get_without_the_body(self):
        server = self.start()
        with server.connect() as connection:
            for target in ("/big/5000000", "/id/a", "/nowhere"):
                head = connection.request("HEAD", target)
                get = connection.request("GET", target)
                self.assertEqual(head.status, get.status)
                self.assertEqual(head.body, b"")
                changing = ("date", "x-request-id", "content-length")
                self.assertEqual([field for field in head.fields if field[0] not in changing],
                                 [field for field in get.fields if field[0] not in changing])
                self.assertEqual(len(head.field("content-length")), len(get.field("content-length")))

    def test_each_answer_has_its_date_and_an_id_of_its_own(self):
        server = self.start()
        with server.connect() as connection:
            ids = set()
            for _ in range(100):
                answer = connection.request("GET", "/id/a")
                self.assertRegex(answer.field("date"),
                                 r"^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$")
                self.assertRegex(answer.field("x-request-id"), r"^[0-9A-Za-z._-]{1,40}$")
                ids.add(answer.field("x-request-id"))
            self.assertEqual(len(ids), 100)

    def test_repeated_fields_reach_the_handler_one_by_one_and_in_their_order(self):
        fields = [("X-A", "1"), ("x-b", "2"), ("X-a", "3"), ("X-A", " 4\t")]
        with self.start().connect() as connection:
            echo = connection.request("GET", "/echo", fields).json()
        for name, values in (("x-a", ["1", "3", "4"]), ("x-b", ["2"]), ("host", ["localhost"])):
            self.assertEqual([field[1] for field in echo["fields"] if field[0] == name], values)

    def test_a_parameter_is_decoded_once_and_the_path_stays_as_sent(self):
        with self.start().connect() as connection:
            echo = connection.request("GET", "/echo/%41%252f%2f%c3%a4?a=%41&b").json()
        self.assertEqual(echo["parameters"], {"name": "A%2f/ä"})
        self.assertEqual(echo["path"], "/echo/%41%252f%2f%c3%a4")
        self.assertEqual(echo["query"], "a=%41&b")

    def test_what_was_answered_is_told_once_with_its_figures(self):
        server = self.start(log=True)
        with server.connect() as connection:
            answer = connection.request("POST", "/echo?secret=1", body=b"12345")
            connection.send(b"broken\r\n\r\n")
            refusal = connection.answer()
        lines = [server.wait_for_line(lambda line: "answered" in line, 1)]
        lines.append(server.wait_for_line(lambda line: '"malformed"' in line, 1))
        self.assertIn(f'"requestId":"{answer.field("x-request-id")}"', lines[0])
        for part in ('"method":"POST"', '"path":"/echo"', '"route":"/echo"', '"status":200',
                     '"requestBytes":5', f'"responseBytes":{len(answer.body)}',
                     '"client":"127.0.0.1"'):
            self.assertIn(part, lines[0])
        self.assertIn(f'"requestId":"{refusal.field("x-request-id")}"', lines[1])
        self.assertIn('"status":400', lines[1])
        self.assertEqual(sum("answered" in line for line in server.lines), 2)

    def test_a_client_that_goes_before_its_answer_is_told_of_with_status_0(self):
        server = self.start(log=True)
        connection = server.connect()
        connection.send(make_request("GET", "/slow/500/gone"))
        self.wait_for_counts(server, inFlight=1)
        connection.reset()
        line = server.wait_for_line(lambda line: "/slow/500/gone" in line)
        self.assertIn('"status":0', line)
        self.wait_for_counts(server, inFlight=0, connections=0, heldBytes=0)


class SlowReadersTest(CoreTest):
    """Clients that do not take their answers, or take them slowly."""

    def stall(self, server, number=1, size=20_000_000, **arguments):
        """Clients that ask for much and read nothing."""
        clients = []
        for _ in range(number):
            clients.append(self.connect(server, receive_buffer=4096, **arguments))
            clients[-1].send(make_request("GET", f"/big/{size}"))
        return clients

    def read_all(self, client):
        size = 0
        with contextlib.suppress(OSError):
            while data := client.socket.recv(1 << 20):
                size += len(data)
        return size

    def check_dropped(self, server, **arguments):
        [client] = self.stall(server, **arguments)
        self.wait_for_counts(server, connections=1)
        self.assert_serves(server, **arguments)
        self.wait_for_counts(server, connections=0, heldBytes=0, inFlight=0)
        self.assertLess(self.read_all(client), 20_000_000)
        self.assert_serves(server, **arguments)

    def test_a_client_that_does_not_read_is_dropped(self):
        self.check_dropped(self.start(threads=1, write_time=SOON))

    def test_a_client_that_does_not_read_is_dropped_under_tls_too(self):
        self.check_dropped(self.start_tls(threads=1, write_time=SOON),
                           tls=self.authority.client_context())

    def test_clients_that_do_not_read_hold_their_answers_and_no_more(self):
        server = self.start(threads=1, write_time=LATE)
        before = server.resident_bytes()
        clients = self.stall(server, number=20, size=4_000_000)
        wait_until(lambda: server.counts()["heldBytes"] >= 20 * 3_000_000, "the answers are held")
        for _ in range(50):
            self.assert_serves(server)
        self.assertLessEqual(server.counts()["heldBytes"], 20 * 4_001_000)
        if not SANITIZED:
            self.assertLess(server.resident_bytes() - before, 20 * 4_000_000 * 2.5)
        for client in clients:
            client.reset()
        self.wait_for_counts(server, connections=0, heldBytes=0)

    def test_where_much_is_held_new_bodies_are_refused_until_it_is_less(self):
        server = self.start(write_time=LATE, held_bytes=6_000_000)
        clients = self.stall(server, number=2, size=8_000_000)
        wait_until(lambda: server.counts()["heldBytes"] > 6_000_000, "much is held")
        with server.connect() as connection:
            connection.send(make_request("POST", "/echo", body=b"hello")[:-5])
            answer = connection.answer()
            self.assert_problem(answer, 503)
            self.assertTrue(answer.field("retry-after").isdigit())
            self.assertTrue(answer.closes)
        self.assert_serves(server)
        for client in clients:
            client.reset()
        self.wait_for_counts(server, connections=0)
        with server.connect() as connection:
            self.assertEqual(connection.request("POST", "/echo", body=b"hello").status, 200)

    def read_steadily(self, server, **arguments):
        """Takes longer than write_time for it all, but not for a part."""
        size = 2_000_000
        with server.connect(receive_buffer=16384, **arguments) as connection:
            connection.send(make_request("GET", f"/big/{size}") + make_request("GET", "/id/next"))
            while len(connection.buffer) < size:
                connection.receive(65536)
                time.sleep(0.04)
            self.assertEqual(connection.answer().body, pattern(size))
            self.assertEqual(connection.answer().json(), {"id": "next"})

    def test_a_steady_reader_gets_all_of_it(self):
        self.read_steadily(self.start(write_time=SOON))

    def test_a_steady_reader_gets_all_of_it_over_tls_1_2(self):
        self.read_steadily(self.start_tls(write_time=SOON),
                           tls=self.authority.client_context(ssl.TLSVersion.TLSv1_2))

    def test_a_steady_reader_gets_all_of_it_over_tls_1_3(self):
        self.read_steadily(self.start_tls(write_time=SOON),
                           tls=self.authority.client_context(ssl.TLSVersion.TLSv1_3))

    def test_answers_of_all_sizes_arrive_whole(self):
        server, secure = self.start(), self.start_tls()
        tls = self.authority.client_context()
        for one, arguments in ((server, {}), (secure, {"tls": tls})):
            with one.connect(**arguments) as connection:
                for size in (0, 1, 4095, 4096, 16383, 16384, 16385, 65535, 65536, 65537, 131072,
                             1_000_003, 10_000_000):
                    answer = connection.request("GET", f"/big/{size}")
                    self.assertEqual(answer.body, pattern(size), f"of {size} bytes")

    def test_big_answers_to_many_at_once_arrive_whole(self):
        server = self.start(threads=2)
        wanted = pattern(3_000_000)
        wrong = []

        def read():
            try:
                with server.connect(receive_buffer=32768) as connection:
                    connection.send(make_request("GET", "/big/3000000") * 2)
                    for _ in range(2):
                        if connection.answer().body != wanted:
                            wrong.append("another body")
            except (AssertionError, OSError, Closed) as error:
                wrong.append(repr(error))

        threads = [threading.Thread(target=read) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_a_client_that_is_told_to_go_and_sends_on_is_cut_off(self):
        server = self.start(linger_time=LATE)
        with server.connect() as connection:
            connection.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
            self.assert_problem(connection.answer(), 413)
            with self.assertRaises(OSError):
                for _ in range(64):
                    connection.socket.sendall(b"x" * (1 << 20))
        self.wait_for_counts(server, connections=0)

    def test_a_client_that_sends_far_ahead_is_dropped(self):
        server = self.start(body=100_000)
        with server.connect() as connection:
            connection.send(make_request("GET", "/slow/30000/x"))
            self.wait_for_counts(server, inFlight=1)
            with self.assertRaises(OSError):
                for _ in range(64):
                    connection.socket.sendall(make_request("GET", "/id/ahead") * 10_000)
        self.wait_for_counts(server, connections=0)
        self.assert_serves(server)
        server.kill()  # rather than wait for the slow answer

    def test_bodies_from_many_at_once_arrive_whole(self):
        server = self.start(threads=2)
        wrong = []

        def send(number):
            try:
                body = os.urandom(200_000 + number)
                with server.connect() as connection:
                    echo = connection.request("POST", "/echo", body=body).json()
                    if echo["bodyBytes"] != len(body) or echo["bodySha256"] != digest(body):
                        wrong.append(echo)
            except (AssertionError, OSError, Closed) as error:
                wrong.append(repr(error))

        threads = [threading.Thread(target=send, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.wait_for_counts(server, heldBytes=0)


def digest(data):
    import hashlib
    return hashlib.sha256(data).hexdigest()


class CapsTest(CoreTest):
    """As many clients as there may be."""

    def hold(self, server, number, **arguments):
        """Connections that were served once, and stay."""
        held = [self.connect(server, **arguments) for _ in range(number)]
        for connection in held:
            self.assertEqual(connection.request("GET", "/id/a").status, 200)
        return held

    def test_an_address_has_so_many_connections_and_no_more(self):
        server = self.start(connections_per_address=5)
        held = self.hold(server, 5)
        with server.connect() as refused:
            refused.try_send(make_request("GET", "/id/a"))
            refused.wait_closed()
        self.assertEqual(server.counts()["refused"], 1)
        self.assert_serves(server, source="127.0.0.2")
        held[0].close()
        self.wait_for_counts(server, connections=4)
        self.hold(server, 1)

    def test_addresses_behind_a_trusted_proxy_are_not_one(self):
        server = self.start(connections_per_address=5, trusted="127.0.0.1")
        self.hold(server, 20)

    def test_at_the_cap_nobody_is_accepted_until_somebody_goes(self):
        server = self.start(connections=5)
        held = self.hold(server, 5)
        waiting = [self.connect(server) for _ in range(3)]
        for connection in waiting:
            connection.send(make_request("GET", "/id/later"))
        before = server.cpu_seconds()
        self.assertTrue(waiting[0].silent(1))
        self.assertLess(server.cpu_seconds() - before, 0.5)
        self.assertEqual(server.counts()["accepted"], 5)
        for connection, waiter in zip(held, waiting):
            connection.close()
            self.assertEqual(waiter.answer().json(), {"id": "later"})
        self.assertEqual(server.counts()["refused"], 0)

    def test_of_too_many_handshakes_the_oldest_are_given_up(self):
        server = self.start_tls(connections_per_address=5000, tls_handshake=LATE)
        idle = [self.connect(server) for _ in range(600)]
        self.wait_for_counts(server, handshakes=512)
        idle[0].wait_closed()
        self.assertTrue(idle[-1].silent(0.1))
        self.assert_serves(server, tls=self.authority.client_context())

    def test_without_descriptors_those_who_are_served_are_served_on(self):
        server = self.start()
        held = self.hold(server, 3)
        server.limit_descriptors(server.descriptors())
        waiting = [self.connect(server) for _ in range(5)]
        for connection in held:
            self.assertEqual(connection.request("GET", "/async/on").json(), {"id": "on"})
        server.limit_descriptors(None)
        for connection in waiting:
            self.assertEqual(connection.request("GET", "/id/b").json(), {"id": "b"})


class TimesTest(CoreTest):
    """Clients that are silent where they should not be."""

    def test_a_head_that_does_not_end_is_a_408(self):
        server = self.start(head_time=SOON)
        with server.connect() as connection:
            connection.send(b"GET /id/a HTTP/1.1\r\nHost: x\r\n")
            answer = connection.answer()
            self.assert_problem(answer, 408)
            self.assertTrue(answer.closes)
            connection.wait_closed()

    def test_a_head_that_drips_is_a_408(self):
        server = self.start(head_time=SOON)
        with server.connect() as connection:
            connection.send(b"GET /id/a HTTP/1.1\r\nHost: x\r\nX-Drip: ")
            until = time.monotonic() + PATIENCE
            while connection.silent(0.05) and time.monotonic() < until:
                connection.try_send(b"a")
            self.assert_problem(connection.answer(), 408)

    def test_a_body_that_does_not_end_is_a_408(self):
        server = self.start(body_time=SOON)
        for request in (make_request("POST", "/echo", body=b"hello")[:-1],
                        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"):
            with server.connect() as connection:
                connection.send(request)
                self.assert_problem(connection.answer(), 408)
                connection.wait_closed()

    def test_chunks_that_drip_are_a_408(self):
        server = self.start(body_time=SOON)
        with server.connect() as connection:
            connection.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            until = time.monotonic() + PATIENCE
            while connection.silent(0.05) and time.monotonic() < until:
                connection.try_send(b"1\r\nx\r\n")
            self.assert_problem(connection.answer(), 408)

    def test_a_client_that_asks_nothing_is_closed_silently(self):
        server = self.start(idle_time=SOON)
        with server.connect() as connection:
            connection.wait_closed()

    def test_a_client_that_asks_nothing_more_is_closed_silently(self):
        server = self.start(idle_time=SOON)
        with server.connect() as connection:
            self.assertEqual(connection.request("GET", "/id/a").status, 200)
            connection.wait_closed()

    def test_a_client_that_asks_nothing_over_tls_is_closed(self):
        server = self.start_tls(idle_time=SOON)
        with server.connect(tls=self.authority.client_context()) as connection:
            connection.wait_closed()

    def test_work_may_take_longer_than_a_client_may(self):
        server = self.start(idle_time=SOON, head_time=SOON, body_time=SOON, write_time=SOON)
        with server.connect() as connection:
            self.assertEqual(connection.request("GET", "/slow/3000/x").json(), {"id": "x"})
            self.assertEqual(connection.request("POST", "/slow/3000/y", body=b"z").json(), {"id": "y"})

    def test_a_handshake_that_does_not_end_is_closed(self):
        server = self.start_tls(tls_handshake=SOON)
        with server.connect() as silent, server.connect() as partial:
            partial.send(bytes.fromhex("1603010200010001fc0303"))
            silent.wait_closed()
            partial.wait_closed()
        self.wait_for_counts(server, handshakes=0, connections=0)

    def test_a_client_that_does_not_close_after_the_last_answer_is_dropped(self):
        server = self.start(linger_time=SOON)
        with server.connect() as connection:
            answer = connection.request("GET", "/id/a", [("Connection", "close")])
            self.assertTrue(answer.closes)
            connection.wait_closed()
            self.wait_for_counts(server, connections=0)


class DrainTest(CoreTest):
    """SIGTERM."""

    def test_idle_clients_are_closed_and_new_ones_refused_at_once(self):
        server = self.start(threads=2)
        idle = [self.connect(server) for _ in range(10)]
        for connection in idle[:5]:
            connection.request("GET", "/id/a")
        busy = self.connect(server)
        busy.send(make_request("GET", "/slow/3000/last"))
        self.wait_for_counts(server, inFlight=1)
        server.send_signal(signal.SIGTERM)
        for connection in idle:
            connection.wait_closed()
        self.assertTrue(busy.silent(0))
        with self.assertRaises(ConnectionRefusedError):
            server.connect()
        answer = busy.answer()
        self.assertEqual(answer.json(), {"id": "last"})
        self.assertTrue(answer.closes)
        self.assertEqual(server.wait(), 0)

    def test_a_request_that_has_begun_may_end(self):
        server = self.start()
        with server.connect() as connection:
            connection.send(make_request("POST", "/echo", body=b"hello")[:-2])
            self.wait_for_counts(server, connections=1)
            wait_until(lambda: server.counts()["heldBytes"] > 0, "the body has begun")
            server.send_signal(signal.SIGTERM)
            self.assertTrue(connection.silent(0.5))
            connection.send(b"lo")
            answer = connection.answer()
            self.assertEqual(answer.json()["bodyBytes"], 5)
            self.assertTrue(answer.closes)
        self.assertEqual(server.wait(), 0)

    def test_of_requests_sent_ahead_the_one_at_work_is_answered(self):
        server = self.start()
        with server.connect() as connection:
            connection.send(make_request("GET", "/slow/1500/first") + make_request("GET", "/id/second"))
            self.wait_for_counts(server, inFlight=1)
            server.send_signal(signal.SIGTERM)
            answers = connection.answers()
        self.assertEqual([answer.json()["id"] for answer in answers], ["first"])
        self.assertTrue(answers[0].closes)
        self.assertEqual(server.wait(), 0)

    def test_when_the_time_is_over_the_rest_is_cut_off_and_the_exit_code_says_so(self):
        server = self.start(grace=500)
        with server.connect() as connection:
            connection.send(make_request("GET", "/slow/20000/never"))
            self.wait_for_counts(server, inFlight=1)
            server.send_signal(signal.SIGTERM)
            connection.wait_closed()
        self.assertEqual(server.wait(), 1)

    def test_answers_that_are_being_written_arrive_whole(self):
        server = self.start()
        with server.connect(receive_buffer=32768) as connection:
            connection.send(make_request("GET", "/big/5000000"))
            wait_until(lambda: server.counts()["heldBytes"] > 1_000_000, "it is being written")
            server.send_signal(signal.SIGTERM)
            self.assertEqual(connection.answer().body, pattern(5_000_000))
        self.assertEqual(server.wait(), 0)


class TlsTest(CoreTest):
    """Certificates and versions."""

    def served_certificate(self, connection):
        return connection.socket.getpeercert(binary_form=True)

    def reload(self, server):
        after = len(server.lines)
        server.send_signal(signal.SIGHUP)
        return server.wait_for_line(lambda line: line.startswith(("reloaded", "kept")), after)

    def own_files(self):
        """A certificate and key of this test's, to change."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        return Path2(*(shutil.copy(path, folder) for path in (self.certificate, self.key)))

    def test_a_new_certificate_is_for_new_connections(self):
        files = self.own_files()
        server = self.start(certificate=files.certificate, key=files.key)
        tls = self.authority.client_context()
        with server.connect(tls=tls) as old:
            first = self.served_certificate(old)
            other = self.authority.issue("server", "other")
            shutil.copy(other[0], files.certificate)
            shutil.copy(other[1], files.key)
            self.assertEqual(self.reload(server), "reloaded")
            with server.connect(tls=tls) as new:
                self.assertNotEqual(self.served_certificate(new), first)
                self.assertEqual(new.request("GET", "/id/new").status, 200)
            self.assertEqual(old.request("GET", "/id/old").json(), {"id": "old"})
            self.assertEqual(self.served_certificate(old), first)

    def test_files_that_cannot_be_used_leave_the_old_certificate(self):
        files = self.own_files()
        server = self.start(certificate=files.certificate, key=files.key)
        tls = self.authority.client_context()
        with server.connect(tls=tls) as connection:
            first = self.served_certificate(connection)
        other = self.authority.issue("server", "other")
        good_key = pathlib.Path(files.key).read_bytes()

        def no_file():
            os.unlink(files.certificate)

        def not_pem():
            pathlib.Path(files.certificate).write_text("not a certificate", encoding="ascii")

        def another_key():
            shutil.copy(self.certificate, files.certificate)
            shutil.copy(other[1], files.key)

        def no_key():
            os.unlink(files.key)

        for spoil in (no_file, not_pem, another_key, no_key):
            spoil()
            line = self.reload(server)
            self.assertIn("kept: ", line)
            self.assertIn(str(pathlib.Path(files.certificate).parent), line)
            with server.connect(tls=tls) as connection:
                self.assertEqual(self.served_certificate(connection), first)
                self.assertEqual(connection.request("GET", "/id/a").status, 200)
        pathlib.Path(files.key).write_bytes(good_key)
        shutil.copy(self.certificate, files.certificate)
        self.assertEqual(self.reload(server), "reloaded")

    def test_certificates_are_reloaded_while_clients_come_and_go(self):
        files = self.own_files()
        server = self.start(certificate=files.certificate, key=files.key,
                            connections_per_address=100_000)
        done = threading.Event()
        results = []

        def race():
            try:
                results.append(run_race(server.address, "--seconds", 3, "--aborting", 2, "--silent", 1,
                                        tls=True))
            finally:
                done.set()

        thread = threading.Thread(target=race)
        thread.start()
        while not done.is_set():
            self.assertEqual(self.reload(server), "reloaded")
        thread.join()
        [(counts, complaints)] = results
        self.assertGreater(counts["checked"], 0)
        self.assertEqual(counts["wrong"] + counts["unsolicited"] + counts["missing"], 0, complaints)

    def test_a_client_without_a_certificate_is_refused_where_one_is_wanted(self):
        server = self.start_tls(client_ca=self.authority.path)
        stranger = Authority(self.folder, "another authority")
        good = self.authority.issue("client", "client")
        bad = stranger.issue("client", "stranger")
        with server.connect(tls=self.authority.client_context(certificate=good)) as connection:
            self.assertEqual(connection.request("GET", "/id/a").status, 200)
        for certificate in (None, bad):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                tls = self.authority.client_context(version, certificate)
                with self.assertRaises((OSError, Closed)):
                    server.get("/id/a", tls=tls)

    def test_a_session_is_resumed_where_client_certificates_are_wanted(self):
        server = self.start_tls(client_ca=self.authority.path)
        tls = self.authority.client_context(ssl.TLSVersion.TLSv1_2,
                                            self.authority.issue("client", "client"))
        with server.connect(tls=tls) as connection:
            self.assertEqual(connection.request("GET", "/id/a").status, 200)
            session = connection.socket.session
        with socket.create_connection(server.address, PATIENCE) as plain:
            with tls.wrap_socket(plain, server_hostname="localhost", session=session) as resumed:
                self.assertTrue(resumed.session_reused)
                resumed.sendall(make_request("GET", "/id/a"))
                self.assertTrue(resumed.recv(100).startswith(b"HTTP/1.1 200"))

    def test_tls_1_2_and_1_3_are_served_and_older_versions_refused(self):
        server = self.start_tls()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with server.connect(tls=self.authority.client_context(version)) as connection:
                self.assertEqual(connection.socket.version(), version.name.replace("_", ".", 1)
                                 .replace("TLSv1.", "TLSv1."))
                self.assertEqual(connection.request("GET", "/id/a").status, 200)
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            with self.assertRaises(ssl.SSLError) as caught:
                server.get("/id/a", tls=context)
            self.assertIn("VERSION", str(caught.exception).upper())

    def test_a_client_that_speaks_no_tls_is_closed(self):
        server = self.start_tls()
        with server.connect() as connection:
            connection.try_send(make_request("GET", "/id/a"))
            with contextlib.suppress(OSError):
                while connection.receive():
                    pass
            self.assertNotIn(b"HTTP/1.1 200", connection.buffer)
        self.assert_serves(server, tls=self.authority.client_context())

    def test_a_certificate_that_cannot_be_used_keeps_the_server_from_starting(self):
        other = self.authority.issue("server", "other")
        for certificate, key, named in ((self.folder / "absent.pem", self.key, "absent.pem"),
                                        (self.certificate, other[1], "other.key")):
            program = Program([PROGRAMS / "core_server", "--certificate", certificate, "--key", key],
                              ready=False)
            self.assertEqual(program.wait(), 2)
            self.assertIn(named, program.log())
            self.assertEqual(len(program.log().splitlines()), 1)


class Path2:
    """The paths of a certificate and its key."""

    def __init__(self, certificate, key):
        self.certificate = certificate
        self.key = key


class ListenersTest(CoreTest):
    """Where a server can be reached."""

    def test_ipv4_ipv6_and_a_unix_socket_at_once(self):
        path = self.folder / "api.sock"
        server = self.start(listen=["127.0.0.1:0", "[::1]:0", f"unix:{path}"])
        self.assertEqual(len(server.addresses), 3)
        clients = []
        for address in server.addresses:
            with Connection(parse_address(address)) as connection:
                clients.append(connection.request("GET", "/echo").json()["client"])
        self.assertEqual(clients, ["127.0.0.1", "::1", ""])
        self.assertTrue(stat.S_ISSOCK(path.stat().st_mode))
        self.assertEqual(server.stop(), 0)
        self.assertFalse(path.exists())

    def test_a_unix_socket_that_a_killed_server_left_is_taken_over(self):
        path = self.folder / "left.sock"
        self.start(listen=f"unix:{path}").kill()
        self.assertTrue(path.exists())
        self.assert_serves(self.start(listen=f"unix:{path}"))

    def check_refused(self, address, *words):
        program = Program([PROGRAMS / "core_server", "--listen", address], ready=False)
        self.assertEqual(program.wait(), 2)
        for word in (address, *words):
            self.assertIn(word, program.log())
        self.assertEqual(len(program.log().splitlines()), 1)

    def test_an_address_that_is_taken_keeps_the_server_from_starting(self):
        path = self.folder / "taken.sock"
        server = self.start(listen=["127.0.0.1:0", f"unix:{path}"])
        for address in server.addresses:
            self.check_refused(address, "in use")
        self.assert_serves(server)
        with Connection(str(path)) as connection:
            self.assertEqual(connection.request("GET", "/id/a").status, 200)

    def test_what_is_no_address_keeps_the_server_from_starting(self):
        for address in ("127.0.0.1", "127.0.0.1:99999", "localhost:80", "::1:80", "[::1]", "unix:",
                        "127.0.0.1:8o", "127.0.0.1:-1", ":80", "127.1:80x", f"unix:/{'a' * 200}"):
            self.check_refused(address)

    def test_a_file_is_not_taken_for_a_socket(self):
        path = self.folder / "file.sock"
        path.write_text("mine", encoding="ascii")
        self.check_refused(f"unix:{path}")
        self.assertEqual(path.read_text(encoding="ascii"), "mine")


class ProxiesTest(CoreTest):
    """Who may say who the client is."""

    def client(self, server, *values, source=None, name="X-Forwarded-For"):
        with server.connect(source=source) as connection:
            return connection.request("GET", "/echo", [(name, value) for value in values]).json()["client"]

    def test_a_client_is_not_believed_about_itself(self):
        server = self.start(trusted=["10.0.0.0/8"])
        self.assertEqual(self.client(server, "192.0.2.1"), "127.0.0.1")
        self.assertEqual(self.client(server, "10.0.0.1"), "127.0.0.1")

    def test_of_a_proxys_list_the_rightmost_that_is_no_proxy_counts(self):
        server = self.start(trusted=["127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48"])
        for values, client in (([], "127.0.0.1"),
                               (["192.0.2.1"], "192.0.2.1"),
                               (["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
                               (["192.0.2.1, 10.0.0.1"], "192.0.2.1"),
                               (["192.0.2.1,10.1.2.3 ,\t10.0.0.1"], "192.0.2.1"),
                               (["198.51.100.1, 192.0.2.1", "10.0.0.1"], "192.0.2.1"),
                               (["198.51.100.1", "192.0.2.1"], "192.0.2.1"),
                               (["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
                               (["2001:db8::1, 2001:db8:1::5"], "2001:db8::1"),
                               (["2001:DB8:0:0::1"], "2001:db8::1"),
                               (["::ffff:192.0.2.1"], "192.0.2.1")):
            self.assertEqual(self.client(server, *values), client, values)

    def test_what_is_no_address_ends_the_search(self):
        server = self.start(trusted=["127.0.0.0/8", "10.0.0.0/8"])
        for value in ("unknown", "", "192.0.2.1, nonsense", "192.0.2.1, 10.0.0.256", "192.0.2.1; x",
                      "192.0.2.1, _hidden", "192.0.2.1, "):
            self.assertIn(self.client(server, value), ("127.0.0.1",), value)
        self.assertEqual(self.client(server, "192.0.2.1, nonsense, 10.0.0.1"), "10.0.0.1")

    def test_other_fields_are_not_believed(self):
        server = self.start(trusted=["127.0.0.1"])
        for name in ("Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP"):
            self.assertEqual(self.client(server, "192.0.2.1", name=name), "127.0.0.1")

    def test_a_proxy_names_the_request_and_nobody_else_does(self):
        server = self.start(trusted=["127.0.0.1"])
        for source, taken in (("127.0.0.1", True), ("127.0.0.2", False)):
            with server.connect(source=source) as connection:
                for name in ("abc", "a.b_c-9", "A" * 40):
                    answer = connection.request("GET", "/echo", [("X-Request-Id", name)])
                    self.assertEqual(answer.field("x-request-id") == name, taken)
                    self.assertEqual(answer.json()["requestId"], answer.field("x-request-id"))

    def test_an_id_that_is_none_is_replaced(self):
        with self.start(trusted=["127.0.0.1"]).connect() as connection:
            for name in ("", "A" * 41, "a b", "a\"b", "a/b", "a;b", "ä", "a,b", "*"):
                answer = connection.request("GET", "/echo", [("X-Request-Id", name)])
                self.assertRegex(answer.field("x-request-id"), r"^[0-9A-Za-z._-]{1,40}$")
                self.assertNotEqual(answer.field("x-request-id"), name)


class LastingTest(CoreTest):
    """A server that has lived for a while."""

    @unittest.skipIf(SANITIZED, "sanitizers keep memory of their own")
    def test_memory_stays_flat_over_many_clients(self):
        server = self.start(threads=2, connections=100_000, connections_per_address=100_000)
        sizes = []
        for _ in range(4):
            counts, complaints = run_race(server.address, "--seconds", 3, "--aborting", 4,
                                          "--requests", 1, "--silence", 5)
            self.assertEqual(counts["wrong"] + counts["missing"], 0, complaints)
            self.assertGreater(counts["checked"] + counts["aborted"], 1000)
            self.wait_for_counts(server, connections=0, inFlight=0, heldBytes=0)
            sizes.append(server.resident_bytes())
        self.assertLess(sizes[-1] - sizes[1], 4 << 20, sizes)

    @unittest.skipIf(SANITIZED, "sanitizers keep memory of their own")
    def test_memory_stays_flat_over_many_tls_clients(self):
        server = self.start_tls(threads=2, connections=100_000, connections_per_address=100_000)
        sizes = []
        for _ in range(4):
            counts, complaints = run_race(server.address, "--seconds", 3, "--aborting", 2,
                                          "--requests", 1, "--silence", 5, tls=True)
            self.assertEqual(counts["wrong"] + counts["missing"], 0, complaints)
            self.wait_for_counts(server, connections=0, inFlight=0, heldBytes=0)
            sizes.append(server.resident_bytes())
        self.assertLess(sizes[-1] - sizes[1], 8 << 20, sizes)

    def test_descriptors_are_given_back(self):
        server = self.start(write_time=SOON)
        before = server.descriptors()
        for _ in range(20):
            clients = [server.connect(receive_buffer=4096) for _ in range(12)]
            for number, client in enumerate(clients):
                client.send((make_request("GET", "/big/1000000"), make_request("GET", "/slow/50/x"),
                             b"GET / HT", b"broken\r\n\r\n")[number % 4])
            for client in clients:
                client.reset()
        self.wait_for_counts(server, connections=0, inFlight=0, heldBytes=0)
        wait_until(lambda: server.descriptors() == before, "the descriptors are back")


if __name__ == "__main__":
    unittest.main()
