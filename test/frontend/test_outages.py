"""bullad when its database is gone, slow, frozen or busy, and when it is told to end."""
import concurrent.futures
import contextlib
import os
import signal
import threading
import unittest

from service import (EVENT, Bullad, BulladTest, encode, new_id, signal_cluster, start_cluster,
                     stop_cluster)
from support import Closed, wait_until


class OutagesTest(BulladTest):
    """The database is gone, slow, frozen or busy."""

    config = {"database__deadline": "3s", "database__long_deadline": "3s"}

    def setUp(self):
        # What bullad thinks of its connections may be a second old: the server knows.
        wait_until(lambda: self.backends(where="state = 'idle'") == [(7,)],
                   "all of bullad's connections are there")

    def wait_until_none_is_down(self):
        wait_until(lambda: self.bullad.metric("bulla_database_connections", pool="everyday",
                                              state="down") == 0, "all connections are back")

    def assert_well(self, bullad=None):
        self.assertEqual(self.call("POST", "/v1/audit", EVENT, bullad=bullad).status, 201)
        self.assertEqual(self.call("GET", "/v1/audit?limit=1", bullad=bullad).status, 200)
        self.assertEqual(self.call("GET", "/health", bullad=bullad).status, 200)
        self.assertEqual((bullad or self.bullad).admin("/health/ready").status, 200)

    def test_a_database_that_is_stopped_is_503_and_comes_back_by_itself(self):
        self.assert_well()
        stop_cluster()
        try:
            wait_until(lambda: self.bullad.admin("/health/ready").status == 503, "it is not ready")
            for method, target, body in (("POST", "/v1/audit", EVENT), ("GET", "/v1/audit", None),
                                         ("GET", f"/v1/audit/{new_id()}", None),
                                         ("GET", "/v1/audit/verify", None)):
                self.assert_problem(self.call(method, target, body), 503, "database")
            answer = self.call("GET", "/health")
            self.assertEqual(answer.status, 503)
            self.assertGreater(int(answer.field("retry-after")), 0)
            ready = self.bullad.admin("/health/ready")
            self.assertEqual(ready.json()["database"], {"everyday": "down", "long": "down"})
            self.assertGreater(int(ready.field("retry-after")), 0)
            self.assertEqual(self.bullad.admin("/health/live").status, 200)
            # What needs no database is answered as ever.
            self.assertEqual(self.call("GET", "/v1/audit", token="").status, 401)
            self.assertEqual(self.call("POST", "/v1/audit", b"{").status, 400)
            self.assertEqual(self.bullad.metric("bulla_database_connections", pool="everyday",
                                                state="down"), 4)
        finally:
            start_cluster()
        self.bullad.wait_ready()
        self.wait_until_none_is_down()
        self.assert_well()

    def test_a_database_that_is_frozen_is_503_in_time_and_comes_back_by_itself(self):
        signal_cluster(signal.SIGSTOP)
        try:
            answers = []
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                calls = [pool.submit(self.call, "GET", "/v1/audit?limit=1") for _ in range(8)]
                answers = [call.result() for call in calls]
            for answer in answers:
                self.assert_problem(answer, 503)
            wait_until(lambda: self.bullad.admin("/health/ready").status == 503, "it is not ready")
            self.assertEqual(self.bullad.admin("/health/live").status, 200)
            self.assert_problem(self.call("GET", "/v1/audit"), 503)
        finally:
            signal_cluster(signal.SIGCONT)
        self.bullad.wait_ready()
        wait_until(lambda: self.call("POST", "/v1/audit", EVENT).status == 201, "it serves again")
        self.assert_well()

    def test_what_takes_longer_than_the_deadline_is_503_and_not_done(self):
        event_id = new_id()
        with self.locked():
            answer = self.send(eventId=event_id).answer()
            self.assert_problem(answer, 503, "in time; nothing was changed")
            wait_until(lambda: self.waiting_calls() == 0, "the call is cancelled")
        self.assert_well()
        self.assertFalse(self.is_there(event_id))

    def test_a_backend_that_is_terminated_in_a_call_is_503(self):
        event_id = new_id()
        with self.locked():
            connection = self.send(eventId=event_id)
            wait_until(lambda: self.waiting_calls() == 1, "the call waits")
            self.backends("pg_terminate_backend(pid)", "wait_event_type = 'Lock'")
            answer = connection.answer()
            self.assert_problem(answer, 503, "nothing was changed")
        self.wait_until_none_is_down()
        self.assertFalse(self.is_there(event_id))
        self.assert_well()

    def test_all_backends_terminated_again_and_again_do_no_lasting_harm(self):
        stop = threading.Event()

        def terminate():
            while not stop.wait(0.05):
                self.backends("pg_terminate_backend(pid)")

        thread = threading.Thread(target=terminate)
        thread.start()
        try:
            events = [new_id() for _ in range(300)]
            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                answers = list(pool.map(
                    lambda event: self.call("POST", "/v1/audit", EVENT | {"eventId": event}),
                    events))
        finally:
            stop.set()
            thread.join()
        self.assertLessEqual({answer.status for answer in answers}, {201, 503})
        for event, answer in zip(events, answers):
            if answer.status == 201:
                self.assertTrue(self.is_there(event))
            elif "it is not known" not in answer.json()["detail"]:
                self.assertFalse(self.is_there(event))
        self.bullad.wait_ready()
        wait_until(lambda: self.call("POST", "/v1/audit", EVENT).status == 201, "it serves again")

    def test_a_server_that_crashes_is_503_and_comes_back(self):
        pid = self.backends("pid")[0][0]
        os.kill(pid, signal.SIGKILL)
        statuses = set()

        def well_again():
            statuses.add(self.call("POST", "/v1/audit", EVENT).status)
            return 201 in statuses and self.bullad.admin("/health/ready").status == 200

        wait_until(well_again, "it serves again")
        self.assertLessEqual(statuses, {201, 503})
        self.assert_well()

    def test_a_full_queue_is_503_at_once(self):
        bullad = self.serve(database__connections=1, database__queue=2,
                            database__deadline="60s")
        self.addCleanup(bullad.kill)
        with self.locked():
            running = self.send(bullad)
            wait_until(lambda: self.waiting_calls() == 1, "one call runs")
            queued = [self.send(bullad) for _ in range(2)]
            wait_until(lambda: bullad.metric("bulla_database_queue", pool="everyday") == 2,
                       "two wait")
            for _ in range(5):
                self.assert_problem(self.call("POST", "/v1/audit", EVENT, bullad=bullad), 503,
                                    "too many")
            # Verifications have a queue of their own.
            self.assertEqual(self.call("GET", "/v1/audit/verify", bullad=bullad).status, 200)
            self.assertEqual(bullad.metric("bulla_database_connections", pool="everyday",
                                           state="busy"), 1)
        for connection in (running, *queued):
            self.assertEqual(connection.answer().status, 201)
        self.assertEqual(bullad.metric("bulla_database_queue", pool="everyday"), 0)

    def test_what_nobody_waits_for_any_more_is_not_done(self):
        bullad = self.serve(database__connections=1, database__deadline="60s")
        self.addCleanup(bullad.kill)
        events = [new_id() for _ in range(3)]
        with self.locked():
            running = self.send(bullad, eventId=events[0])
            wait_until(lambda: self.waiting_calls() == 1, "one call runs")
            queued = [self.send(bullad, eventId=event) for event in events[1:]]
            wait_until(lambda: bullad.metric("bulla_database_queue", pool="everyday") == 2,
                       "two wait")
            for connection in (running, *queued):
                connection.reset()
            wait_until(lambda: bullad.metric("bulla_http_in_flight") == 0, "all were given up")
            self.assertEqual(self.waiting_calls(), 0)
        self.assertEqual([self.is_there(event) for event in events], [False] * 3)
        self.assert_well(bullad)
        self.assertEqual(bullad.metric("agentidp_http_requests_total", method="POST",
                                       route="/v1/audit",
                                       status_code="499"), 3)

    def test_a_verification_keeps_no_everyday_call_waiting(self):
        bullad = self.serve(database__connections=1, database__long_deadline="60s")
        self.addCleanup(bullad.kill)
        clients = []
        # Who verifies looks there, and nobody else.
        with self.locked("bulla.events", "ACCESS EXCLUSIVE"):
            for _ in range(4):
                clients.append(bullad.connect())
                clients[-1].send(encode("GET", "/v1/audit/verify", self.token))
            wait_until(lambda: self.waiting_calls() == 1, "a verification waits")
            for _ in range(20):
                self.assertEqual(self.call("GET", "/v1/audit?limit=1", bullad=bullad).status, 200)
        for client in clients:
            self.assertEqual(client.answer().status, 200)
            client.close()

    def test_bullad_starts_without_a_database_and_waits_for_it(self):
        stop_cluster()
        try:
            bullad = Bullad(self.database.write_config(), ready=False)
            self.addCleanup(bullad.kill)
            self.assertEqual(bullad.admin("/health/live").status, 200)
            self.assertEqual(bullad.admin("/health/ready").status, 503)
            self.assert_problem(self.call("GET", "/v1/audit", bullad=bullad), 503)
        finally:
            start_cluster()
        bullad.wait_ready()
        wait_until(lambda: self.call("POST", "/v1/audit", EVENT, bullad=bullad).status == 201,
                   "it serves")
        self.bullad.wait_ready()


