"""bullad as its operators see it: set up, configured, watched, stopped, and with a database that fails."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import tempfile
import time
import unittest
import uuid

import service
from service import Database, Service, ServiceTest, bullad, event, log_lines, query, write_config
from support import wait_until

DEADLINE = 1.0  # of an everyday call, where a test waits for it
QUICK = {"database.deadline": "1s", "database.connect_timeout": "1s"}


def setUpModule():  # pylint: disable=invalid-name
    service.make_cluster()
    # Builds and installs bullad, too.
    service.serve(Database("first"))
    DatabaseTest.database = Database("shared")
    DatabaseTest.token = DatabaseTest.database.initialize()


class DatabaseTest(ServiceTest):
    """A database that is sound after each test, and bullads in front of it."""

    database = token = None

    def start(self, settings=None, **arguments):
        started = Service(self.database, settings, **arguments)
        self.addCleanup(started.stop)
        return started

    def append(self, server):
        return self.assert_ok(server.post(self.token, event()), 201)["eventId"]


class SettingUpTest(ServiceTest):
    """bullad init"""

    def test_a_second_init_changes_nothing_and_prints_no_token(self):
        database = Database("twice")
        first = bullad("init", "--database", database.conninfo())
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertRegex(first.stdout, r"^bulla_[A-Za-z0-9_-]{43}\n$")
        self.assertNotIn(first.stdout.strip(), first.stderr)
        before = self.state(database)
        second = bullad("init", "--database", database.conninfo())
        self.assertEqual((second.returncode, second.stdout), (0, ""))
        self.assertNotIn("made role", second.stderr)
        self.assertEqual(self.state(database), before)

    @staticmethod
    def state(database):
        """Every object with its owner, rights and version of its row; roles, tokens and events."""
        return [database.run(sql) for sql in (
            "SELECT oid, relname, relowner, relacl::text, xmin::text FROM pg_class"
            " WHERE relnamespace::regnamespace::text ~ '^(agentidp|bulla)' ORDER BY oid",
            "SELECT oid::regprocedure::text, proowner, proacl::text, md5(prosrc), proconfig::text"
            " FROM pg_proc WHERE pronamespace::regnamespace::text ~ '^(agentidp|bulla)' ORDER BY oid",
            "SELECT nspname, nspacl::text FROM pg_namespace ORDER BY oid",
            "SELECT datacl::text FROM pg_database WHERE datname = current_database()",
            "SELECT rolname, rolpassword, rolsuper, rolcanlogin FROM pg_authid ORDER BY oid",
            "SELECT setdatabase, setrole, setconfig::text FROM pg_db_role_setting ORDER BY 1, 2",
            "SELECT token_digest::text, name, scopes, revoked_at FROM agentidp.access_tokens ORDER BY 2",
            "SELECT event_id::text, hash::text FROM agentidp.audit_events ORDER BY 1")]

    def test_what_was_altered_is_set_right_by_another_init(self):
        database = Database("righted")
        database.initialize()
        database.run("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA agentidp_api FROM bullad")
        database.run("ALTER ROLE bullad RESET log_parameter_max_length")
        self.assertEqual(bullad("init", "--database", database.conninfo()).returncode, 0)
        server = Service(database)
        self.addCleanup(server.stop)
        self.assertIn("log_parameter_max_length=0", database.run(
            "SELECT rolconfig FROM pg_roles WHERE rolname = 'bullad'")[0][0])

    def test_the_service_role_can_execute_agentidp_api_and_nothing_else(self):
        database = Database("rights")
        database.initialize()
        self.assertEqual(database.run(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin"
            " FROM pg_roles WHERE rolname = 'bullad'"), [(False,) * 5 + (True,)])
        self.assertEqual(database.run(
            "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'bullad'::regrole"), [])
        self.assertEqual(database.run(
            "SELECT classid::regclass, objid FROM pg_shdepend"
            " WHERE refobjid = 'bullad'::regrole AND deptype = 'o'"), [])
        # What it was given itself and not as one of everybody.
        given = """
            SELECT o.kind, o.name, a.privilege_type
            FROM (SELECT 'function', oid::regprocedure::text, proacl FROM pg_proc
                  UNION ALL SELECT 'relation', oid::regclass::text, relacl FROM pg_class
                  UNION ALL SELECT 'column', attrelid::regclass || '.' || attname, attacl FROM pg_attribute
                  UNION ALL SELECT 'schema', nspname, nspacl FROM pg_namespace
                  UNION ALL SELECT 'type', oid::regtype::text, typacl FROM pg_type
                  UNION ALL SELECT 'language', lanname, lanacl FROM pg_language
                  UNION ALL SELECT 'default', oid::text, defaclacl FROM pg_default_acl
                  UNION ALL SELECT 'database', datname, datacl FROM pg_database) AS o (kind, name, acl)
            CROSS JOIN LATERAL aclexplode(o.acl) AS a
            WHERE a.grantee = 'bullad'::regrole"""
        functions = database.run(
            "SELECT 'function', oid::regprocedure::text, 'EXECUTE' FROM pg_proc"
            " WHERE pronamespace = 'agentidp_api'::regnamespace")
        self.assertEqual(len(functions), 5)
        self.assertEqual(sorted(database.run(given)),
                         sorted([*functions, ("schema", "agentidp_api", "USAGE")]))
        # Everybody has no right in agentidp: neither to its tables nor to its functions.
        self.assertEqual(database.run(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'agentidp'::regnamespace"
            " AND has_function_privilege('bullad', oid, 'EXECUTE')"), [])
        self.assertEqual(database.run(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'p')"
            " AND relnamespace::regnamespace::text ~ '^agentidp'"
            " AND has_table_privilege('bullad', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"), [])
        self.assertEqual(database.run(
            "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'bulla'::regnamespace"
            " AND relkind = 'r' AND has_table_privilege('bullad', oid, 'SELECT, INSERT, UPDATE, DELETE')"),
            [])
        self.assertEqual(database.run(
            "SELECT has_schema_privilege('bullad', 'agentidp', 'USAGE'),"
            " has_database_privilege('bullad', current_database(), 'CREATE')"), [(False, False)])

    def test_the_functions_of_the_service_run_as_nobody_who_is_powerful(self):
        database = Database("definers")
        database.initialize()
        for name, definer, owner, powerful, login, settings in database.run(
                "SELECT p.oid::regprocedure::text, p.prosecdef, r.rolname, r.rolsuper, r.rolcanlogin,"
                " p.proconfig FROM pg_proc AS p JOIN pg_roles AS r ON r.oid = p.proowner"
                " WHERE p.pronamespace = 'agentidp_api'::regnamespace"):
            with self.subTest(name=name):
                self.assertEqual((definer, owner, powerful, login), (True, "agentidp", False, False))
                self.assertIn("search_path=pg_catalog, pg_temp", settings)
        self.assertEqual(database.run(
            "SELECT has_database_privilege('agentidp', current_database(), 'CREATE')"), [(False,)])

    def test_init_and_token_say_when_they_cannot(self):
        database = Database("refusing")
        for words, code, reason in (
                (["init", "--database", "host=/nowhere user=postgres"], 3, "cannot be reached"),
                (["init", "--database", "nonsense"], 2, "not a connection string"),
                (["init", "--database", database.conninfo("bullad")], 1, "no superuser"),
                (["init", "--database", database.conninfo(), "--role", "postgres"], 1, "must not be one"),
                (["token", "add", "x", "--scope", "admin", "--database", database.conninfo()], 1,
                 "agentidp"),
                (["token", "add", "x", "--scope", "admin", "--expires", "soon"], 2,
                 "--expires takes a time"),
                (["token", "add", "x"], 2, "--scope is required"), (["token"], 2, ""),
                (["token", "revoke"], 2, "NAME is required")):
            with self.subTest(words=words):
                done = bullad(*words)
                self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
                self.assertIn(reason, done.stderr)
        self.assertEqual(database.run("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'"), [])

    def test_tokens_are_refused_that_cannot_be(self):
        database = Database("tokens")
        database.initialize()
        for words, reason in ((["x", "--scope", "audit:delete"], "scopes must be"),
                              (["administrator", "--scope", "admin"], "already"),
                              (["x", "--scope", "admin", "--organization", service.SYSTEM],
                               "cannot be bound"),
                              (["x", "--scope", "admin", "--organization", "acme"], "uuid"),
                              (["", "--scope", "admin"], "1 to 200 characters")):
            with self.subTest(words=words):
                done = bullad("token", "add", *words, "--database", database.conninfo())
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                self.assertIn(reason, done.stderr)
        done = bullad("token", "revoke", "nobody", "--database", database.conninfo())
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no access token named", done.stderr)


class CommandLineTest(unittest.TestCase):
    """bullad --help, check-config and exit codes"""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulla-rest-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def check(self, text, env=None):
        path = self.folder / "bullad.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o640)
        return bullad("check-config", "--config", path, env=env), path

    def test_help_tells_commands_and_exit_codes(self):
        done = bullad("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("init", "serve", "check-config", "token", "version", "--config", "BULLAD_",
                     "Exit codes: 0 fine, 1 failed, 2 wrong use", "SIGTERM", "SIGHUP"):
            self.assertIn(word, done.stdout)
        for command in (["init"], ["token", "add"], ["token", "revoke"], ["check-config"], ["serve"]):
            with self.subTest(command=command):
                done = bullad(*command, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("Usage: bullad " + " ".join(command[:1]), done.stdout)
        for words in (["version"], ["--version"]):
            self.assertRegex(bullad(*words).stdout, r"^bullad [0-9]+\.[0-9]+\.[0-9]+\n$")

    def test_wrong_use_ends_with_2(self):
        for words in (["--surplus"], ["destroy"], ["serve", "x"], ["check-config", "--config"],
                      ["init", "--surplus"], ["token", "steal"]):
            with self.subTest(words=words):
                done = bullad(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertTrue(done.stderr)

    def test_each_mistake_of_a_configuration_is_named_with_its_line(self):
        good = "[database]\nconninfo = \"host=db\"\n"
        for text, line, what in (
                ("[database]\nquue = 1\n", 2, "there is no database.quue; allowed in [database]: "),
                ("\n[databases]\nqueue = 1\n", 2, "there is no databases; allowed: the sections [api]"),
                ("queue = 1\n", 1, "there is no queue"),
                ("[database]\nqueue = \"many\"\n", 2, "database.queue must be"),
                ("[database]\nqueue = 1.5\n", 2, "database.queue must be"),
                ("[database]\nqueue = [1]\n", 2, "database.queue must be"),
                ("[database]\n\nqueue = 0\n", 3, "database.queue must be"),
                ("[database]\nqueue = 100001\n", 2, "database.queue must be"),
                ("[database]\nqueue = -1\n", 2, "database.queue must be"),
                ("[database]\ndeadline = 10\n", 2, "database.deadline must be"),
                ("[database]\ndeadline = \"1ms\"\n", 2, "database.deadline must be"),
                ("[database]\ndeadline = \"11min\"\n", 2, "database.deadline must be"),
                ("[database]\nconninfo = 1\n", 2, "database.conninfo must be"),
                ("[database]\nconninfo = \"nonsense\"\n", 2, "database.conninfo must be"),
                ("[limits]\nbody = \"65MiB\"\n", 2, "limits.body must be"),
                ("[limits]\nbody = \"1MB\"\n", 2, "limits.body must be"),
                ("[log]\nlevel = \"loud\"\n", 2, "log.level must be"),
                ("[api]\nlisten = \"127.0.0.1\"\n", 2, "api.listen must be"),
                ("[api]\nlisten = [1]\n", 2, "api.listen must be"),
                ("[api]\ntrusted_proxies = [\"10.0.0.0/99\"]\n", 2, "api.trusted_proxies"),
                ("[api]\ntls_certificate = \"x.pem\"\n", 2, "api.tls_certificate needs api.tls_key"),
                (good + "[database]\nqueue = 1\n", 3, ""), ("[database\n", 1, ""),
                (good + "queue = 1\nqueue = 2\n", 4, "")):
            with self.subTest(text=text):
                done, path = self.check(text)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(f"bullad: {path}:{line}: {what}", done.stderr)
                self.assertEqual(bullad("serve", "--config", path).returncode, 2)

    def test_all_mistakes_are_told_at_once(self):
        done, path = self.check("[database]\nqueue = 0\nsurplus = 1\n[log]\nlevel = 1\n",
                                {"BULLAD_LIMITS_BODY": "1", "BULLAD_API_SURPLUS": "1"})
        self.assertEqual(done.returncode, 2)
        lines = done.stderr.splitlines()
        self.assertEqual([line.split(": ")[1] for line in lines],
                         [f"{path}:2", f"{path}:3", f"{path}:5", "BULLAD_API_SURPLUS",
                          "BULLAD_LIMITS_BODY"], lines)

    def test_a_configuration_that_is_not_there_is_a_mistake(self):
        for path in (self.folder / "none.toml", self.folder):
            done = bullad("check-config", "--config", path)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(str(path), done.stderr)

    def test_an_address_that_cannot_be_had_ends_bullad_with_2(self):
        path = write_config(self.folder / "bullad.toml", {
            "api.listen": ["192.0.2.1:1"], "admin.listen": ["127.0.0.1:0"],
            "database.conninfo": "host=/nowhere"})
        done = bullad("serve", "--config", path)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("192.0.2.1:1", done.stderr)

    def test_the_configuration_is_printed_as_it_is_understood(self):
        done, _ = self.check("[database]\nqueue = 7\n[api]\nlisten = [\"[::1]:0\"]\n",
                             {"BULLAD_DATABASE_QUEUE": "8", "BULLAD_TIMEOUTS_IDLE": "2min",
                              "BULLAD_SURPLUS": "others may have such variables"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^queue = 8$")
        self.assertRegex(done.stdout, r'(?m)^listen = \["\[::1\]:0"\]$')
        self.assertRegex(done.stdout, r'(?m)^idle = "2min"$')
        # What is printed is a configuration, and the same one.
        again, _ = self.check(done.stdout)
        self.assertEqual((again.returncode, again.stdout), (0, done.stdout), again.stderr)

    def test_no_secret_is_printed(self):
        secret = "gB7-kuUuV3"
        for conninfo in (f"host=db user=bullad password={secret}",
                         f"postgresql://bullad:{secret}@db/bulla",
                         f"postgresql://db/bulla?password={secret}&user=bullad",
                         f"host=db sslpassword={secret}"):
            for good in (True, False):
                with self.subTest(conninfo=conninfo, good=good):
                    done, _ = self.check(f"[database]\nconninfo = \"{conninfo}\"\n" +
                                         ("" if good else "queue = 0\n"))
                    self.assertEqual(done.returncode, 0 if good else 2, done.stderr)
                    self.assertNotIn(secret, done.stdout + done.stderr)
                    done = bullad("check-config", env={"BULLAD_DATABASE_CONNINFO": conninfo})
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertNotIn(secret, done.stdout + done.stderr)
        for conninfo in (f"host=db password='{secret}", f"postgresql://bullad:{secret}@db:x:y/%zz"):
            with self.subTest(conninfo=conninfo):
                done, _ = self.check(f"[database]\nconninfo = \"{conninfo}\"\n")
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertNotIn(secret, done.stderr)

    def test_a_password_that_everybody_may_read_is_refused(self):
        _, path = self.check("[database]\nconninfo = \"host=db password=x\"\n")
        path.chmod(0o644)
        done = bullad("check-config", "--config", path)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn(f"{path}:2: everybody may read the password", done.stderr)


class LogTest(DatabaseTest):
    """What stands in the logs, and what does not."""

    def test_the_request_id_stands_in_the_answer_and_in_both_logs(self):
        server = self.start()
        for answer in (server.post(self.token, event()), server.get("/v1/audit", self.token),
                       server.get(f"/v1/audit/{uuid.uuid4()}", self.token),
                       server.get("/v1/audit/verify", self.token)):
            request_id = answer.field("x-request-id")
            self.assertRegex(request_id, "^[0-9a-f]{32}$")
            line = server.wait_for_log("request", request_id=request_id)
            self.assertEqual(line["status"], answer.status)
            wait_until(lambda id=request_id: re.search(
                rf"(?m)^[^\n]* bullad bullad/{id} .*(duration|ERROR)", service.server_log()),
                "the database's log has the request's id")

    def test_a_line_of_the_log_tells_the_request(self):
        server = self.start()
        answer = server.get(query(limit=1), self.token)
        line = server.wait_for_log("request", request_id=answer.field("x-request-id"))
        self.assertEqual({name: line[name] for name in ("level", "client", "method", "route", "path",
                                                        "status", "request_bytes", "response_bytes")},
                         {"level": "info", "client": "127.0.0.1", "method": "GET", "route": "/v1/audit",
                          "path": "/v1/audit", "status": 200, "request_bytes": line["request_bytes"],
                          "response_bytes": line["response_bytes"]})
        self.assertGreater(line["duration_ms"], 0)
        self.assertGreaterEqual(line["response_bytes"], len(answer.body))
        self.assertRegex(line["time"], r"^[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z$")

    def test_a_client_cannot_choose_the_request_id_or_write_lines(self):
        server = self.start()
        answer = server.get("/v1/audit", self.token, fields=[("X-Request-Id", "forged")])
        self.assertNotEqual(answer.field("x-request-id"), "forged")
        answer = server.get('/v1/%0A%7B%22forged%22:1%7D%22%1b', self.token)
        self.assert_problem(answer, 404)
        server.wait_for_log("request", request_id=answer.field("x-request-id"))
        self.assertTrue(all("forged" not in line for line in log_lines(server.log_text())))

    def test_no_secret_and_no_body_stands_in_the_logs(self):
        database = Database("discreet")
        password = "gB7kuUuV3pass"
        conninfo = database.conninfo("bullad") + f" password={password}"
        config = write_config(pathlib.Path(tempfile.mkdtemp(prefix="bulla-rest-")) / "bullad.toml",
                              {"database.conninfo": conninfo})
        self.addCleanup(shutil.rmtree, config.parent)
        done = bullad("init", "--config", config, "--database", database.conninfo())
        self.assertEqual(done.returncode, 0, done.stderr)
        token = done.stdout.strip()
        server = Service(database, conninfo=conninfo)
        self.addCleanup(server.stop)
        secrets = {"token": token, "its digest": service.digest(token), "password": password,
                   "verifier": database.run(
                       "SELECT rolpassword FROM pg_authid WHERE rolname = 'bullad'")[0][0]}
        self.assertRegex(secrets["verifier"], r"^SCRAM-SHA-256\$")
        revoked, wrong = database.add_token("to be revoked", "audit:read"), "bulla_" + "Qq3" * 14 + "x"
        secrets |= {"revoked token": revoked, "its digest too": service.digest(revoked),
                    "wrong token": wrong, "wrong digest": service.digest(wrong)}
        database.revoke_token("to be revoked")

        def marker(what):
            secrets[what] = f"mark{len(secrets)}{uuid.uuid4().hex}"
            return secrets[what]

        given = event(eventId=str(uuid.uuid4()), action=marker("action"),
                      metadata={marker("name"): marker("value"), "n": 1})
        self.assert_ok(server.post(token, given), 201)
        self.assert_ok(server.post(token, [event(metadata={"a": marker("in an array")})] * 2), 201)
        self.assert_problem(server.post(token, given), 409)
        for body in (event(metadata=marker("metadata as a text")),
                     event(metadata=[marker("metadata as an array")]),
                     event(metadata={marker("metadata too large"): "x" * 70_000}),
                     event(outcome="x", metadata={"a": marker("beside a mistake")}),
                     f'{{"action": "{marker("within bad JSON")}'.encode("ascii"),
                     f'{{"{(twice := marker("name given twice"))}": 1, "{twice}": 1}}'.encode("ascii")):
            self.assert_problem(server.post(token, body), 400)
        for other in (wrong, revoked):
            self.assert_problem(server.get("/v1/audit", other), 401)
        self.assert_ok(server.get(query(action=given["action"]), token))
        answer = server.get(f"/v1/audit/{given['eventId']}", token)
        self.assert_ok(answer)
        server.wait_for_log("request", request_id=answer.field("x-request-id"))
        wait_until(lambda: answer.field("x-request-id") in service.server_log(), "the log is written")
        logs = {"the database's log": service.server_log(), "bullad's log": server.log_text(),
                "the command line": pathlib.Path(f"/proc/{server.pid}/cmdline").read_text("utf-8")}
        for place, text in logs.items():
            for what, secret in secrets.items():
                with self.subTest(place=place, what=what):
                    found = next((line for line in text.splitlines() if secret in line), None)
                    self.assertIsNone(found)


class MetricsTest(DatabaseTest):
    """/metrics"""

    def test_requests_are_counted_and_measured(self):
        server = self.start()
        event_id = self.append(server)
        for _ in range(3):
            self.assert_ok(server.get("/v1/audit", self.token))
        for _ in range(2):
            server.get("/v1/audit")
        server.get(f"/v1/audit/{event_id}", self.token)
        server.get(f"/v1/audit/{uuid.uuid4()}", self.token)
        server.get("/nowhere")
        server.request("BREW", "/nowhere")
        server.get("/../x")
        wanted = {'method="POST",route="/v1/audit",status_code="201"': 1,
                  'method="GET",route="/v1/audit",status_code="200"': 3,
                  'method="GET",route="/v1/audit",status_code="401"': 2,
                  'method="GET",route="/v1/audit/{eventId}",status_code="200"': 1,
                  'method="GET",route="/v1/audit/{eventId}",status_code="404"': 1,
                  'method="GET",route="unmatched",status_code="404"': 1}

        def counted():
            found = server.metrics()
            return found if all(found.get(f"agentidp_http_requests_total{{{labels}}}") == count
                                for labels, count in wanted.items()) else None
        metrics = wait_until(counted, "the requests are counted")
        total = sum(value for name, value in metrics.items()
                    if name.startswith("agentidp_http_requests_total{") and "/health" not in name
                    and "/metrics" not in name)
        self.assertEqual(total, 11)
        name = "agentidp_http_request_duration_seconds"
        self.assertEqual(metrics[f'{name}_count{{route="/v1/audit"}}'], 6)
        self.assertGreater(metrics[f'{name}_sum{{route="/v1/audit"}}'], 0)
        buckets = [(float(match[1]), value) for key, value in metrics.items() if
                   (match := re.fullmatch(rf'{name}_bucket{{route="/v1/audit",le="(.*)"}}', key))]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], (float("inf"), 6))
        self.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets))

    def test_the_pools_are_shown(self):
        server = self.start({"database.connections": 3, "database.long_connections": 2})

        def connections(pool, state):
            return server.metrics()[f'bulla_database_connections{{pool="{pool}",state="{state}"}}']
        wait_until(lambda: (connections("everyday", "idle"), connections("long", "idle")) == (3, 2),
                   "all connections are there")
        self.assertEqual(connections("everyday", "busy"), 0)
        self.assertEqual(connections("everyday", "down"), 0)
        with self.database.locked_events() as unlock:
            with server.start("GET", "/v1/audit", self.token) as call:
                self.database.wait_for_waiting()
                self.assertEqual(connections("everyday", "busy"), 1)
                self.assertEqual(connections("everyday", "idle"), 2)
                self.assertEqual(server.metrics()["bulla_http_in_flight"], 1)
                unlock()
                self.assert_ok(call.answer())
        wait_until(lambda: connections("everyday", "busy") == 0, "no connection is busy")

    def test_the_metrics_of_the_format_have_types_and_no_event(self):
        server = self.start()
        answer = server.administration("/metrics")
        self.assertEqual(answer.field("content-type"), "text/plain; version=0.0.4; charset=utf-8")
        lines = answer.body.decode("utf-8").splitlines()
        types = {line.split(" ")[2] for line in lines if line.startswith("# TYPE ")}
        helps = {line.split(" ")[2] for line in lines if line.startswith("# HELP ")}
        self.assertEqual(types, helps)
        for line in lines:
            if not line.startswith("#"):
                name = re.match(r"[a-z_]+", line)[0]
                self.assertTrue(name in types or re.sub("_(bucket|sum|count)$", "", name) in types, line)

    def test_the_integrity_of_the_ledger_is_watched(self):
        database = Database("watched")
        token = database.initialize()
        server = Service(database, {"audit.verify_every": "200ms"})
        self.addCleanup(server.stop)
        event_id = self.assert_ok(server.post(token, event()), 201)["eventId"]

        def integrity():
            return server.metrics().get("agentidp_audit_chain_integrity")
        wait_until(lambda: integrity() == 1, "the ledger is verified")
        verified_at = server.metrics()["bulla_audit_verified_timestamp_seconds"]
        self.assertLess(abs(verified_at - time.time()), 60)
        wait_until(lambda: server.metrics()["bulla_audit_verified_timestamp_seconds"] > verified_at,
                   "it is verified again")
        self.assertEqual(integrity(), 1)
        database.tamper(event_id)
        wait_until(lambda: integrity() == 0, "the tampering is seen")
        line = server.wait_for_log("the audit events are not as they were appended")
        self.assertEqual((line["level"], line["event_id"], line["verdict"]),
                         ("error", event_id, "altered"))


class FaultsTest(DatabaseTest):
    """The database slow, stuck, away and back."""

    def assert_serves(self, server):
        wait_until(lambda: server.get("/health").status == 200, "bullad is back")
        # A connection that broke may be found by one call each.
        wait_until(lambda: server.get("/v1/audit", self.token).status == 200, "bullad answers")
        self.append(server)
        wait_until(lambda: server.administration("/health/ready").status == 200, "bullad is ready")

    def test_a_database_that_stops_is_503_until_it_is_back(self):
        server = self.start(QUICK)
        self.append(server)
        self.addCleanup(service.start_cluster)
        service.cluster("stop", service.CLUSTER)
        wait_until(lambda: server.get("/health").status == 503, "the outage is seen")
        self.assert_unavailable(server.get("/v1/audit", self.token))
        self.assert_unavailable(server.post(self.token, event()))
        health = server.get("/health")
        self.assertEqual((health.status, health.json()["status"]), (503, "unavailable"))
        self.assertTrue(health.field("retry-after"))
        ready = wait_until(lambda: answer if (answer := server.administration("/health/ready")).json()[
            "database"] == {"everyday": "down", "long": "down"} else None, "both pools are down")
        self.assertEqual((ready.status, ready.json()["draining"]), (503, False))
        self.assertEqual(server.administration("/health/live").status, 200)
        self.assertTrue(server.running())
        service.start_cluster()
        self.assert_serves(server)

    def test_a_bullad_that_starts_before_its_database_waits_for_it(self):
        self.addCleanup(service.start_cluster)
        service.cluster("stop", service.CLUSTER)
        server = self.start(QUICK, ready=False)
        self.assert_unavailable(server.get("/v1/audit", self.token))
        self.assertEqual(server.administration("/health/ready").status, 503)
        self.assertEqual(server.administration("/health/live").status, 200)
        service.start_cluster()
        self.assert_serves(server)

    def test_a_database_that_freezes_is_503_in_time_until_it_thaws(self):
        server = self.start(QUICK)
        self.append(server)
        postmaster = int((service.folder() / "data" / "postmaster.pid").read_text("ascii").split("\n")[0])
        children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children")
        pids = [postmaster, *map(int, children.read_text("ascii").split())]

        def thaw():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        self.addCleanup(thaw)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for method, body in (("POST", event()), ("GET", None)) * 4:
            started = time.monotonic()
            answer = server.request(method, "/v1/audit", self.token, body)
            self.assert_problem(answer, 503)
            self.assertLess(time.monotonic() - started, DEADLINE + 4)
            if "not known" not in answer.json()["detail"]:
                self.assert_unavailable(answer)
        self.assertEqual(server.administration("/health/live").status, 200)
        wait_until(lambda: server.administration("/health/ready").status == 503, "it is not ready")
        thaw()
        self.assert_serves(server)

    def test_a_call_that_takes_too_long_is_cancelled_and_answered_503(self):
        server = self.start(QUICK)
        with self.database.locked_events():
            started = time.monotonic()
            answer = server.post(self.token, event())
            self.assertLess(time.monotonic() - started, DEADLINE + 3)
            self.assert_unavailable(answer)
            self.assertIn("nothing was changed", answer.json()["detail"])
            wait_until(lambda: not self.database.waiting(), "the call is cancelled")
        self.assert_serves(server)

    def test_a_backend_that_is_killed_in_a_call_is_503_for_that_call(self):
        server = self.start()
        with self.database.locked_events() as unlock:
            with server.start("POST", "/v1/audit", self.token, event()) as call:
                [(pid, _)] = self.database.wait_for_waiting()
                self.database.run("SELECT pg_terminate_backend(%s)", pid)
                answer = call.answer()
                self.assert_unavailable(answer)
                self.assertIn("nothing was changed", answer.json()["detail"])
                unlock()
        self.assert_serves(server)

    def test_a_backend_that_is_killed_between_calls_is_nobodys_loss(self):
        server = self.start({"database.connections": 2})
        for _ in range(3):
            self.database.run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                              " WHERE usename = 'bullad' AND query LIKE '%list_audit_events%'")
            self.assert_serves(server)

    def test_a_full_queue_is_503_at_once(self):
        server = self.start({"database.connections": 1, "database.queue": 1})
        with self.database.locked_events() as unlock, contextlib.ExitStack() as calls:
            first = calls.enter_context(server.start("GET", "/v1/audit", self.token))
            self.database.wait_for_waiting()
            second = calls.enter_context(server.start("GET", "/v1/audit", self.token))
            wait_until(lambda: server.metrics()['bulla_database_queue{pool="everyday"}'] == 1,
                       "the second call waits")
            started = time.monotonic()
            answer = server.get("/v1/audit", self.token)
            self.assertLess(time.monotonic() - started, 5)
            self.assert_unavailable(answer)
            self.assertIn("too many requests", answer.json()["detail"])
            # Verifications have connections of their own, and health needs none.
            self.assertEqual(server.get("/health").status, 200)
            self.assertEqual(server.administration("/health/ready").status, 200)
            unlock()
            self.assert_ok(first.answer())
            self.assert_ok(second.answer())
        self.assert_serves(server)

    def test_a_verification_keeps_nobody_waiting(self):
        server = self.start({"database.connections": 1, "database.long_connections": 1})
        with contextlib.closing(self.database.connect()) as holder:
            holder.autocommit = False
            # What a verification needs and reading does not.
            with holder.cursor() as cursor:
                cursor.execute("LOCK TABLE agentidp.audit_events IN ACCESS EXCLUSIVE MODE")
            with server.start("GET", "/v1/audit/verify", self.token) as verification:
                self.database.wait_for_waiting()
                # The everyday lane is free: a call that needs no lock on the events is answered.
                self.assert_problem(server.get("/v1/audit", "bulla_x"), 401)
                holder.rollback()
                self.assert_ok(verification.answer())

    def test_the_statement_of_a_client_that_leaves_is_cancelled(self):
        server = self.start()
        with self.database.locked_events():
            call = server.start("POST", "/v1/audit", self.token, event())
            [(_, name)] = self.database.wait_for_waiting()
            call.close()
            # Long before the deadline, 10 seconds.
            wait_until(lambda: not self.database.waiting(), "the call is cancelled", 5)
            line = server.wait_for_log("request", request_id=name.removeprefix("bullad/"))
            self.assertEqual(line["status"], 0)
            gone = 'agentidp_http_requests_total{method="POST",route="/v1/audit",status_code="499"}'
            wait_until(lambda: server.metrics().get(gone) == 1, "it is counted")
        self.assert_serves(server)

    def test_a_waiting_call_is_named_in_pg_stat_activity(self):
        server = self.start()
        with self.database.locked_events() as unlock:
            with server.start("GET", "/v1/audit", self.token) as call:
                [(_, name)] = self.database.wait_for_waiting()
                unlock()
                self.assertEqual(name, "bullad/" + call.answer().field("x-request-id"))


class StoppingTest(DatabaseTest):
    """SIGTERM"""

    def test_a_call_in_flight_is_answered_before_bullad_ends(self):
        server = self.start()
        with self.database.locked_events() as unlock:
            with server.start("POST", "/v1/audit", self.token, event()) as call:
                self.database.wait_for_waiting()
                server.send_signal(signal.SIGTERM)
                server.wait_for_log("stopping: requests under way are answered, no new ones accepted")
                ready = server.administration("/health/ready")
                self.assertEqual((ready.status, ready.json()["draining"]), (503, True))
                wait_until(lambda: self.refuses(server), "no new connection is accepted")
                unlock()
                answer = call.answer()
                self.assert_ok(answer, 201)
                self.assertTrue(answer.closes)
        self.assertEqual(server.wait(), 0)
        self.assertIn("stopped: all requests were answered", server.log_text())
        self.assertEqual(len(self.database.run(
            "SELECT 1 FROM agentidp.audit_events WHERE event_id = %s", answer.json()["eventId"])), 1)

    @staticmethod
    def refuses(server):
        try:
            server.get("/health")
        except OSError:
            return True
        return False

    def test_a_call_that_does_not_end_is_cut_off_when_the_time_to_drain_is_over(self):
        server = self.start({"timeouts.drain": "200ms"})
        with self.database.locked_events():
            with server.start("POST", "/v1/audit", self.token, event()):
                self.database.wait_for_waiting()
                self.assertEqual(server.stop(seconds=10), 0)
                wait_until(lambda: not self.database.waiting(), "the call is cancelled", 5)
        self.assertIn("stopped: some requests were cut off", server.log_text())

    def test_a_second_signal_ends_bullad_at_once(self):
        server = self.start()
        with self.database.locked_events():
            with server.start("POST", "/v1/audit", self.token, event()):
                self.database.wait_for_waiting()
                server.send_signal(signal.SIGINT)
                server.wait_for_log("stopping: requests under way are answered, no new ones accepted")
                self.assertEqual(server.stop(seconds=5), 1)

    def test_tools_cluster_ends_the_bullad_that_it_started(self):
        first, _ = service.serve(self.database)
        second, _ = service.serve(self.database)
        self.assertTrue(service.ended(first.pid))
        self.assertFalse(service.ended(second.pid))
