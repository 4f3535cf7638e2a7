"""What the tests of bullad need beside support: a private cluster, databases, bullads, tokens.

A module of tests either makes the cluster in its setUpModule, and shares one bullad, or has a database and a bullad for
each class: BulladTest. The cluster goes with the module.
"""
import contextlib
import datetime
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.parse
import uuid

import psycopg2

from support import (BUILD, LOGS, ROOT, Connection, Program, end_with_parent, parse_address,
                     wait_until)

BULLAD = BUILD / "bullad"
CLUSTER = "check-front"
# All that a server can log of statements is logged, and each line says which request it is about.
SETTINGS = ("shared_preload_libraries=bulla", "fsync=off", "log_statement=all",
            "log_min_duration_statement=0", "log_min_error_statement=debug5", "log_duration=on",
            "log_error_verbosity=verbose", "log_line_prefix=%m [%p] %a ", "log_checkpoints=off")
SYSTEM = "00000000-0000-8000-8000-000000000000"
EVENT = {"action": "test.happened", "outcome": "success"}


def run(*words, env=None, seconds=300):
    """Runs a program to its end."""
    # pylint: disable-next=subprocess-popen-preexec-fn
    return subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          timeout=seconds, env=os.environ | (env or {}),
                          preexec_fn=end_with_parent)


def run_bullad(*words, env=None):
    """Runs bullad's command line; returns what it did."""
    return run(BULLAD, *words, env=env)