class EndingTest(BulladTest):
    """SIGTERM."""

    def start(self, **changes):
        bullad = self.serve(database__deadline="60s", **changes)
        self.addCleanup(bullad.kill)
        return bullad

    def test_calls_under_way_are_answered_before_it_ends(self):
        bullad = self.start(timeouts__drain="60s")
        events = [new_id() for _ in range(10)]
        with self.locked():
            clients = [self.send(bullad, eventId=event) for event in events]
            wait_until(lambda: self.waiting_calls()
                       + bullad.metric("bulla_database_queue", pool="everyday") == 10,
                       "all are under way")
            idle = bullad.connect()
            self.addCleanup(idle.close)
            idle.request("GET", "/health")
            bullad.send_signal(signal.SIGTERM)
            idle.wait_closed()
            with self.assertRaises(ConnectionRefusedError):
                bullad.connect()
            self.assertEqual(bullad.admin("/health/live").status, 200)
            ready = bullad.admin("/health/ready")
            self.assertEqual((ready.status, ready.json()["draining"]), (503, True))
            self.assertTrue(bullad.running())
        for client in clients:
            answer = client.answer()
            self.assertEqual(answer.status, 201)
            self.assertTrue(answer.closes)
            client.close()
        self.assertEqual(bullad.wait(), 0)
        self.assertTrue(all(self.is_there(event) for event in events))
        self.assertTrue(bullad.find_log("stopped: all requests were answered"))

    def test_calls_that_take_too_long_are_cut_off_and_not_done(self):
        bullad = self.start(timeouts__drain="500ms")
        event = new_id()
        with self.locked():
            client = self.send(bullad, eventId=event)
            wait_until(lambda: self.waiting_calls() == 1, "the call runs")
            bullad.send_signal(signal.SIGTERM)
            with contextlib.suppress(Closed):
                self.assert_problem(client.answer(), 503)
            bullad.wait()
            wait_until(lambda: self.waiting_calls() == 0, "the call is cancelled")
        self.assertTrue(bullad.find_log("stopped: some requests were cut off", level="warning"))
        self.assertFalse(self.is_there(event))

    def test_a_second_signal_ends_it_at_once(self):
        bullad = self.start(timeouts__drain="60s")
        with self.locked():
            self.send(bullad)
            wait_until(lambda: self.waiting_calls() == 1, "the call runs")
            bullad.send_signal(signal.SIGTERM)
            wait_until(lambda: bullad.find_log(
                "stopping: requests under way are answered, no new ones accepted"),
                       "it drains")
            self.assertEqual(bullad.stop(signal.SIGTERM), 1)

    def test_without_work_it_ends_at_once_also_by_an_interrupt(self):
        self.assertEqual(self.start().stop(signal.SIGTERM), 0)
        self.assertEqual(self.start().stop(signal.SIGINT), 0)


if __name__ == "__main__":
    unittest.main()
