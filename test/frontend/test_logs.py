"""What bullad writes into its log, its metrics and its database's log, and what never."""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import unittest
import uuid

from service import BULLAD, EVENT, BulladTest, cluster_log, new_id
from support import Connection, end_with_parent, wait_until


class LogsTest(BulladTest):
    """What is written where, and what never is."""

    config = {"api__trusted_proxies": ["127.0.0.1"]}

    def test_a_request_has_one_id_everywhere(self):
        answer = self.call("POST", "/v1/audit", EVENT)
        request_id = answer.field("x-request-id")
        line = self.bullad.wait_for_log("request", request_id=request_id)
        self.assertEqual((line["method"], line["route"], line["path"], line["status"],
                          line["level"]),
                         ("POST", "/v1/audit", "/v1/audit", 201, "info"))
        self.assertEqual(line["client"], "127.0.0.1")
        self.assertGreaterEqual(line["duration_ms"], 0)
        self.assertEqual(line["response_bytes"], len(answer.body))
        wait_until(lambda: f"bullad/{request_id}" in cluster_log(),
                   "the database's log has it")
        for (name,) in self.backends("application_name"):
            self.assertNotIn(request_id, name)

    def test_a_request_that_a_proxy_named_keeps_its_name(self):
        name = f"proxy-{uuid.uuid4().hex}"
        answer = self.call("GET", "/v1/audit/x", fields=[("X-Request-Id", name)])
        self.assert_problem(answer, 400)
        self.assertEqual(answer.field("x-request-id"), name)
        self.assertEqual(self.bullad.wait_for_log("request", request_id=name)["status"], 400)
        wait_until(lambda: re.search(f"bullad/{name} ERROR:", cluster_log()),
                   "the database's log has it")

    def test_a_call_that_waits_is_named_in_pg_stat_activity(self):
        name = f"waits-{uuid.uuid4().hex}"
        with self.locked():
            connection = self.send(fields=[("X-Request-Id", name)])
            wait_until(lambda: (f"bullad/{name}",) in self.backends("application_name"),
                       "it is named there")
        self.assertEqual(connection.answer().status, 201)

    def test_each_request_is_one_line_of_json(self):
        bullad = self.serve()
        self.addCleanup(bullad.kill)
        for target in ("/v1/audit?limit=1", "/nowhere", "/v1/audit/x"):
            self.call("GET", target, bullad=bullad)
        self.call("GET", "/v1/audit", token="", bullad=bullad)
        with bullad.connect() as connection:
            connection.send(b"broken\r\n\r\n")
            connection.answer()
        # Whatever is in a path is quoted.
        with bullad.connect() as connection:
            connection.send(b"GET /%22%0a\"{}\\ HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.answer()
        bullad.stop()
        lines = bullad.find_log("request")
        self.assertEqual([(line["route"], line["status"]) for line in lines],
                         [("/v1/audit", 200), ("unmatched", 404), ("/v1/audit/{eventId}", 400),
                          ("/v1/audit", 401),
                          ("malformed", 400), ("unmatched", 404)])
        self.assertEqual(lines[-1]["path"], "/%22%0a\"{}\\")
        for line in bullad.log_path.read_text(encoding="utf-8").splitlines():
            self.assertRegex(json.loads(line)["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")

    def test_values_and_secrets_are_in_no_log_and_no_process_list(self):
        password = f"password-{uuid.uuid4()}"
        # Not as an administrator would do it who has such a log.
        with self.database.session(options="-c log_statement=none -c log_duration=off"
                                   " -c log_min_duration_statement=-1") as run_there:
            run_there("ALTER ROLE bullad PASSWORD %s", password)
        conninfo = self.database.conninfo("bullad")
        bullad = self.serve(database__conninfo=f"{conninfo} password={password}")
        self.addCleanup(bullad.kill)
        secrets = {name: f"{name}-{uuid.uuid4()}" for name in
                   ("metadata", "wrong", "unknown", "query", "long", "text", "token")}
        token = self.database.add_token(new_id(), "admin")
        secrets["added"] = token
        calls = [
            ("POST", "/v1/audit", EVENT | {"metadata": {"x": secrets["metadata"]}}, 201),
            ("POST", "/v1/audit", [EVENT | {"metadata": {"x": secrets["metadata"]}}] * 50, 201),
            ("POST", "/v1/audit",
             EVENT | {"metadata": {"x": secrets["metadata"]}, "outcome": "bad"}, 400),
            ("POST", "/v1/audit", EVENT | {"metadata": secrets["wrong"]}, 400),
            ("POST", "/v1/audit", EVENT | {"metadata": {"x": secrets["long"] + "y" * 70000}}, 400),
            ("POST", "/v1/audit", b'{"metadata": {"x": "%s"}, oops' % secrets["text"].encode(),
             400),
            ("POST", "/v1/audit", b'{"metadata": {"x": "%s\\u0000"}}' % secrets["text"].encode(),
             400),
            ("GET", f"/v1/audit?limit=1&x={secrets['query']}", None, 400)]
        for method, target, body, status in calls:
            answer = self.call(method, target, body, token=token, bullad=bullad)
            self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(self.call("GET", "/v1/audit", token=secrets["unknown"],
                                   bullad=bullad).status, 401)
        # The same while the database fails.
        duplicate = new_id()
        for _ in range(2):
            self.call("POST", "/v1/audit",
                      EVENT | {"eventId": duplicate, "metadata": {"x": secrets["metadata"]}},
                      token=token, bullad=bullad)
        with self.locked():
            connection = self.send(bullad, token=token, metadata={"x": secrets["metadata"]})
            waits = "wait_event_type = 'Lock'"
            wait_until(lambda: self.backends("pg_terminate_backend(pid)", waits),
                       "a call is terminated")
            self.assertEqual(connection.answer().status, 503)
        process = pathlib.Path(f"/proc/{bullad.pid}")
        places = {"the command line": (process / "cmdline").read_bytes(),
                  "the environment": (process / "environ").read_bytes()}
        wait_until(lambda: bullad.find_log("request", status=503), "the last request is logged")
        bullad.stop()
        places["bullad's log"] = bullad.log_path.read_bytes()
        places["the database's log"] = cluster_log().encode()
        for name in ("unknown", "added"):
            secrets[f"the digest of {name}"] = hashlib.sha256(secrets[name].encode()).hexdigest()
        secrets["password"] = password
        for place, text in places.items():
            for name, secret in secrets.items():
                with self.subTest(place=place, secret=name):
                    self.assertFalse(secret.encode() in text or secret.upper().encode() in text,
                                     [line[:600] for line in text.splitlines()
                                      if secret.encode() in line][:3])

    def test_a_log_that_nobody_reads_stops_nothing(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        config = self.database.write_config(
            api__listen=["127.0.0.1:0", f"unix:{self.folder / 'api.sock'}"],
            admin__listen=[f"unix:{self.folder / 'admin.sock'}"])
        with subprocess.Popen([BULLAD, "serve", "--config", config], stdin=subprocess.DEVNULL,
                              stderr=writer,
                              preexec_fn=end_with_parent) as process:
            os.close(writer)
            try:
                wait_until(lambda: (self.folder / "api.sock").exists()
                           and (self.folder / "admin.sock").exists(),
                           "it listens")

                def dropped():
                    with Connection(str(self.folder / "api.sock")) as connection:
                        for _ in range(500):
                            self.assertEqual(connection.request("GET", "/nowhere/"
                                                                + "x" * 500).status, 404)
                    with Connection(str(self.folder / "admin.sock")) as connection:
                        text = connection.request("GET", "/metrics").body.decode()
                    return re.search(r"^bulla_log_lines_dropped_total [1-9]", text, re.MULTILINE)

                wait_until(dropped, "lines are dropped and counted")
            finally:
                process.terminate()
                self.assertEqual(process.wait(60), 0)


class MetricsTest(BulladTest):
    """/metrics"""

    def test_known_traffic_is_counted(self):
        bullad = self.serve()
        self.addCleanup(bullad.kill)
        for _ in range(3):
            self.append({}, bullad=bullad)
        for target, times in (("/v1/audit?limit=1", 4), (f"/v1/audit/{new_id()}", 2),
                              ("/nowhere", 5),
                              ("/v1/audit/verify", 1), ("/health", 1)):
            for _ in range(times):
                self.call("GET", target, bullad=bullad)
        for method, target, body in (("POST", "/v1/audit", b"{"), ("DELETE", "/v1/audit", None),
                                     ("HEAD", "/health", None), ("BREW", "/health", None)):
            self.call(method, target, body, bullad=bullad)
        with bullad.connect() as connection:
            connection.send(b"broken\r\n\r\n")
            connection.answer()
        for method, route, status, count in (
                ("POST", "/v1/audit", 201, 3), ("GET", "/v1/audit", 200, 4),
                ("GET", "/v1/audit/{eventId}", 404, 2),
                ("GET", "unmatched", 404, 5), ("GET", "/v1/audit/verify", 200, 1),
                ("GET", "/health", 200, 1),
                ("POST", "/v1/audit", 400, 1), ("DELETE", "/v1/audit", 405, 1),
                ("HEAD", "/health", 200, 1),
                ("other", "/health", 405, 1), ("other", "malformed", 400, 1)):
            self.assertEqual(bullad.metric("agentidp_http_requests_total", method=method,
                                           route=route,
                                           status_code=str(status)), count, (method, route, status))
        name = "agentidp_http_request_duration_seconds"
        self.assertEqual(bullad.metric(f"{name}_count", route="/v1/audit"), 9)
        self.assertEqual(bullad.metric(f"{name}_bucket", route="/v1/audit", le="+Inf"), 9)
        self.assertGreater(bullad.metric(f"{name}_sum", route="/v1/audit"), 0)
        counts = [bullad.metric(f"{name}_bucket", route="/v1/audit", le=le)
                  for le in ("0.0005", "0.001", "0.01", "0.1", "1", "10")]
        self.assertEqual(counts, sorted(counts))

    def test_its_gauges_say_what_is(self):
        for pool, connections in (("everyday", 4), ("long", 1), ("open", 2)):
            states = [self.bullad.metric("bulla_database_connections", pool=pool, state=state)
                      for state in ("busy", "idle", "down")]
            self.assertEqual(sum(states), connections)
            self.assertEqual(self.bullad.metric("bulla_database_queue", pool=pool), 0)
        with self.bullad.connect() as one, self.bullad.connect() as two:
            one.request("GET", "/health")
            two.request("GET", "/health")
            self.assertGreaterEqual(self.bullad.metric("bulla_http_connections"), 2)
        wait_until(lambda: self.bullad.metric("bulla_http_connections") == 0, "they are gone")
        self.assertEqual(self.bullad.metric("bulla_http_in_flight"), 0)
        self.assertEqual(self.bullad.metric("bulla_http_held_bytes"), 0)
        self.assertEqual(self.bullad.metric("bulla_http_refused_connections_total"), 0)
        self.assertEqual(self.bullad.metric("bulla_log_lines_dropped_total"), 0)

    def test_no_client_can_make_a_series_of_its_own(self):
        before = len(self.bullad.admin("/metrics").body.splitlines())
        for number in range(20):
            self.call("GET", f"/nowhere/{number}")
            self.call(f"METHOD{number}", "/v1/audit")
            self.call("GET", f"/v1/audit/{new_id()}")
        self.assertLess(len(self.bullad.admin("/metrics").body.splitlines()) - before, 60)

    def test_the_regular_verification_is_a_gauge(self):
        bullad = self.serve(audit__verify_every="200ms")
        self.addCleanup(bullad.kill)
        integrity = "agentidp_audit_chain_integrity"
        wait_until(lambda: bullad.metric(integrity) == 1, "it is verified")
        [event] = self.append({"metadata": {"n": 1}})
        alter = "UPDATE agentidp.audit_events SET metadata = %s WHERE event_id = %s"
        self.database.behind_its_back(alter, '{"n": 2}', event["eventId"])
        try:
            wait_until(lambda: bullad.metric(integrity) == 0, "it is seen")
            line = bullad.wait_for_log("the audit events are not as they were appended",
                                       verdict="altered")
            self.assertEqual((line["level"], line["event_id"], line["seq"]),
                             ("error", event["eventId"], str(event["seq"])))
        finally:
            self.database.behind_its_back(alter, '{"n": 1}', event["eventId"])
        wait_until(lambda: bullad.metric(integrity) == 1, "it is sound again")

    def test_the_format_is_what_prometheus_reads(self):
        answer = self.bullad.admin("/metrics")
        self.assertEqual(answer.field("content-type"), "text/plain; version=0.0.4; charset=utf-8")
        families = set()
        for line in answer.body.decode("utf-8").splitlines():
            if line.startswith("# TYPE "):
                families.add(line.split()[2])
            elif not line.startswith("# HELP "):
                self.assertRegex(line, r'^[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? [0-9.e+\-]+$|\+Inf')
                name = re.match(r"[a-z_]+", line)[0]
                self.assertTrue(name in families
                                or re.sub(r"_(bucket|sum|count)$", "", name) in families, line)


if __name__ == "__main__":
    unittest.main()
