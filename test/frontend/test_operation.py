"""What an operator repeats: init, check-config and tools/cluster once more, and a backend that is killed."""
import pathlib
import shutil
import tempfile
import unittest

import service
from service import Bullad, Database, ServiceTest, event, run_bullad, write_config
from support import wait_until


def setUpModule():  # pylint: disable=invalid-name
    service.make_cluster()
    # Builds and installs bullad, too.
    service.serve(Database("first"))
    DatabaseTest.database = Database("shared")
    DatabaseTest.token = DatabaseTest.database.initialize()


class DatabaseTest(ServiceTest):
    """A database that is sound after each test, and bullads in front of it."""

    database = token = None

    def start(self, **changes):
        started = Bullad(self.database.write_config(**changes))
        self.addCleanup(started.stop)
        return started

    def append(self, server):
        return self.assert_ok(server.post(self.token, event()), 201)["eventId"]


class SettingUpTest(ServiceTest):
    """bullad init"""

    def test_a_second_init_changes_nothing_and_prints_no_token(self):
        database = Database("twice")
        first = run_bullad("init", "--database", database.conninfo())
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertRegex(first.stdout, r"^bulla_[A-Za-z0-9_-]{43}\n$")
        self.assertNotIn(first.stdout.strip(), first.stderr)
        before = self.state(database)
        second = run_bullad("init", "--database", database.conninfo())
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
        self.assertEqual(run_bullad("init", "--database", database.conninfo()).returncode, 0)
        server = Bullad(database.write_config())
        self.addCleanup(server.stop)
        self.assertIn("log_parameter_max_length=0", database.run(
            "SELECT rolconfig FROM pg_roles WHERE rolname = 'bullad'")[0][0])

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


class CommandLineTest(unittest.TestCase):
    """bullad --help, check-config and exit codes"""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulla-rest-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def check(self, text, env=None):
        path = self.folder / "bullad.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o640)
        return run_bullad("check-config", "--config", path, env=env), path

    def test_a_configuration_that_is_not_there_is_a_mistake(self):
        for path in (self.folder / "none.toml", self.folder):
            done = run_bullad("check-config", "--config", path)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(str(path), done.stderr)

    def test_an_address_that_cannot_be_had_ends_bullad_with_2(self):
        path = write_config(self.folder / "bullad.toml", {
            "api__listen": ["192.0.2.1:1"], "admin__listen": ["127.0.0.1:0"],
            "database__conninfo": "host=/nowhere"})
        done = run_bullad("serve", "--config", path)
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
                    done = run_bullad("check-config", env={"BULLAD_DATABASE_CONNINFO": conninfo})
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertNotIn(secret, done.stdout + done.stderr)
        for conninfo in (f"host=db password='{secret}", f"postgresql://bullad:{secret}@db:x:y/%zz"):
            with self.subTest(conninfo=conninfo):
                done, _ = self.check(f"[database]\nconninfo = \"{conninfo}\"\n")
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertNotIn(secret, done.stderr)


class FaultsTest(DatabaseTest):
    """The database slow, stuck, away and back."""

    def assert_serves(self, server):
        wait_until(lambda: server.get("/health").status == 200, "bullad is back")
        # A connection that broke may be found by one call each.
        wait_until(lambda: server.get("/v1/audit", self.token).status == 200, "bullad answers")
        self.append(server)
        wait_until(lambda: server.admin("/health/ready").status == 200, "bullad is ready")

    def test_a_backend_that_is_killed_between_calls_is_nobodys_loss(self):
        server = self.start(database__connections=2)
        for _ in range(3):
            self.database.run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                              " WHERE usename = 'bullad' AND query LIKE '%list_audit_events%'")
            self.assert_serves(server)


class StoppingTest(DatabaseTest):
    """SIGTERM"""

    def test_tools_cluster_ends_the_bullad_that_it_started(self):
        first, _ = service.serve(self.database)
        second, _ = service.serve(self.database)
        self.assertTrue(service.ended(first.pid))
        self.assertFalse(service.ended(second.pid))
