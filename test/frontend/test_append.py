"""POST /v1/audit by many at once, and in forms that are odd and good."""
import concurrent.futures
import json
import unittest

from service import EVENT, BulladTest, encode, new_id


class AppendTest(BulladTest):
    """Beside test_rest's AppendTest."""

    def refused(self, body, status, expression=None):
        before = self.count_events()
        self.assert_problem(self.call("POST", "/v1/audit", body), status, expression)
        self.assertEqual(self.count_events(), before)

    def test_the_same_event_sent_by_many_at_once_is_appended_once(self):
        events = [EVENT | {"eventId": new_id(), "organizationId": new_id()} for _ in range(10)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda event: (event["eventId"],
                                                   self.call("POST", "/v1/audit", event)),
                                    events * 5))
        for event in events:
            statuses = sorted(answer.status for sent, answer in answers if sent == event["eventId"])
            self.assertEqual(statuses, [201, 409, 409, 409, 409])

    def test_many_at_once_make_one_chain_without_holes(self):
        organization = new_id()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(
                lambda size: self.append(*[{"organizationId": organization}] * size),
                [1, 2, 7, 1] * 20))
        seqs = [[event["seq"] for event in answer] for answer in answers]
        for one in seqs:
            self.assertEqual(one, list(range(one[0], one[0] + len(one))))
        self.assertEqual(sorted(seq for one in seqs for seq in one), list(range(220)))
        rows = self.database.run(
            "SELECT prev_hash, hash FROM agentidp.audit_events WHERE organization_id = %s"
            " ORDER BY seq", organization)
        for before, after in zip(rows, rows[1:]):
            self.assertEqual(bytes(before[1]), bytes(after[0]))

    def test_values_at_their_limits_are_taken(self):
        for values in ({"action": "a" * 200}, {"action": "A"}, {"action": "9:a/b-c_d.e"},
                       {"outcome": "failure"}, {"clientIp": "192.0.2.1"},
                       {"clientIp": "::ffff:192.0.2.1"},
                       {"occurredAt": "1970-01-01T00:00:00Z"},
                       {"occurredAt": "2199-12-31T23:59:59.999999Z"},
                       {"occurredAt": "2026-03-01T12:34:56.1+14:00"},
                       {"occurredAt": "2024-02-29t00:00:00z"},
                       {"metadata": {}}, {"metadata": {"": ""}}, {"metadata": {"x": "y" * 65000}},
                       {"metadata": {"x": "ä" * 30000}}):
            with self.subTest(values=str(values)[:60]):
                [appended] = self.append(values)
                read = self.call("GET", f"/v1/audit/{appended['eventId']}").json()
                for name, value in values.items():
                    if name != "occurredAt":
                        self.assertEqual(read[name], value)

    def test_json_that_no_jsonb_can_hold_is_refused(self):
        def in_metadata(text):
            return b'{"action": "a", "outcome": "success", "metadata": %s}' % text
        self.refused(in_metadata(b'{"a": "\\u0000"}'), 400, "NUL")
        self.refused(in_metadata(b'{"\\u0000": 1}'), 400, "NUL")
        self.refused(in_metadata(b'{"a": 1, "a": 2}'), 400, "twice")
        self.refused(in_metadata(b'{"a": 1, "\\u0061": 2}'), 400, "twice")
        self.refused(b'{"action": "a", "outcome": "success", "action": "b"}', 400, "twice")
        self.refused(in_metadata(b'{"a": 1e400}'), 400)
        self.refused(in_metadata(b"[" * 40 + b"]" * 40), 400, "inside one another")
        self.refused(in_metadata(b'{"a":' * 40 + b"1" + b"}" * 40), 400, "inside one another")
        # Short here, and long as PostgreSQL prints it.
        self.refused(in_metadata(b'{"a": [' + b"1e300," * 500 + b"1]}"), 400, "65536")

    def test_a_chunked_body_is_a_body(self):
        body = json.dumps(EVENT).encode()
        with self.bullad.connect() as connection:
            connection.send(b"POST /v1/audit HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                            + self.token.encode() + b"\r\nContent-Type: application/json\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n")
            for at in range(len(body)):
                connection.send(b"1\r\n" + body[at:at + 1] + b"\r\n")
            connection.send(b"0\r\n\r\n")
            self.assertEqual(connection.answer().status, 201)

    def test_requests_sent_ahead_are_answered_in_order(self):
        organization = new_id()
        body = json.dumps(EVENT | {"organizationId": organization}).encode()
        with self.bullad.connect() as connection:
            connection.send(encode("POST", "/v1/audit", self.token, body) * 20)
            self.assertEqual([connection.answer().json()["seq"] for _ in range(20)],
                             list(range(20)))


if __name__ == "__main__":
    unittest.main()
