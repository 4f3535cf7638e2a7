"""The ledger over REST: every operation's good case and every refusal, by bullad in front of a cluster."""
import decimal
import json
import re
import time

import service
from service import SYSTEM, Database, ServiceTest, event, moment, new_id, query, run_bullad
from support import wait_until

ACME = "6f1d2c3b-4a59-4e68-8c77-0a1b2c3d4e5f"
OTHER = "7a2e3d4c-5b6a-4f79-9d88-1b2c3d4e5f60"
HASH = r"^[0-9a-f]{64}$"
EVENT_FIELDS = {"eventId", "occurredAt", "action", "outcome", "agentId", "organizationId", "clientIp",
                "metadata", "erased", "seq", "prevHash", "hash"}
REPORT_FIELDS = {"verified", "checkedCount", "chains", "brokenAtEventId", "brokenAtSeq", "brokenChain",
                 "verdict", "checkedAt", "durationMs"}


def setUpModule():  # pylint: disable=invalid-name
    service.make_cluster()
    RestTest.database = Database("rest")
    RestTest.served, RestTest.token = service.serve(RestTest.database)


class RestTest(ServiceTest):
    """One bullad and one database for all that does not break it."""

    database = served = token = None
    tokens = {}

    def token_of(self, *scopes, organization=None):
        """A token with these scopes, made when it is first asked for."""
        key = (*scopes, organization)
        if key not in RestTest.tokens:
            RestTest.tokens[key] = self.database.add_token(f"test {key}", *scopes,
                                                           organization=organization)
        return RestTest.tokens[key]

    def get(self, target, token=None, **arguments):
        return self.served.get(target, token or self.token, **arguments)

    def post(self, body, token=None, **arguments):
        return self.served.post(token or self.token, body, **arguments)

    def append(self, body, **arguments):
        return self.assert_ok(self.post(body, **arguments), 201)

    def assert_refused(self, body, detail, status=400):
        """The body is refused, as bytes or as JSON."""
        with self.subTest(body=repr(body)[:200]):
            return self.assert_problem(self.post(body), status, detail)

    def assert_absent(self, event_id):
        self.assert_problem(self.get(f"/v1/audit/{event_id}"), 404)


