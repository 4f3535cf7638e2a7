"""How bullad is set up: init, token and check-config, its role, its listeners."""
import concurrent.futures
import contextlib
import hashlib
import signal
import stat
import unittest
import uuid

import psycopg2
from certificates import Authority
from service import EVENT, BulladTest, Database, cluster_log, folder, new_id, run_bullad
from support import Closed


class SetUpTest(BulladTest):
    """bullad init, token, check-config, --help."""

    def init(self, database, *words, user="postgres"):
        return run_bullad("init", "--database", database.conninfo(user), *words)

    def test_init_prints_one_token_and_nothing_else_and_a_second_time_none(self):
        database = Database()
        first = self.init(database)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertRegex(first.stdout, r"^bulla_[A-Za-z0-9_-]{43}\n$")
        second = self.init(database)
        self.assertEqual((second.returncode, second.stdout), (0, ""), second.stderr)
        self.assertNotIn(first.stdout.strip(), first.stderr + second.stderr)
        digest = hashlib.sha256(first.stdout.strip().encode()).digest()
        rows = database.run("SELECT token_digest, scopes FROM agentidp.access_tokens")
        self.assertEqual([(bytes(row[0]), row[1]) for row in rows], [(digest, ["admin"])])
        self.assertNotIn(first.stdout.strip(), cluster_log())

    def test_of_two_at_once_one_gets_the_token(self):
        database = Database()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda _: self.init(database), range(4)))
        self.assertEqual([one.returncode for one in done], [0] * 4, [one.stderr for one in done])
        self.assertEqual(sorted(len(one.stdout) for one in done), [0, 0, 0, 50])

    def test_without_the_rights_it_says_so(self):
        self.database.run("CREATE ROLE nobody_special LOGIN")
        self.addCleanup(self.database.run, "DROP ROLE nobody_special")
        done = self.init(Database(), user="nobody_special")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("superuser", done.stderr)
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith("bullad: "), line)

    def test_without_a_database_the_exit_code_says_so(self):
        for words in (("init",), ("token", "add", "x", "--scope", "admin"),
                      ("token", "revoke", "x")):
            for conninfo in (f"host={self.folder} user=postgres",
                             f"host={folder()} dbname=absent user=postgres",
                             "host=127.0.0.1 port=1 user=postgres"):
                done = run_bullad(*words, "--database", conninfo)
                self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
                self.assertTrue(done.stderr.startswith("bullad: "))

    def test_tokens_that_cannot_be_are_refused(self):
        name = "taken"
        self.database.add_token(name, "audit:read")
        for words, code, part in ((("add", name, "--scope", "audit:read"), 1, "already"),
                                  (("add", "x", "--scope", "everything"), 1, "scopes"),
                                  (("add", "x"), 2, "--scope"),
                                  (("add", "x", "--scope", "admin", "--organization", new_id()), 1,
                                   "admin"),
                                  (("add", "x", "--scope", "audit:read", "--organization", "y"), 1,
                                   "uuid"),
                                  (("add", "x", "--scope", "audit:read", "--expires", "tomorrow"),
                                   2, "--expires"),
                                  (("add", "x", "--scope", "audit:read", "--expires", "0s"), 1,
                                   "future"),
                                  (("revoke", "not-there"), 1, "not-there"),
                                  (("revoke",), 2, "NAME"),
                                  ((), 2, "subcommand")):
            done = run_bullad("token", *words, "--database", self.database.conninfo())
            self.assertEqual((done.returncode, done.stdout), (code, ""), (words, done.stderr))
            self.assertIn(part.lower(), done.stderr.lower(), words)

    def test_the_services_role_can_call_its_functions_and_nothing_else(self):
        [attributes] = self.database.run(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
            " FROM pg_roles WHERE rolname = 'bullad'")
        self.assertFalse(any(attributes))
        for what in ("pg_shdepend WHERE deptype = 'o' AND refobjid = 'bullad'::regrole",
                     "pg_auth_members WHERE member = 'bullad'::regrole"):
            self.assertEqual(self.database.run(f"SELECT count(*) FROM {what}"), [(0,)], what)
        schemas = self.database.run(
            "SELECT DISTINCT n.nspname"
            " FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
            " WHERE has_function_privilege('bullad', p.oid, 'EXECUTE')"
            " AND has_schema_privilege('bullad', n.oid, 'USAGE')"
            " AND n.nspname NOT IN ('pg_catalog', 'information_schema')")
        self.assertLessEqual({name for (name,) in schemas}, {"agentidp_api", "bulla"})
        # Of what Bulla gives to whom it concerns, what bullad's metrics, its sealing and asking witnesses need.
        self.assertEqual(self.database.run(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'bulla'::regnamespace"
            " AND has_function_privilege('bullad', oid, 'EXECUTE')"
            " AND NOT has_function_privilege('public', oid, 'EXECUTE') ORDER BY 1"),
            [("bulla.add_cosignatures(text)",), ("bulla.key_messages()",), ("bulla.seal_as_owner(regclass)",),
             ("bulla.try_seal_round()",), ("bulla.witness_request(text,bigint,text)",),
             ("bulla.witnesses_to_ask(interval,interval)",)])
        with contextlib.closing(self.database.connect(user="bullad")) as client:
            for sql in ("SELECT * FROM agentidp.audit_events",
                        "SELECT * FROM agentidp.access_tokens",
                        "INSERT INTO agentidp.audit_events DEFAULT VALUES",
                        "DELETE FROM agentidp.audit_events",
                        "TRUNCATE agentidp.audit_events",
                        "UPDATE agentidp.access_tokens SET scopes = '{admin}'",
                        "SELECT agentidp.add_access_token('\\x00', 'x', '{admin}')",
                        "SELECT agentidp.begin_request('x', NULL, 'admin')",
                        "SELECT agentidp.set_up()",
                        "ALTER TABLE agentidp.audit_events DISABLE TRIGGER ALL",
                        "CREATE TABLE agentidp.x ()",
                        "CREATE TABLE agentidp_api.x ()", "CREATE SCHEMA x", "CREATE ROLE x",
                        "SET ROLE agentidp",
                        "SET ROLE postgres", "SET log_statement = 'none'",
                        "COPY (SELECT 1) TO PROGRAM 'true'",
                        "SELECT pg_read_file('/etc/passwd')", "SELECT * FROM pg_authid",
                        "SELECT bulla.create_key('x')",
                        "SELECT * FROM bulla.keys", "SELECT * FROM bulla.open_failures()",
                        "SELECT * FROM bulla.events",
                        "SELECT bulla.create_ledger('agentidp.access_tokens')"):
                with self.subTest(sql=sql), client.cursor() as cursor:
                    with self.assertRaises(psycopg2.Error) as caught:
                        cursor.execute(sql)
                    self.assertIn(caught.exception.pgcode, ("42501", "42883"), sql)

    def test_a_password_in_the_configuration_becomes_the_roles(self):
        database = Database()
        conninfo = database.conninfo("bullad")
        password = f"pass'word \\{uuid.uuid4()}"
        quoted = password.replace("\\", "\\\\").replace("'", "\\'")
        config = database.write_config(database__conninfo=f"{conninfo} password='{quoted}' ")
        done = self.init(database, "--config", config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(password, done.stderr + cluster_log())
        [(stored,)] = database.run("SELECT rolpassword FROM pg_authid WHERE rolname = 'bullad'")
        self.assertTrue(stored.startswith("SCRAM-SHA-256$"))
        database.run("ALTER ROLE bullad PASSWORD NULL")
        shown = run_bullad("check-config", "--config", config)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertNotIn(str(uuid.UUID(password[-36:])), shown.stdout + shown.stderr)
        self.assertIn("password=***", shown.stdout)

    def check_config(self, text, env=None):
        path = self.folder / "checked.toml"
        path.write_text(text, encoding="utf-8")
        return path, run_bullad("check-config", "--config", path, env=env)

    def test_what_check_config_prints_is_a_configuration_that_means_the_same(self):
        path, first = self.check_config(
            '[database]\nconninfo = "user=bullad"\nqueue = 7\n[timeouts]\nidle = "90s"\n'
            '[limits]\nbody = "2MiB"\n[api]\nlisten = ["[::1]:1", "unix:/tmp/x"]\n')
        self.assertEqual(first.returncode, 0, first.stderr)
        path.write_text(first.stdout, encoding="utf-8")
        second = run_bullad("check-config", "--config", path)
        self.assertEqual((second.returncode, second.stdout), (0, first.stdout), second.stderr)

    def test_a_mistake_is_named_with_its_line(self):
        database = '[database]\nconninfo = "user=bullad"\n'
        for text, line, parts in (
                ("[database]\nconninfo = 1\n", 2, ["database.conninfo"]),
                ("[database]\nconninfo = \"nonsense\"\n", 2, ["database.conninfo"]),
                (database + "queue = 0\n", 3, ["database.queue", "1 to 100000"]),
                (database + "queue = -1\n", 3, ["database.queue"]),
                (database + "queue = 1.5\n", 3, ["database.queue"]),
                (database + "queue = \"many\"\n", 3, ["database.queue"]),
                (database + "queue = 99999999999999999999\n", 3, []),
                (database + "deadline = 10\n", 3, ["database.deadline"]),
                (database + "deadline = \"10 parsecs\"\n", 3, ["database.deadline"]),
                (database + "pool = 3\n", 3, ["database.pool", "connections"]),
                (database + "queue = 1\nqueue = 2\n", 4, []),
                (database + "\n[metrics]\nx = 1\n", 4, ["metrics"]),
                (database + "[limits]\nbody = \"2 elephants\"\n", 4, ["limits.body"]),
                (database + "[limits]\nbody = \"64MiB\"\nheld_bytes = \"1MiB\"\n", 4,
                 ["limits.body"]),
                (database + "[api]\nlisten = \"127.0.0.1\"\n", 4, ["api.listen"]),
                (database + "[api]\nlisten = []\n", 4, ["api.listen"]),
                (database + "[api]\nlisten = [1]\n", 4, ["api.listen"]),
                (database + "[api]\ntls_certificate = \"x\"\n", 4, ["tls_key"]),
                (database + "[api]\ntls_key = \"x\"\n", 4, ["tls_certificate"]),
                (database + "[log]\nlevel = \"loud\"\n", 4, ["log.level"]),
                (database + "[api\n", 3, []), ("x\n", 1, []), (database + "queue 1\n", 3, []),
                ("conninfo = \"user=bullad\"\n", 1, ["conninfo"])):
            with self.subTest(text=text):
                path, done = self.check_config(text)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertTrue(any(message.startswith(f"bullad: {path}:{line}: ")
                                    and all(part in message for part in parts)
                                    for message in done.stderr.splitlines()), done.stderr)
                served = run_bullad("serve", "--config", path)
                self.assertEqual((served.returncode, served.stderr), (2, done.stderr))

    def test_every_mistake_is_told_at_once(self):
        path, done = self.check_config(
            '[database]\nconninfo = "x"\nqueue = 0\n[api]\nio_threads = 0\n[nowhere]\na = 1\n')
        self.assertEqual(done.returncode, 2)
        for line in (2, 3, 5, 6):
            self.assertIn(f"{path}:{line}: ", done.stderr)

    def test_the_environment_stands_above_the_file_and_is_checked_as_well(self):
        text = '[database]\nconninfo = "user=bullad"\nqueue = 7\n'
        _, done = self.check_config(text, {"BULLAD_DATABASE_QUEUE": "9"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^queue = 9$")
        for name, value in (("BULLAD_DATABASE_QUEUE", "x"), ("BULLAD_DATABASE_QUEUES", "1"),
                            ("BULLAD_API_LISTEN", ""),
                            ("BULLAD_LOG_LEVEL", "x")):
            _, done = self.check_config(text, {name: value})
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertIn(f"bullad: {name}: ", done.stderr)

    def test_a_password_that_everybody_may_read_is_refused(self):
        path, done = self.check_config('[database]\nconninfo = "user=bullad password=hunter2"\n')
        path.chmod(0o644)
        done = run_bullad("check-config", "--config", path)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{path}:2: ", done.stderr)
        self.assertNotIn("hunter2", done.stdout + done.stderr)
        path.chmod(0o640)
        done = run_bullad("check-config", "--config", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("hunter2", done.stdout)

    def test_help_and_wrong_use(self):
        done = run_bullad("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("init", "serve", "check-config", "token", "SIGTERM", "Exit codes"):
            self.assertIn(word, done.stdout)
        self.assertRegex(run_bullad("--version").stdout, r"^bullad \d+\.\d+\.\d+\n$")
        for words in (("--nonsense",), ("nonsense",), ("serve", "x"), ("serve", "--config")):
            done = run_bullad(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), (words, done.stderr))
            self.assertTrue(done.stderr)
        done = run_bullad("serve", "--config", self.folder / "absent.toml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("absent.toml", done.stderr)

    def test_an_address_that_is_taken_keeps_it_from_starting(self):
        host, port = self.bullad.address
        for section in ("api__listen", "admin__listen"):
            done = run_bullad("serve", "--config",
                              self.database.write_config(**{section: [f"{host}:{port}"]}))
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{host}:{port}", done.stderr)
            self.assertIn("in use", done.stderr)


class ListenersTest(BulladTest):
    """TLS, proxies and limits as the configuration says."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.folder)
        cls.certificate, cls.key = cls.authority.issue("server", "server")

    def start(self, **changes):
        bullad = self.serve(**changes)
        self.addCleanup(bullad.kill)
        return bullad

    def start_tls(self, **changes):
        return self.start(api__tls_certificate=str(self.certificate), api__tls_key=str(self.key),
                          **changes)

    def test_tls_is_served_and_its_files_are_read_again(self):
        bullad = self.start_tls()
        tls = self.authority.client_context()
        self.assertEqual(self.call("POST", "/v1/audit", EVENT, bullad=bullad, tls=tls).status, 201)
        with bullad.connect(tls=tls) as connection:
            first = connection.socket.getpeercert(binary_form=True)
        self.authority.issue("server", "server")
        bullad.send_signal(signal.SIGHUP)
        bullad.wait_for_log("the TLS files were read again")
        with bullad.connect(tls=tls) as connection:
            self.assertNotEqual(connection.socket.getpeercert(binary_form=True), first)
            self.assertEqual(connection.request("GET", "/health").status, 200)
        self.certificate.write_text("nonsense", encoding="ascii")
        bullad.send_signal(signal.SIGHUP)
        bullad.wait_for_log("the TLS files could not be read again; the old ones stay in use",
                            level="error")
        self.assertEqual(self.call("GET", "/health", bullad=bullad, tls=tls).status, 200)
        self.authority.issue("server", "server")

    def test_clients_need_a_certificate_where_the_configuration_says_so(self):
        bullad = self.start_tls(api__tls_client_ca=str(self.authority.path))
        good = self.authority.client_context(certificate=self.authority.issue("client", "client"))
        self.assertEqual(self.call("GET", "/v1/audit", bullad=bullad, tls=good).status, 200)
        with self.assertRaises((OSError, Closed)):
            self.call("GET", "/v1/audit", bullad=bullad, tls=self.authority.client_context())

    def test_idle_handshakes_keep_nobody_out(self):
        bullad = self.start_tls(timeouts__tls_handshake="5min")
        with contextlib.ExitStack() as idle:
            for _ in range(200):
                idle.enter_context(bullad.connect())
            self.assertEqual(self.call("GET", "/v1/audit", bullad=bullad, timeout=15,
                                       tls=self.authority.client_context()).status, 200)

    def test_the_client_in_the_log_is_the_one_behind_the_trusted_proxy(self):
        bullad = self.start(api__trusted_proxies=["127.0.0.1/32", "10.0.0.0/8"])
        self.call("GET", "/v1/audit", bullad=bullad,
                  fields=[("X-Forwarded-For", "198.51.100.7, 192.0.2.9"),
                          ("X-Forwarded-For", "10.1.1.1")])
        bullad.wait_for_log("request", client="192.0.2.9")
        self.call("GET", "/v1/audit", fields=[("X-Forwarded-For", "192.0.2.9")])
        self.bullad.wait_for_log("request", client="127.0.0.1")
        self.assertFalse(self.bullad.find_log("request", client="192.0.2.9"))

    def test_limits_are_those_of_the_configuration(self):
        bullad = self.start(limits__body="2KiB", limits__target="300B", limits__head="2KiB",
                            limits__fields=12,
                            timeouts__idle="1s")
        for method, target, body, fields, status in (
                ("POST", "/v1/audit", b'{"action": "' + b"a" * 2048 + b'"}', (), 413),
                ("GET", "/v1/audit?action=" + "a" * 300, None, (), 414),
                ("GET", "/v1/audit", None, [("X", "y" * 2048)], 431),
                ("GET", "/v1/audit", None, [("X", "y")] * 12, 431),
                ("GET", "/v1/audit", None, (), 200)):
            self.assertEqual(self.call(method, target, body, bullad=bullad, fields=fields).status,
                             status)
        with bullad.connect() as connection:
            connection.wait_closed()

    def test_a_unix_socket_serves_clients_without_an_address(self):
        path = self.folder / "bullad.sock"
        bullad = self.start(api__listen=[f"unix:{path}"])
        self.assertTrue(stat.S_ISSOCK(path.stat().st_mode))
        self.assertEqual(self.call("POST", "/v1/audit", EVENT, bullad=bullad).status, 201)
        bullad.wait_for_log("request", client="", status=201)
        bullad.stop()
        self.assertFalse(path.exists())


if __name__ == "__main__":
    unittest.main()
