"""The defects of Pistache's stock endpoint: the core has none, and the stock endpoint has each.

That the checks find something on the stock endpoint shows that they can fail.
"""
import contextlib
import shutil
import tempfile
import unittest

import defects
from certificates import Authority
from support import SANITIZED, Server


class Subject:
    """Starts the servers of one kind; stops them however a check ends."""

    def __init__(self, name, authority, certificate):
        self.name = name
        self.authority = authority
        self.certificate = certificate
        self.is_core = name == "core_server"
        self.race_seconds = 8 if self.is_core else 60
        # Racing clients come from one address, and leave faster than they are noticed.
        self.many_clients = self.if_core(connections=100_000, connections_per_address=100_000)

    @contextlib.contextmanager
    def start(self, **options):
        server = Server(self.name, **options)
        try:
            yield server
        finally:
            server.kill()

    def if_core(self, **options):
        return options if self.is_core else {}

    def races(self, path):
        """The words for each run of the racing clients; the stock endpoint falls in seconds."""
        once = ["--path", path, "--aborting", 12, "--stop-at-wrong"]
        if self.is_core:
            return [[*once, "--seconds", 6, "--requests", 1],
                    [*once, "--seconds", 4, "--requests", 20]]
        return [[*once, "--seconds", 20, "--requests", 1]] * 5


class Defects(unittest.TestCase):
    """What both classes of tests share."""
    name = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, folder)
        authority = Authority(folder)
        cls.subject = Subject(cls.name, authority, authority.issue("server", "server"))


class CoreTest(Defects):
    name = "core_server"

    def assert_sound(self, check):
        self.assertIsNone(check(self.subject))

    def test_nobody_gets_the_answer_to_another_clients_question(self):
        self.assert_sound(defects.answers_another_clients_question)

    def test_answers_from_other_threads_reach_their_client_though_others_leave(self):
        self.assert_sound(defects.breaks_when_answered_from_another_thread)

    def test_a_chunked_body_may_be_split_anywhere(self):
        self.assert_sound(defects.spins_on_a_chunk_that_is_split)

    def test_a_path_of_many_segments_is_refused_in_peace(self):
        self.assert_sound(defects.overflows_its_stack_on_slashes)

    def test_whatever_a_handler_throws_is_a_500(self):
        self.assert_sound(defects.ends_when_a_handler_throws_something_else)

    def test_an_exception_in_the_event_loop_does_not_end_the_process(self):
        self.assert_sound(defects.ends_when_the_event_loop_meets_an_exception)

    def test_idle_handshakes_do_not_keep_new_clients_out(self):
        self.assert_sound(defects.waits_for_idle_handshakes)

    def test_nothing_after_413_is_taken_for_a_request(self):
        self.assert_sound(defects.parses_what_follows_413)

    def test_an_answer_may_take_longer_than_a_head_may(self):
        self.assert_sound(defects.gives_up_on_an_answer_that_takes_long)

    # To check a pointer, the undefined behaviour sanitizer opens a pipe.
    @unittest.skipIf(SANITIZED, "the sanitizer needs descriptors too")
    def test_without_descriptors_it_waits_and_comes_back(self):
        self.assert_sound(defects.spins_without_descriptors)

    def test_answers_under_way_are_given_before_it_stops(self):
        self.assert_sound(defects.loses_answers_when_it_is_stopped)

    def test_an_answer_that_is_not_taken_keeps_nobody_busy(self):
        self.assert_sound(defects.spins_on_a_client_that_does_not_read)


# What is shown there is not ours, and Pistache would be reported by the sanitizers.
@unittest.skipIf(SANITIZED, "the stock endpoint is not run under sanitizers")
class StockEndpointTest(Defects):
    name = "stock_server"

    def assert_defect(self, check):
        self.assertIsNotNone(check(self.subject), "the check finds nothing: it cannot fail")

    def test_stock_endpoint_gives_a_client_the_answer_to_anothers_question(self):
        self.assert_defect(defects.answers_another_clients_question)

    def test_stock_endpoint_breaks_when_answered_from_another_thread(self):
        self.assert_defect(defects.breaks_when_answered_from_another_thread)

    def test_stock_endpoint_spins_on_a_chunk_that_is_split(self):
        self.assert_defect(defects.spins_on_a_chunk_that_is_split)

    def test_stock_endpoint_overflows_its_stack_on_slashes(self):
        self.assert_defect(defects.overflows_its_stack_on_slashes)

    def test_stock_endpoint_ends_when_a_handler_throws_an_int(self):
        self.assert_defect(defects.ends_when_a_handler_throws_something_else)

    def test_stock_endpoint_ends_when_the_event_loop_meets_an_exception(self):
        self.assert_defect(defects.ends_when_the_event_loop_meets_an_exception)

    def test_stock_endpoint_waits_for_idle_handshakes(self):
        self.assert_defect(defects.waits_for_idle_handshakes)

    def test_stock_endpoint_parses_what_follows_413(self):
        self.assert_defect(defects.parses_what_follows_413)

    def test_stock_endpoint_gives_up_on_an_answer_that_takes_long(self):
        self.assert_defect(defects.gives_up_on_an_answer_that_takes_long)

    def test_stock_endpoint_spins_without_descriptors(self):
        self.assert_defect(defects.spins_without_descriptors)

    def test_stock_endpoint_loses_answers_when_it_is_stopped(self):
        self.assert_defect(defects.loses_answers_when_it_is_stopped)

    def test_stock_endpoint_spins_on_a_client_that_does_not_read(self):
        self.assert_defect(defects.spins_on_a_client_that_does_not_read)


if __name__ == "__main__":
    unittest.main()