def cluster(*words):
    """Runs tools/cluster; returns what it printed."""
    done = run(ROOT / "tools" / "cluster", *words, seconds=900)
    if done.returncode != 0:
        raise AssertionError(f"tools/cluster {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def make_cluster():
    """Makes a new cluster, once in each module of tests, with what this checkout's source says."""
    if folder().is_dir() and make_cluster.made:
        return
    cluster("install")
    cluster("drop", CLUSTER)
    unittest.addModuleCleanup(keep_logs_and_drop)
    start_cluster()
    make_cluster.made = True


make_cluster.made = False


def start_cluster():
    """Starts the cluster, with its data where there are some."""
    cluster("start", CLUSTER, *[word for setting in SETTINGS for word in ("-c", setting)])


def stop_cluster():
    cluster("stop", CLUSTER)


def signal_cluster(number):
    """To the postmaster and all its processes."""
    postmaster = int((folder() / "data" / "postmaster.pid").read_text("ascii").split()[0])
    children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children")
    for pid in [postmaster, *map(int, children.read_text("ascii").split())]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def cluster_log():
    return (folder() / "log").read_text(encoding="utf-8", errors="replace")


def keep_logs_and_drop():
    LOGS.mkdir(parents=True, exist_ok=True)
    for name in ("log", "bullad.log"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(folder() / name, LOGS / f"{CLUSTER}-{name}")
    make_cluster.made = False
    cluster("drop", CLUSTER)


@functools.cache
def folder():
    """The folder of the cluster, which is that of its socket, too."""
    return pathlib.Path(cluster("path").strip()) / "clusters" / CLUSTER


def ended(pid):
    """Whether a process is over, be it reaped or not."""
    try:
        return "\nState:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return True


def new_id():
    return str(uuid.uuid4())


class Database:
    """A database of the cluster: what one class of tests tampers with is nobody else's."""

    count = 0

    def __init__(self, name=None):
        Database.count += 1
        self.name = name or f"front{Database.count}"
        self.configs = 0
        with self.session("postgres") as run_there:
            run_there(f"CREATE DATABASE {self.name}")

    def conninfo(self, user="postgres"):
        return f"host={folder()} dbname={self.name} user={user}"

    def connect(self, name=None, user="postgres", **more):
        """A connection with autocommit, a superuser's by default."""
        connection = psycopg2.connect(host=str(folder()), dbname=name or self.name, user=user,
                                      application_name="test", **more)
        connection.autocommit = True
        return connection

    @contextlib.contextmanager
    def session(self, name=None, **more):
        """A superuser's session: a function that runs a statement and returns its rows."""
        with contextlib.closing(self.connect(name, **more)) as connection:
            def run_there(sql, *values):
                with connection.cursor() as cursor:
                    cursor.execute(sql, values or None)
                    return cursor.fetchall() if cursor.description else []
            yield run_there

    def run(self, sql, *values):
        with self.session() as run_there:
            return run_there(sql, *values)

    def initialize(self):
        """bullad init; returns the administrator's token."""
        return self.administer("init")

    def administer(self, *words):
        done = run_bullad(*words, "--database", self.conninfo())
        if done.returncode != 0:
            raise AssertionError(f"bullad {' '.join(words)}: {done.stderr}")
        return done.stdout.strip()

    def add_token(self, name, *scopes, organization=None, expires=None):
        words = [word for scope in scopes for word in ("--scope", scope)]
        words += ["--organization", organization] if organization else []
        words += ["--expires", expires] if expires else []
        return self.administer("token", "add", name, *words)

    def revoke_token(self, name):
        self.administer("token", "revoke", name)

    def behind_its_back(self, sql, *values):
        """What a superuser does to the events who knows about the triggers."""
        with self.session() as run_there:
            run_there("BEGIN")
            run_there("SET LOCAL bulla.restore = on")
            run_there("ALTER TABLE agentidp.audit_events DISABLE TRIGGER bulla_refuse_change")
            run_there(sql, *values)
            run_there("ALTER TABLE agentidp.audit_events ENABLE ALWAYS TRIGGER bulla_refuse_change")
            run_there("COMMIT")

    def write_config(self, **changes):
        """A configuration for this database with the defaults of the tests; changes are SECTION__KEY=VALUE."""
        self.configs += 1
        settings = {"api__listen": ["127.0.0.1:0"], "admin__listen": ["127.0.0.1:0"],
                    "database__conninfo": self.conninfo("bullad"),
                    # It would wait for the same locks as the calls of a test.
                    "audit__verify_every": "0",
                    # It would take a connection from them.
                    "keys__messages_every": "0",
                    # Sealing would append events behind the back of a test.
                    "seal__every": "0"} | changes
        return write_config(folder() / f"{self.name}-{self.configs}.toml", settings)


class Client:
    """Requests of one bullad."""

    addresses = {}  # by listener

    @property
    def address(self):
        return self.addresses["api"]

    def connect(self, listener="api", **arguments):
        return Connection(self.addresses[listener], **arguments)

    def request(self, method, target, token=None, body=None, fields=(), **arguments):
        """One request on a connection of its own. A body that is not bytes is sent as JSON."""
        with self.connect(**arguments) as connection:
            connection.try_send(encode(method, target, token, body, fields))
            return connection.answer(head=method == "HEAD")

    def get(self, target, token=None, **arguments):
        return self.request("GET", target, token, **arguments)

    def post(self, token, body, **arguments):
        return self.request("POST", "/v1/audit", token, body, **arguments)

    def admin(self, target):
        return self.request("GET", target, listener="admin")

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


def encode(method, target, token=None, body=None, fields=()):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode("utf-8")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
        if not any(name.lower() == "content-type" for name, _ in fields):
            lines.append("Content-Type: application/json")
    # None leaves a field out.
    lines += [f"{name}: {value}" for name, value in fields if value is not None]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + (body or b"")


def serve(database, **settings):
    """Starts the cluster's one bullad as tools/cluster does; returns it and an administrator's token."""
    words = [f"{key.replace('__', '.')}={json.dumps(value)}" for key, value in settings.items()]
    printed = dict(line.split("=", 1) for line in
                   cluster("serve", CLUSTER, database.name, *words).splitlines())
    served = Served({name: parse_address(printed[name].removeprefix("http://"))
                     for name in ("api", "admin")},
                    int((folder() / "bullad.pid").read_text(encoding="ascii")))
    unittest.addModuleCleanup(served.stop)
    served.wait_ready()
    return served, printed["token"]


class Served(Client):
    """The bullad that tools/cluster serve started, as the user postgres where root runs the tests."""

    def __init__(self, addresses, pid):
        self.addresses, self.pid = addresses, pid

    def stop(self):
        """Ends it where tools/cluster has not."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if str(folder()) in pathlib.Path(f"/proc/{self.pid}/cmdline").read_text(encoding="utf-8"):
                os.kill(self.pid, signal.SIGTERM)
        wait_until(lambda: ended(self.pid), "the bullad of tools/cluster ends")


class Bullad(Program, Client):
    """bullad serving by a configuration; its log is what it writes on standard error."""

    def __init__(self, config, env=None, ready=True):
        super().__init__([BULLAD, "serve", "--config", config], env=env, ready=False)
        try:
            self.addresses = {name: parse_address(
                self.wait_for_log("listening", listener=name)["addresses"][0]) for name in ("api", "admin")}
            if ready:
                self.wait_ready()
        except AssertionError:
            self.kill()
            raise

    def find_log(self, message, **members):
        """The lines of its log, each of which is a JSON object, that have this message and these members."""
        lines = (json.loads(line) for line in self.log_path.read_text(encoding="utf-8").splitlines(True)
                 if line.startswith("{") and line.endswith("\n"))
        return [line for line in lines if line["message"] == message
                and members.items() <= line.items()]

    def wait_for_log(self, message, **members):
        def look():
            if not self.running():
                raise AssertionError(f"bullad {self.state()}:\n{self.log()}")
            return self.find_log(message, **members)
        return wait_until(look, f"bullad logs {message} {members}")[-1]


def write_config(path, settings):
    """Writes {"section__key": value} as TOML, which JSON's texts, numbers and lists are."""
    sections = {}
    for key, value in settings.items():
        section, name = key.split("__")
        sections.setdefault(section, []).append(f"{name} = {json.dumps(value)}\n")
    path.write_text("".join(f"[{section}]\n{''.join(lines)}" for section, lines in sections.items()),
                    encoding="utf-8")
    path.chmod(0o640)
    return path


def digest(token):
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def event(**fields):
    return EVENT | fields


def query(**parameters):
    return "/v1/audit?" + urllib.parse.urlencode({name.rstrip("_"): value for name, value in
                                                  parameters.items()})


def moment(seconds):
    """A time in 2026, so many seconds after its beginning, as bullad writes it."""
    time = datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class ServiceTest(unittest.TestCase):
    """What answers have to be like."""

    def assert_problem(self, answer, status, expression=None, sqlstate=None):
        """A refusal with problem details; an expression has to match in its detail or its hint."""
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.field("content-type"), "application/problem+json")
        problem = answer.json()
        self.assertEqual(problem["status"], status)
        self.assertEqual(problem["title"], answer.reason)
        self.assertEqual(problem["type"], "about:blank")
        self.assertTrue(problem["detail"])
        self.assertTrue(problem["requestId"])
        self.assertEqual(problem["requestId"], answer.field("x-request-id"))
        self.assertLessEqual(set(problem), {"type", "title", "status", "detail", "hint", "sqlstate",
                                            "requestId"})
        if expression is not None:
            self.assertTrue(any(re.search(expression, problem.get(name, ""))
                                for name in ("detail", "hint")), (expression, problem))
        if sqlstate is not None:
            self.assertEqual(problem["sqlstate"], sqlstate)
        if status == 401:
            self.assertRegex(answer.field("www-authenticate"), r"^Bearer\b")
        if status in (429, 503):
            self.assertGreater(int(answer.field("retry-after")), 0)
        return problem

    def assert_ok(self, answer, status=200):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.field("content-type"), "application/json")
        self.assertTrue(re.fullmatch(r"[!-~]+", answer.field("x-request-id")))
        return answer.json()