class AppendTest(RestTest):
    """POST /v1/audit"""

    def test_an_event_is_appended_and_read_again(self):
        given = event(eventId=new_id(), occurredAt="2026-03-01T13:34:56.789012+01:00",
                      organizationId=ACME, agentId=new_id(), clientIp="2001:db8::7",
                      metadata={"key": "card", "list": [1, None, True, {"ü": "€😀"}]})
        appended = self.append(given)
        self.assertEqual(set(appended), {"eventId", "seq", "hash"})
        self.assertEqual(appended["eventId"], given["eventId"])
        self.assertRegex(appended["hash"], HASH)
        read = self.assert_ok(self.get(f"/v1/audit/{given['eventId']}"))
        self.assertEqual(set(read), EVENT_FIELDS)
        self.assertRegex(read.pop("prevHash"), HASH)
        self.assertEqual(read, given | appended | {"erased": [], "occurredAt": "2026-03-01T12:34:56.789012Z"})

    def test_an_event_needs_only_action_and_outcome(self):
        before = time.time()
        appended = self.append(event())
        read = self.assert_ok(self.get(f"/v1/audit/{appended['eventId']}"))
        self.assertEqual(read["organizationId"], SYSTEM)
        self.assertEqual([read[name] for name in ("agentId", "clientIp", "metadata")], [None] * 3)
        self.assertRegex(read["occurredAt"], r"^[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z$")
        occurred = self.database.run("SELECT extract(epoch FROM %s::timestamptz)", read["occurredAt"])
        self.assertLess(before - 1, float(occurred[0][0]))
        self.assertLess(float(occurred[0][0]), time.time() + 1)

    def test_null_stands_for_nothing_where_nothing_is_possible(self):
        appended = self.append(event(agentId=None, clientIp=None, metadata=None))
        read = self.assert_ok(self.get(f"/v1/audit/{appended['eventId']}"))
        self.assertEqual([read[name] for name in ("agentId", "clientIp", "metadata")], [None] * 3)

    def test_values_that_were_erased_are_null_and_named(self):
        organization = new_id()
        erase = "SELECT bulla.erase('agentidp.audit_events', %s, %s, %s, 'request')"
        appended = [self.append(event(organizationId=organization, clientIp="2001:db8::7", metadata={"a": 1}))
                    for _ in range(3)]
        before = self.assert_ok(self.get(f"/v1/audit/{appended[2]['eventId']}"))
        self.database.run(erase, organization, 0, "{client_ip}")
        self.database.run(erase, organization, 1, "{metadata}")
        self.database.run(erase, organization, 2, "{client_ip,metadata}")
        read = [self.assert_ok(self.get(f"/v1/audit/{one['eventId']}")) for one in appended]
        self.assertEqual([[one[name] for name in ("clientIp", "metadata", "erased")] for one in read],
                         [[None, {"a": 1}, ["clientIp"]], ["2001:db8::7", None, ["metadata"]],
                          [None, None, ["clientIp", "metadata"]]])
        self.assertEqual(read[2], before | {"clientIp": None, "metadata": None, "erased": ["clientIp", "metadata"]})
        listed = self.assert_ok(self.get(f"/v1/audit?organizationId={organization}"))["events"]
        self.assertEqual(sorted(listed, key=lambda one: one["seq"]), read)
        self.assertTrue(self.assert_ok(self.get("/v1/audit/verify"))["verified"])

    def test_events_of_an_organization_are_a_chain(self):
        organization = new_id()
        appended = [self.append(event(organizationId=organization)) for _ in range(3)]
        self.assertEqual([one["seq"] for one in appended], [0, 1, 2])
        read = [self.assert_ok(self.get(f"/v1/audit/{one['eventId']}")) for one in appended]
        self.assertEqual([one["prevHash"] for one in read],
                         ["0" * 64, appended[0]["hash"], appended[1]["hash"]])

    def test_an_array_is_answered_in_its_order(self):
        first, second = new_id(), new_id()
        given = [event(eventId=new_id(), organizationId=organization)
                 for organization in (second, first, second, first)]
        answer = self.append(given)
        self.assertEqual(set(answer), {"events"})
        self.assertEqual([one["eventId"] for one in answer["events"]], [one["eventId"] for one in given])
        self.assertEqual([one["seq"] for one in answer["events"]], [0, 0, 1, 1])

    def test_an_array_has_at_most_1000_events(self):
        organization = new_id()
        answer = self.append([event(organizationId=organization)] * 1000)
        self.assertEqual([one["seq"] for one in answer["events"]], list(range(1000)))
        self.assert_problem(self.post([event(organizationId=organization)] * 1001), 413, "at most 1000")
        self.assertEqual(self.append(event(organizationId=organization))["seq"], 1000)

    def test_an_array_is_appended_as_a_whole_or_not_at_all(self):
        organization = new_id()
        good = [event(eventId=new_id(), organizationId=organization) for _ in range(3)]
        self.append(good[0])
        for bad, status, detail in (
                (event(outcome="maybe"), 400, r"^events\[2\]\.outcome must be"),
                (event(surplus=1), 400, r"^events\[2\]\.\"surplus\" is not known"),
                ([], 400, r"^events\[2\] must be an object"),
                (good[0], 409, f"^there is an audit event {good[0]['eventId']} already"),
                (good[1], 400, r"^events\[2\]\.eventId is that of events\[0\] too")):
            with self.subTest(detail=detail):
                self.assert_problem(self.post([good[1], good[2], bad]), status, detail)
                self.assert_absent(good[1]["eventId"])
                self.assert_absent(good[2]["eventId"])
        answer = self.append(good[1:])
        self.assertEqual([one["seq"] for one in answer["events"]], [1, 2])

    def test_an_event_id_counts_once(self):
        given = event(eventId=new_id())
        first = self.append(given)
        problem = self.assert_problem(self.post(given), 409, given["eventId"], "23505")
        self.assertTrue(problem["hint"])
        self.assertEqual(self.get(f"/v1/audit/{given['eventId']}").json()["hash"], first["hash"])

    def test_numbers_keep_their_digits(self):
        numbers = {"long": "12345678901234567890123456789.012345678901234567890123456789",
                   "zeros": "1.10", "large": "18446744073709551617", "small": "-0.000000000000000000001"}
        text = ", ".join(f'"{name}": {number}' for name, number in numbers.items())
        appended = self.append(
            f'{{"action": "a", "outcome": "success", "metadata": {{{text}}}}}'.encode("ascii"))
        read = json.loads(self.get(f"/v1/audit/{appended['eventId']}").body, parse_float=str,
                          parse_int=str)
        self.assertEqual(read["metadata"], numbers)
        appended = self.append(b'{"action": "a", "outcome": "success", "metadata": {"n": 12.5e20}}')
        read = json.loads(self.get(f"/v1/audit/{appended['eventId']}").body, parse_int=decimal.Decimal)
        self.assertEqual(read["metadata"]["n"], decimal.Decimal("12.5e20"))

    def test_what_is_not_json_is_refused(self):
        good = json.dumps(event()).encode("ascii")
        for body, detail in (
                (b"", "the body is empty"), (b" ", "not JSON"), (b"{", "not JSON"), (b"no", "not JSON"),
                (good[:-1], "not JSON"), (good + b"x", "not JSON"), (good + good, "not JSON"),
                (b"\xef\xbb\xbf" + good, "byte order mark"), (good + b"\0", "NUL"),
                (b"{'action': 1}", "not JSON"), (b"[1,]", "not JSON"), (b"[01]", "not JSON"),
                (b"[NaN]", "not JSON"), (b"[1e999]", "too large for a double"),
                (b"// a\n" + good, "not JSON"), (b'["\n"]', "not JSON"), (b'["\\ud800"]', "not JSON"),
                (b'{"action": "a", "action": "b"}', 'the name "action" twice'),
                (b"[" * 33 + b"]" * 33, "more than 32")):
            self.assert_refused(body, detail)

    def test_bad_utf_8_is_refused(self):
        for bad in (b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
            self.assert_refused(b'{"action": "a", "outcome": "success", "metadata": {"a": "' + bad +
                                b'"}}', "UTF-8")

    def test_nul_in_a_string_is_refused(self):
        for metadata in (b'{"a": "x\\u0000y"}', b'{"a\\u0000": 1}'):
            self.assert_refused(b'{"action": "a", "outcome": "success", "metadata": ' + metadata + b"}",
                                "NUL")

    def test_values_of_wrong_types_are_refused(self):
        wrong = {
            "action": (1, None, True, [], {}, "", "with space", "-a", "ä", "a" * 201),
            "outcome": (1, None, False, ["success"], {}, "", "Success", "maybe"),
            "eventId": (1, None, True, [], {}, "", "7d0c1a52", "{7d0c1a52-58f5-4b7b-9c4e-6d1f0b2c3a4d}",
                        "7d0c1a5258f54b7b9c4e6d1f0b2c3a4d"),
            "occurredAt": (1, None, True, [], "", "now", "2026-03-01", "2026-03-01T12:00:00",
                           "2026-02-30T12:00:00Z", "2026-03-01T12:00:60Z", "2026-03-01T12:00:00.1234567Z",
                           "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z"),
            "organizationId": (1, None, [], "acme"),
            "agentId": (1, False, [], "somebody"),
            "clientIp": (1, {}, "", "host", "192.0.2.0/24", "256.0.0.1"),
            "metadata": (1, "text", True, [], ["a"], {"a": "x" * 65536}),
        }
        for field, values in wrong.items():
            for value in values:
                self.assert_refused(event(**{field: value}), f"^{field} ")
        for body in (1, "text", b"null", True, []):
            self.assert_refused(body, "^the body must be an event or an array")

    def test_action_and_outcome_are_needed(self):
        self.assert_refused({"action": "a"}, "^outcome is needed")
        self.assert_refused({"outcome": "success"}, "^action is needed")
        self.assert_refused({}, "^action is needed")

    def test_unknown_fields_are_refused(self):
        for name in ("surplus", "Action", "occurred_at", "seq", "hash", "", "ä"):
            problem = self.assert_refused(event(**{name: "x"}), "is not known here$")
            self.assertIn("action", problem["hint"])

    def test_a_body_that_is_too_large_is_refused(self):
        body = json.dumps([event(metadata={"a": "x" * 60_000})] * 18).encode("ascii")
        self.assertGreater(len(body), 1 << 20)
        self.assert_problem(self.post(body), 413)
        self.append(json.dumps(event()).encode("ascii").ljust(1 << 20))

    def test_the_body_has_to_be_declared_as_json(self):
        for media_type in (None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp",
                           "application/json; charset=latin-1", "application/problem+json", ""):
            with self.subTest(media_type=media_type):
                answer = self.post(event(), fields=[("Content-Type", media_type)])
                self.assert_problem(answer, 415)
        self.assert_problem(self.post(event(), fields=[("Content-Encoding", "gzip")] +
                                      [("Content-Type", "application/json")]), 415)
        for media_type in ("application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""):
            self.append(event(), fields=[("Content-Type", media_type)])


class ListTest(RestTest):
    """GET /v1/audit"""

    def pages(self, between=lambda number: None, **parameters):
        """The events of each page; calls a function after each."""
        found, cursor = [], None
        while True:
            page = self.assert_ok(self.get(query(**parameters, **({"cursor": cursor} if cursor else {}))))
            self.assertEqual(set(page), {"events", "nextCursor"})
            found.append(page["events"])
            between(len(found))
            cursor = page["nextCursor"]
            if cursor is None:
                return found

    def test_events_are_listed_in_pages_while_others_are_appended(self):
        organization = new_id()
        given = [event(eventId=new_id(), organizationId=organization, occurredAt=moment(2 * n))
                 for n in range(250)]
        self.append(given)
        older = [event(eventId=new_id(), organizationId=organization, occurredAt=moment(2 * n + 1))
                 for n in (10, 20)]

        def between(number):
            if number > 2:
                return
            # One that belongs to a page that was read, and one that belongs to a page to come.
            newer = event(organizationId=organization, occurredAt=moment(1000 + number))
            self.append([newer, older[number - 1]])

        pages = self.pages(between, organizationId=organization, limit=100)
        self.assertEqual([len(page) for page in pages], [100, 100, 52])
        listed = [one["eventId"] for page in pages for one in page]
        in_order = sorted(given + older, key=lambda one: one["occurredAt"], reverse=True)
        self.assertEqual(listed, [one["eventId"] for one in in_order])

    def test_events_of_the_same_time_are_neither_repeated_nor_skipped(self):
        organization = new_id()
        given = [event(eventId=new_id(), organizationId=organization, occurredAt=moment(0))
                 for _ in range(7)]
        self.append(given)
        listed = [one["eventId"] for page in self.pages(organizationId=organization, limit=3)
                  for one in page]
        self.assertEqual(sorted(listed), sorted(one["eventId"] for one in given))

    def test_a_page_that_ends_with_the_last_event_is_the_last(self):
        organization = new_id()
        self.append([event(organizationId=organization)] * 4)
        self.assertEqual([len(page) for page in self.pages(organizationId=organization, limit=2)], [2, 2])

    def test_a_page_has_100_events_unless_told_otherwise(self):
        organization = new_id()
        self.append([event(organizationId=organization)] * 101)
        self.assertEqual([len(page) for page in self.pages(organizationId=organization)], [100, 1])
        pages = self.pages(organizationId=organization, limit=1000)
        self.assertEqual([len(page) for page in pages], [101])

    def test_a_page_ends_at_four_megabytes(self):
        organization = new_id()
        for _ in range(6):
            self.append([event(organizationId=organization, metadata={"a": "x" * 60_000})] * 15)
        pages = self.pages(organizationId=organization, limit=1000)
        self.assertEqual(sum(len(page) for page in pages), 90)
        self.assertEqual(len(pages), 2)

    def test_filters_select_events(self):
        organization, agent = new_id(), new_id()
        given = [event(action=action, outcome=outcome, agentId=who, organizationId=organization,
                       occurredAt=moment(number), eventId=new_id())
                 for number, (action, outcome, who) in enumerate((
                     ("a.x", "success", agent), ("a.x", "denied", None), ("b.y", "failure", agent)))]
        self.append(given)
        for parameters, numbers in (
                ({}, [2, 1, 0]), ({"action": "a.x"}, [1, 0]), ({"action": "a"}, []),
                ({"outcome": "failure"}, [2]), ({"agentId": agent}, [2, 0]),
                ({"agentId": agent, "outcome": "success"}, [0]), ({"from": moment(1)}, [2, 1]),
                ({"to": moment(1)}, [0]), ({"from": moment(1), "to": moment(2)}, [1]),
                ({"from": "2026-01-01T01:00:01+01:00"}, [2, 1])):
            with self.subTest(parameters=parameters):
                pages = self.pages(organizationId=organization, **parameters)
                self.assertEqual([one["eventId"] for one in pages[0]],
                                 [given[number]["eventId"] for number in numbers])

    def test_an_event_is_listed_as_it_is_read(self):
        organization = new_id()
        appended = self.append(event(organizationId=organization, metadata={"n": 1}))
        read = self.assert_ok(self.get(f"/v1/audit/{appended['eventId']}"))
        self.assertEqual(self.pages(organizationId=organization), [[read]])

    def test_a_bad_cursor_is_refused(self):
        self.append([event(), event()])
        good = self.assert_ok(self.get(query(limit=1)))["nextCursor"]
        for cursor in ("", "x", good[:-1], good + "A", "A" * 31 + "=", "_" * 32, "f" * 32, good[:-1] + "!",
                       good[:-1] + "\n", "' OR true --", "ä" * 16, "7fffffffffffffff" * 2):
            with self.subTest(cursor=cursor):
                self.assert_problem(self.get(query(cursor=cursor)), 400, "^cursor must be")

    def test_bad_values_of_parameters_are_refused(self):
        for name, values in {
                "limit": ("", "0", "1001", "-1", "1.0", "1e2", "01", " 1", "ten"), "action": ("", "a b"),
                "outcome": ("", "maybe"), "agentId": ("", "x", "null"), "organizationId": ("", "*"),
                "from": ("", "yesterday", "2026-03-01"), "to": ("", "2026-02-30T00:00:00Z")}.items():
            for value in values:
                with self.subTest(name=name, value=value):
                    self.assert_problem(self.get(query(**{name: value})), 400, f"^{name} must be")

    def test_unknown_and_repeated_parameters_are_refused(self):
        for target in ("/v1/audit?surplus=1", "/v1/audit?Limit=1", "/v1/audit?limit=1&=2",
                       f"/v1/audit/{new_id()}?limit=1", "/v1/audit/verify?organizationId=" + ACME):
            with self.subTest(target=target):
                self.assert_problem(self.get(target), 400, "there is no query parameter|not name=value")
        self.assert_problem(self.served.request("POST", "/v1/audit?limit=1", self.token, event()), 400,
                            "there is no query parameter limit")
        for target in ("/v1/audit?limit=1&limit=1", "/v1/audit?limit=1&%6cimit=2", "/v1/audit?limit",
                       "/v1/audit?action=%zz", "/v1/audit?action=%ff", "/v1/audit?action=%00"):
            with self.subTest(target=target):
                self.assert_problem(self.get(target), 400)

    def test_a_body_where_none_is_wanted_is_refused(self):
        self.assert_problem(self.get("/v1/audit", body={"a": 1}), 400, "takes no body")


class ReadTest(RestTest):
    """GET /v1/audit/{eventId}, and paths that nothing is at"""

    def test_an_unknown_event_is_not_found(self):
        self.assert_problem(self.get(f"/v1/audit/{new_id()}"), 404, "there is no audit event", "P0002")

    def test_what_is_no_uuid_is_no_event(self):
        for name in ("x", "verif", "1", "%7B7d0c1a52-58f5-4b7b-9c4e-6d1f0b2c3a4d%7D"):
            with self.subTest(name=name):
                self.assert_problem(self.get(f"/v1/audit/{name}"), 400, "^eventId must be a UUID")

    def test_other_paths_are_not_found(self):
        for target in ("/", "/v1", "/v2/audit", "/metrics", "/health/ready", "/v1/audit/verify/x"):
            with self.subTest(target=target):
                self.assert_problem(self.get(target), 404)

    def test_other_methods_are_not_allowed(self):
        for method, target, allowed in (
                ("DELETE", "/v1/audit", {"POST"}), ("PUT", "/v1/audit/verify", set()),
                ("POST", "/health", set()), ("DELETE", f"/v1/audit/{new_id()}", set())):
            with self.subTest(method=method, target=target):
                answer = self.served.request(method, target, self.token)
                self.assert_problem(answer, 405)
                self.assertEqual({name.strip() for name in answer.field("allow").split(",")},
                                 allowed | {"GET", "HEAD", "OPTIONS"})

    def test_health_needs_no_token(self):
        answer = self.assert_ok(self.served.get("/health"))
        self.assertEqual(set(answer), {"status", "version"})
        self.assertEqual(answer["status"], "ok")
        self.assertEqual(run_bullad("--version").stdout.strip(), f"bullad {answer['version']}")


class TokenTest(RestTest):
    """Who may do what."""

    def test_no_token_is_refused(self):
        for method, target in (("POST", "/v1/audit"), ("GET", "/v1/audit"), ("GET", "/v1/audit/verify"),
                               ("GET", f"/v1/audit/{new_id()}")):
            with self.subTest(method=method, target=target):
                body = event() if method == "POST" else None
                answer = self.served.request(method, target, None, body)
                self.assert_problem(answer, 401, "an access token is needed")
                self.assertNotIn("invalid_token", answer.field("www-authenticate"))

    def test_a_wrong_token_is_refused(self):
        good = self.token
        for token in ("bulla_" + "A" * 43, good[:-1], good + "A", good.upper(), service.digest(good),
                      "x", "==", "ä", good + " x"):
            with self.subTest(token=token):
                answer = self.served.get("/v1/audit", token)
                self.assert_problem(answer, 401)
                self.assertIn("invalid_token", answer.field("www-authenticate"))

    def test_authorization_has_to_be_one_bearer_token(self):
        for fields in ([f"Basic {self.token}"], [self.token], ["Bearer"], ["Bearer "], [""],
                       [f"Bearer\t{self.token}"], [f"Bearer {self.token}"] * 2, [f"Bearer={self.token}"]):
            with self.subTest(fields=fields):
                self.assert_problem(self.served.get(
                    "/v1/audit", fields=[("Authorization", field) for field in fields]), 401)
        self.assert_ok(self.served.get("/v1/audit",
                                       fields=[("authorization", f"bEARER  {self.token}")]))

    def test_an_expired_token_is_refused(self):
        token = self.database.add_token("short", "audit:read", expires="1s")
        answer = wait_until(lambda: answer if (answer := self.get("/v1/audit", token)).status != 200
                            else None, "the token expires")
        self.assert_problem(answer, 401, "the access token has expired", "28000")

    def test_a_revoked_token_is_refused_from_the_next_request_on(self):
        token = self.database.add_token("stolen", "audit:read")
        self.assert_ok(self.get("/v1/audit", token))
        self.database.revoke_token("stolen")
        self.assert_problem(self.get("/v1/audit", token), 401, "the access token was revoked", "28000")

    def test_adding_and_revoking_a_token_are_audit_events(self):
        organization = new_id()
        token = self.database.add_token("watched", "audit:read", organization=organization)
        self.database.revoke_token("watched")
        events = self.assert_ok(self.get(query(organizationId=organization)))["events"]
        self.assertEqual([one["action"] for one in events],
                         ["access_token.revoked", "access_token.added"])
        for one in events:
            self.assertEqual(one["metadata"]["name"], "watched")
            self.assertNotIn(token, json.dumps(one))
            self.assertNotIn(service.digest(token), json.dumps(one))

    def test_the_scope_decides(self):
        reader, writer = self.token_of("audit:read"), self.token_of("audit:write")
        both = self.token_of("audit:read", "audit:write")
        written = self.append(event(), token=writer)["eventId"]
        self.append(event(), token=both)
        self.assert_problem(self.post(event(), token=reader), 403, "lacks the scope audit:write", "42501")
        for target in ("/v1/audit", f"/v1/audit/{written}", "/v1/audit/verify"):
            with self.subTest(target=target):
                self.assert_ok(self.get(target, reader))
                self.assert_ok(self.get(target, both))
                self.assert_problem(self.get(target, writer), 403, "lacks the scope audit:read", "42501")

    def test_a_token_of_an_organization_writes_and_reads_no_other(self):
        bound = self.token_of("audit:read", "audit:write", organization=ACME)
        theirs = self.append(event(organizationId=OTHER))["eventId"]
        ours = self.append(event(), token=bound)["eventId"]
        self.append(event(organizationId=ACME), token=bound)
        self.assertEqual(self.assert_ok(self.get(f"/v1/audit/{ours}", bound))["organizationId"], ACME)
        for organization in (OTHER, SYSTEM):
            with self.subTest(organization=organization):
                self.assert_problem(self.post(event(organizationId=organization), token=bound), 403,
                                    "^organizationId names another organization")
                self.assert_problem(self.post([event(), event(organizationId=organization)], token=bound),
                                    403, r"^events\[1\]\.organizationId names another organization")
                self.assert_problem(self.get(query(organizationId=organization), bound), 403,
                                    "^organizationId names another organization")
        listed = self.assert_ok(self.get(query(limit=1000), bound))["events"]
        self.assertEqual({one["organizationId"] for one in listed}, {ACME})
        foreign, unknown = (self.assert_problem(self.get(f"/v1/audit/{one}", bound), 404)
                            for one in (theirs, new_id()))
        # Nobody learns whether another organization has an event.
        self.assertEqual(re.sub("[0-9a-f-]{36}", "", foreign["detail"]),
                         re.sub("[0-9a-f-]{36}", "", unknown["detail"]))

    def test_a_cursor_lets_nobody_into_another_organization(self):
        bound = self.token_of("audit:read", "audit:write", organization=ACME)
        self.append([event(organizationId=OTHER), event(organizationId=ACME)] * 2)
        cursor = self.assert_ok(self.get(query(organizationId=OTHER, limit=1)))["nextCursor"]
        listed = self.assert_ok(self.get(query(cursor=cursor, limit=1000), bound))["events"]
        self.assertLessEqual({one["organizationId"] for one in listed}, {ACME})


class VerifyTest(RestTest):
    """GET /v1/audit/verify"""

    def test_a_sound_ledger_is_verified(self):
        self.append(event(organizationId=new_id()))
        token = self.token_of("audit:read")
        report = self.assert_ok(self.get("/v1/audit/verify", token))
        self.assertEqual(set(report), REPORT_FIELDS)
        self.assertIs(report["verified"], True)
        count, chains = self.database.run(
            "SELECT count(*), count(DISTINCT organization_id) FROM agentidp.audit_events")[0]
        self.assertEqual((report["checkedCount"], report["chains"]), (count, chains))
        for name in ("brokenAtEventId", "brokenAtSeq", "brokenChain", "verdict"):
            self.assertIsNone(report[name])
        self.assertRegex(report["checkedAt"], r"^[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z$")
        self.assertGreater(report["durationMs"], 0)

    def test_a_token_of_an_organization_verifies_its_chain(self):
        organization, nobody = new_id(), new_id()
        self.append([event(organizationId=organization)] * 4)
        # Adding a token is an event, too.
        token = self.token_of("audit:read", organization=organization)
        report = self.assert_ok(self.get("/v1/audit/verify", token))
        self.assertEqual((report["verified"], report["checkedCount"], report["chains"]), (True, 5, 1))
        report = self.assert_ok(self.get("/v1/audit/verify",
                                         self.token_of("audit:read", organization=nobody)))
        self.assertEqual((report["verified"], report["checkedCount"], report["chains"]), (True, 1, 1))

    def test_verifications_are_limited_for_each_token(self):
        tokens = [self.database.add_token(f"verifier {number}", "audit:read") for number in (1, 2)]
        started = time.monotonic()
        for count in range(1000):
            answer = self.get("/v1/audit/verify", tokens[0])
            if answer.status != 200:
                break
        seconds = time.monotonic() - started
        self.assert_problem(answer, 429, "30 times a minute")
        self.assertGreaterEqual(count, 30)
        self.assertLessEqual(count, 31 + seconds / 2)
        self.assertIn(answer.field("retry-after"), ("1", "2"))
        self.assert_ok(self.get("/v1/audit/verify", tokens[1]))
        self.assert_ok(self.get("/v1/audit", tokens[0]))
        wait_until(lambda: self.get("/v1/audit/verify", tokens[0]).status == 200, "it may verify again")

    def test_verification_names_the_event_that_a_superuser_altered(self):
        database = Database("tampered")
        token = database.initialize()
        with_service = service.Bullad(database.write_config())
        self.addCleanup(with_service.stop)
        tokens = {organization: database.add_token(organization, "audit:read", organization=organization)
                  for organization in (ACME, OTHER)}
        answer = with_service.post(token, [event(organizationId=organization)
                                           for organization in (ACME, OTHER) for _ in range(5)])
        appended = self.assert_ok(answer, 201)["events"]
        self.assertIs(self.assert_ok(with_service.get("/v1/audit/verify", token))["verified"], True)
        altered = appended[7]
        database.behind_its_back("UPDATE agentidp.audit_events SET outcome = 'denied' WHERE event_id = %s",
                                 altered["eventId"])
        for who, checked, chains in ((token, 13, 3), (tokens[OTHER], 6, 1)):
            report = self.assert_ok(with_service.get("/v1/audit/verify", who))
            self.assertEqual(
                {name: report[name] for name in REPORT_FIELDS - {"checkedAt", "durationMs"}},
                {"verified": False, "checkedCount": checked, "chains": chains, "verdict": "altered",
                 "brokenChain": OTHER, "brokenAtSeq": altered["seq"],
                 "brokenAtEventId": altered["eventId"]})
        report = self.assert_ok(with_service.get("/v1/audit/verify", tokens[ACME]))
        self.assertEqual((report["verified"], report["checkedCount"], report["chains"]), (True, 6, 1))

    def test_verification_tells_what_else_is_wrong(self):
        database = Database("unprotected")
        token = database.initialize()
        with_service = service.Bullad(database.write_config())
        self.addCleanup(with_service.stop)
        answer = with_service.post(token, [event(organizationId=ACME)] * 3)
        appended = self.assert_ok(answer, 201)["events"]
        database.run("SET bulla.restore = on; "
                     "ALTER TABLE agentidp.audit_events DISABLE TRIGGER bulla_refuse_change")
        report = self.assert_ok(with_service.get("/v1/audit/verify", token))
        self.assertEqual((report["verified"], report["verdict"], report["brokenAtEventId"]),
                         (False, "unprotected", None))
        database.run("DELETE FROM agentidp.audit_events WHERE event_id = %s", appended[1]["eventId"])
        database.run("ALTER TABLE agentidp.audit_events ENABLE ALWAYS TRIGGER bulla_refuse_change")
        report = self.assert_ok(with_service.get("/v1/audit/verify", token))
        self.assertEqual((report["verified"], report["verdict"], report["brokenChain"],
                          report["brokenAtSeq"], report["brokenAtEventId"]),
                         (False, "missing", ACME, 1, None))
