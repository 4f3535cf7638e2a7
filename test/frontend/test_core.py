"""The HTTP core, driven from outside: its answers, its listeners, proxies, a long life."""
import stat
import unittest

from core import SOON, CoreTest
from support import (PROGRAMS, SANITIZED, Connection, Program, make_request, parse_address, run_race,
                     wait_until)


# malloc's further arenas would come when they come.
ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}


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
                self.assertEqual(len(head.field("content-length")),
                                 len(get.field("content-length")))

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
            return connection.request("GET", "/echo",
                                      [(name, value) for value in values]).json()["client"]

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

    def check_memory(self, server, **arguments):
        """It grows while malloc finds out how much is needed, and then no more."""
        sizes = []
        for _ in range(8):
            counts, complaints = run_race(server.address, "--seconds", 2, "--aborting", 3,
                                          "--requests", 1, "--silence", 5, **arguments)
            self.assertEqual(counts["wrong"] + counts["missing"], 0, complaints)
            self.assertGreater(counts["checked"] + counts["aborted"], 100)
            self.wait_for_counts(server, connections=0, inFlight=0, heldBytes=0)
            sizes.append(server.resident_bytes())
        self.assertLess(max(sizes[4:]) - max(sizes[:4]), 8 << 20, sizes)

    @unittest.skipIf(SANITIZED, "sanitizers keep memory of their own")
    def test_memory_stays_flat_over_many_clients(self):
        self.check_memory(self.start(threads=2, connections=100_000, env=ONE_ARENA,
                                     connections_per_address=100_000))

    @unittest.skipIf(SANITIZED, "sanitizers keep memory of their own")
    def test_memory_stays_flat_over_many_tls_clients(self):
        self.check_memory(self.start_tls(threads=2, connections=100_000, env=ONE_ARENA,
                                         connections_per_address=100_000), tls=True)

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