class BulladTest(ServiceTest):
    """A database of its own for each class, with bullad in front of it."""

    config = {}

    @classmethod
    def setUpClass(cls):
        make_cluster()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulla-front-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.database = Database()
        cls.token = cls.database.initialize()
        cls.bullad = cls.serve(**cls.config)
        cls.addClassCleanup(cls.bullad.kill)

    @classmethod
    def serve(cls, env=None, **changes):
        return Bullad(cls.database.write_config(**changes), env)

    def backends(self, what="count(*)", where="true"):
        """Something about the backends that serve bullad's connections."""
        return self.database.run(f"SELECT {what} FROM pg_stat_activity"
                                 f" WHERE datname = current_database() AND usename = 'bullad' AND {where}")

    def waiting_calls(self):
        """How many of bullad's calls wait for a lock."""
        return self.backends(where="wait_event_type = 'Lock'")[0][0]

    @contextlib.contextmanager
    def locked(self, table="agentidp.audit_events", mode="EXCLUSIVE"):
        """Nobody can append while this lasts."""
        with self.database.session() as run_there:
            run_there("BEGIN")
            run_there(f"LOCK TABLE {table} IN {mode} MODE")
            yield

    def call(self, method, target, body=None, token=None, fields=(), bullad=None, **arguments):
        """One request of the administrator, or of whom the token names; of nobody where it is empty."""
        return (bullad or self.bullad).request(method, target, self.token if token is None else token,
                                               body, fields, **arguments)

    def send(self, bullad=None, fields=(), token=None, **event_fields):
        """Sends an event and does not wait for the answer; returns the connection."""
        connection = (bullad or self.bullad).connect()
        self.addCleanup(connection.close)
        connection.send(encode("POST", "/v1/audit", token or self.token, event(**event_fields), fields))
        return connection

    def append(self, *events, **arguments):
        """Appends events, with an action and outcome if need be; returns what was answered."""
        events = [EVENT | one for one in events]
        answer = self.call("POST", "/v1/audit", events if len(events) != 1 else events[0],
                           **arguments)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()["events"] if len(events) != 1 else [answer.json()]

    def is_there(self, event_id):
        return bool(self.database.run("SELECT 1 FROM agentidp.audit_events WHERE event_id = %s",
                                      event_id))

    def count_events(self):
        return self.database.run("SELECT count(*) FROM agentidp.audit_events")[0][0]
