"""A private PostgreSQL and bullad in front of it, for the tests of the service."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import uuid

import psycopg2

from support import (BUILD, LOGS, ROOT, Connection, Program, end_with_parent,
                     make_request, parse_address, wait_until)

EVENT = {"action": "test.happened", "outcome": "success"}
BULLAD = BUILD / "bullad"
TOOL = ROOT / "tools" / "cluster"
# All that a server can log of statements is logged, and each line says which request it is about.
SETTINGS = ("shared_preload_libraries=bulla", "fsync=off", "log_statement=all",
            "log_min_duration_statement=0", "log_min_error_statement=debug5", "log_duration=on",
            "log_error_verbosity=verbose", "log_line_prefix=%m [%p] %a ", "log_checkpoints=off")


def run(*words, env=None):
    """Runs a program to its end."""
    return subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=300,
                          env=os.environ | (env or {}), preexec_fn=end_with_parent)


def new_id():
    return str(uuid.uuid4())


class Cluster:
    """The one cluster of these tests."""
    name = "check-front"
    started = None

    @classmethod
    def get(cls):
        if cls.started is None:
            cls.started = cls()
        return cls.started

    def __init__(self):
        self.tool("drop", self.name)
        self.run_directory = pathlib.Path(self.tool("path").strip())
        self.folder = self.run_directory / "clusters" / self.name
        self.start()
        self.databases = 0

    @classmethod
    def end(cls):
        if cls.started is not None:
            shutil.copyfile(cls.started.folder / "log", LOGS / "postgresql.log")
            cls.tool("drop", cls.name)
            cls.started = None

    @staticmethod
    def tool(*words):
        done = run(TOOL, *words)
        if done.returncode != 0:
            raise AssertionError(f"tools/cluster {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        self.tool("start", self.name, *(word for setting in SETTINGS for word in ("-c", setting)))

    def stop(self):
        self.tool("stop", self.name)

    def signal(self, number):
        """To the postmaster and all its processes."""
        postmaster = int((self.folder / "data" / "postmaster.pid").read_text("ascii").split()[0])
        children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children")
        for pid in [postmaster, *map(int, children.read_text("ascii").split())]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def connect(self, database="postgres", user="postgres", **more):
        connection = psycopg2.connect(host=str(self.folder), dbname=database, user=user, **more)
        connection.autocommit = True
        return connection

    def new_database(self):
        self.databases += 1
        name = f"front{self.databases}"
        with_client(self.connect(), f"CREATE DATABASE {name}")
        return name

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def conninfo(self, database, user):
        return f"host={self.folder} dbname={database} user={user}"


def with_client(client, sql, parameters=None):
    """Runs a statement on a connection and closes it; returns its rows."""
    try:
        with client.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []
    finally:
        client.close()


class Bullad(Program):
    """bullad serving; its log is what it writes on standard error."""

    def __init__(self, config, env=None):
        super().__init__([BULLAD, "serve", "--config", config], env=env, ready=False)
        self.addresses = {}
        for listener in ("api", "admin"):
            line = self.wait_for_log("listening", listener=listener)
            self.addresses[listener] = parse_address(line["addresses"][0])
        self.address = self.addresses["api"]

    def log_lines(self):
        lines = []
        for line in self.log_path.read_text(encoding="utf-8").splitlines():
            if line.startswith("{"):
                lines.append(json.loads(line))
        return lines

    def find_log(self, message, **members):
        return [line for line in self.log_lines() if line["message"] == message
                and all(line.get(name) == value for name, value in members.items())]

    def wait_for_log(self, message, **members):
        def look():
            if not self.running():
                raise AssertionError(f"bullad {self.state()}:\n{self.log()}")
            return self.find_log(message, **members)
        return wait_until(look, f"bullad logs {message} {members}")[-1]

    def connect(self, listener="api", **arguments):
        return Connection(self.addresses[listener], **arguments)

    def admin(self, target):
        with self.connect("admin") as connection:
            return connection.request("GET", target)

    def metric(self, name, **labels):
        """One figure of /metrics; None where it is not there."""
        for line in self.admin("/metrics").body.decode("utf-8").splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and found[1] == name and dict(re.findall(r'(\w+)="([^"]*)"',
                                                              found[2] or "")) == labels:
                return float(found[3])
        return None

    def wait_ready(self):
        wait_until(lambda: self.admin("/health/ready").status == 200, "bullad is ready")


class ServiceTest(unittest.TestCase):
    """A database of its own for each class, with bullad in front of it."""

    config = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulla-front-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.cluster = Cluster.get()
        cls.database = cls.cluster.new_database()
        cls.admin_conninfo = cls.cluster.conninfo(cls.database, "postgres")
        done = run(BULLAD, "init", "--database", cls.admin_conninfo)
        if done.returncode != 0:
            raise AssertionError(f"bullad init: {done.stderr}")
        cls.token = done.stdout.strip()
        cls.bullad = cls.serve(**cls.config)
        cls.addClassCleanup(cls.bullad.kill)

    @classmethod
    def write_config(cls, **changes):
        """A configuration with the defaults of the tests; changes are SECTION__KEY=TOML."""
        values = {"api__listen": '["127.0.0.1:0"]', "admin__listen": '["127.0.0.1:0"]',
                  "database__conninfo": f'"{cls.cluster.conninfo(cls.database, "bullad")}"',
                  "audit__verify_every": '"0"'} | changes
        text = ""
        for section in dict.fromkeys(name.split("__")[0] for name in values):
            text += f"[{section}]\n"
            for name, value in values.items():
                if name.startswith(section + "__"):
                    text += f"{name.split('__')[1]} = {value}\n"
        descriptor, path = tempfile.mkstemp(suffix=".toml", dir=cls.folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    @classmethod
    def serve(cls, env=None, **changes):
        bullad = Bullad(cls.write_config(**changes), env)
        try:
            bullad.wait_ready()
        except AssertionError:
            bullad.kill()
            raise
        return bullad

    @classmethod
    def add_token(cls, *words, name=None):
        """bullad token add; returns name and token."""
        name = name or f"test-{uuid.uuid4()}"
        done = run(BULLAD, "token", "add", name, "--database", cls.admin_conninfo, *words)
        if done.returncode != 0:
            raise AssertionError(f"bullad token add: {done.stderr}")
        return name, done.stdout.strip()

    @classmethod
    def revoke_token(cls, name):
        done = run(BULLAD, "token", "revoke", name, "--database", cls.admin_conninfo)
        if done.returncode != 0:
            raise AssertionError(f"bullad token revoke: {done.stderr}")

    def query(self, sql, *parameters):
        return with_client(self.cluster.connect(self.database), sql, parameters)

    def backends(self, what="count(*)", where="true"):
        """Something about the backends that serve bullad's connections."""
        return self.query(f"SELECT {what} FROM pg_stat_activity WHERE datname = current_database()"
                          f" AND usename = 'bullad' AND {where}")

    def waiting_calls(self):
        """How many of bullad's calls wait for a lock."""
        return self.backends(where="wait_event_type = 'Lock'")[0][0]

    @contextlib.contextmanager
    def locked(self, table="agentidp.audit_events", mode="EXCLUSIVE"):
        """Nobody can append while this lasts."""
        with contextlib.closing(self.cluster.connect(self.database)) as holder:
            holder.autocommit = False
            with holder.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {table} IN {mode} MODE")
            yield

    def fields(self, token=None, more=()):
        token = self.token if token is None else token
        return [*([("Authorization", f"Bearer {token}")] if token else []), *more]

    def call(self, method, target, body=None, token=None, fields=(), bullad=None, **arguments):
        """One request on a connection of its own. A body that is no bytes is sent as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode("utf-8")
        fields = self.fields(token, fields)
        if body is not None and not any(name.lower() == "content-type" for name, _ in fields):
            fields.append(("Content-Type", "application/json"))
        with (bullad or self.bullad).connect(**arguments) as connection:
            return connection.request(method, target, fields, body)

    def send(self, bullad=None, fields=(), token=None, **event):
        """Sends an event and does not wait for the answer; returns the connection."""
        connection = (bullad or self.bullad).connect()
        self.addCleanup(connection.close)
        fields = self.fields(token, [("Content-Type", "application/json"), *fields])
        connection.send(make_request("POST", "/v1/audit", fields,
                                     json.dumps(EVENT | event).encode("utf-8")))
        return connection

    def is_there(self, event_id):
        return bool(self.query("SELECT 1 FROM agentidp.audit_events WHERE event_id = %s", event_id))

    def append(self, *events, **arguments):
        """Appends events, with an action and outcome if need be; returns what was answered."""
        events = [EVENT | event for event in events]
        answer = self.call("POST", "/v1/audit", events if len(events) != 1 else events[0],
                           **arguments)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()["events"] if len(events) != 1 else [answer.json()]

    def behind_its_back(self, sql, *parameters):
        """What a superuser does who knows about the triggers."""
        table = "ALTER TABLE agentidp.audit_events"
        self.query(f"SET bulla.restore = on; {table} DISABLE TRIGGER bulla_refuse_change")
        try:
            self.query(sql, *parameters)
        finally:
            self.query(f"{table} ENABLE ALWAYS TRIGGER bulla_refuse_change")

    def alter(self, event_id, metadata):
        self.behind_its_back("UPDATE agentidp.audit_events SET metadata = %s WHERE event_id = %s",
                             json.dumps(metadata), event_id)

    def count_events(self):
        return self.query("SELECT count(*) FROM agentidp.audit_events")[0][0]

    def assert_problem(self, answer, status, *parts):
        """Problem details with this status, whose text has these parts."""
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.field("content-type"), "application/problem+json")
        problem = answer.json()
        self.assertEqual(problem["status"], status)
        self.assertEqual(problem["title"], answer.reason)
        self.assertEqual(problem["requestId"], answer.field("x-request-id"))
        self.assertFalse(set(problem) - {"type", "title", "status", "detail", "hint", "sqlstate",
                                         "requestId"}, problem)
        for part in parts:
            self.assertIn(part, problem["detail"] + problem.get("hint", ""))
        if status in (429, 503):
            self.assertGreater(int(answer.field("retry-after")), 0)
        if status == 401:
            self.assertTrue(answer.field("www-authenticate").startswith("Bearer"))


def tearDownModule():  # pylint: disable=invalid-name
    """To be imported by each module of tests: unittest calls it there."""
    Cluster.end()
