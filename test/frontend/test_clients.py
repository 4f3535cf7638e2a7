"""The HTTP core under clients that are slow, greedy, silent or many, and how it stops."""
import contextlib
import hashlib
import os
import signal
import ssl
import threading
import time
import unittest

from core import LATE, SOON, CoreTest, pattern
from support import PATIENCE, SANITIZED, Closed, make_request, wait_until


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
            # Tens of megabytes may be on their way before it is noticed.
            with self.assertRaises(OSError):
                for _ in range(4096):
                    connection.socket.sendall(b"x" * (1 << 20))
        self.wait_for_counts(server, connections=0)

    def test_a_client_that_sends_far_ahead_is_dropped(self):
        server = self.start(body=100_000)
        with server.connect() as connection:
            connection.send(make_request("GET", "/slow/30000/x"))
            self.wait_for_counts(server, inFlight=1)
            with self.assertRaises(OSError):
                for _ in range(4096):
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
                    if echo["bodyBytes"] != len(body) or echo["bodySha256"] != hashlib.sha256(body).hexdigest():
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
        chunked = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        for request in (make_request("POST", "/echo", body=b"hello")[:-1], chunked + b"5\r\nhel"):
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
            self.assertEqual(connection.request("POST", "/slow/3000/y", body=b"z").json(),
                             {"id": "y"})

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
            connection.send(make_request("GET", "/slow/1500/first")
                            + make_request("GET", "/id/second"))
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


if __name__ == "__main__":
    unittest.main()
