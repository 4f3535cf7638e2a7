"""What the tests of bullad need beside support: a private cluster, databases, bullads, tokens.

Where root runs the tests, the cluster and each bullad run as the user postgres.
"""
import contextlib
import datetime
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

import psycopg2

from support import LOGS, ROOT, Connection, Program, parse_address, wait_until

CLUSTER = "check-front"
# Everything that a server can be told to log, and whose it is.
SETTINGS = ("fsync=off", "log_line_prefix=%m [%p] %u %a ", "log_statement=all",
            "log_min_duration_statement=0", "log_connections=on", "log_disconnections=on")
SYSTEM = "00000000-0000-8000-8000-000000000000"
AS_OWNER = (["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=KILL"]
            if os.geteuid() == 0 else [])


def cluster(*words):
    """Runs tools/cluster; returns what it printed."""
    done = subprocess.run([ROOT / "tools" / "cluster", *words], stdin=subprocess.DEVNULL, check=False,
                          capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        raise AssertionError(f"tools/cluster {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def start_cluster():
    """Starts the cluster, with its data where there are some."""
    cluster("start", CLUSTER, *[word for setting in SETTINGS for word in ("-c", setting)])


def make_cluster():
    """Makes a new cluster with what this checkout's source says."""
    cluster("install")
    drop_cluster()
    unittest.addModuleCleanup(keep_logs_and_drop)
    start_cluster()


def drop_cluster():
    cluster("drop", CLUSTER)


def ended(pid):
    """Whether a process is over, be it reaped or not."""
    try:
        return "\nState:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return True


def keep_logs_and_drop():
    LOGS.mkdir(parents=True, exist_ok=True)
    for name in ("log", "bullad.log"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(folder() / name, LOGS / f"{CLUSTER}-{name}")
    drop_cluster()


def run_directory():
    return pathlib.Path(cluster("path").strip())


def folder():
    """The folder of the cluster, which is that of its socket, too."""
    return run_directory() / "clusters" / CLUSTER


def serve(database, **settings):
    """Starts the cluster's one bullad as tools/cluster does; returns it and an administrator's token."""
    words = [f"{key.replace('__', '.')}={json.dumps(value)}" for key, value in settings.items()]
    printed = dict(line.split("=", 1) for line in
                   cluster("serve", CLUSTER, database.name, *words).splitlines())
    address, admin = (parse_address(printed[name].removeprefix("http://")) for name in ("api", "admin"))
    served = Served(address, admin, folder() / "bullad.log",
                    int((folder() / "bullad.pid").read_text(encoding="ascii")))
    unittest.addModuleCleanup(served.stop)
    served.wait_ready()
    return served, printed["token"]


def bullad(*words, env=None, **arguments):
    """Runs bullad's command line; returns what it did."""
    program = run_directory() / "installation" / "bin" / "bullad"
    return subprocess.run([program, *[str(word) for word in words]], stdin=subprocess.DEVNULL,
                          check=False, capture_output=True, text=True, timeout=120,
                          env=os.environ | (env or {}), **arguments)


class Database:
    """A database of the cluster: what one class of tests tampers with is nobody else's."""

    def __init__(self, name):
        self.name = name
        with self.session("postgres") as run:
            run(f"CREATE DATABASE {name}")

    def conninfo(self, user="postgres"):
        return f"host={folder()} dbname={self.name} user={user}"

    def connect(self, name=None):
        """A superuser's connection, with autocommit."""
        connection = psycopg2.connect(host=str(folder()), user="postgres", dbname=name or self.name,
                                      application_name="test")
        connection.autocommit = True
        return connection

    @contextlib.contextmanager
    def session(self, name=None):
        """A superuser's session: a function that runs a statement and returns its rows."""
        with contextlib.closing(self.connect(name)) as connection:
            def run(sql, *values):
                with connection.cursor() as cursor:
                    cursor.execute(sql, values or None)
                    return cursor.fetchall() if cursor.description else []
            yield run

    def run(self, sql, *values):
        with self.session() as run:
            return run(sql, *values)

    def initialize(self):
        """bullad init; returns the administrator's token."""
        done = bullad("init", "--database", self.conninfo())
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def add_token(self, name, *scopes, organization=None, expires=None):
        words = ["--database", self.conninfo(), *[word for scope in scopes for word in ("--scope", scope)]]
        words += ["--organization", organization] if organization else []
        words += ["--expires", expires] if expires else []
        done = bullad("token", "add", name, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def revoke_token(self, name):
        done = bullad("token", "revoke", name, "--database", self.conninfo())
        assert done.returncode == 0, done.stderr

    def tamper(self, event_id):
        """Alters an event as only a superuser can."""
        with self.session() as run:
            run("BEGIN")
            run("SET LOCAL bulla.restore = on")
            run("ALTER TABLE agentidp.audit_events DISABLE TRIGGER bulla_refuse_change")
            run("UPDATE agentidp.audit_events SET outcome = 'denied' WHERE event_id = %s", event_id)
            run("ALTER TABLE agentidp.audit_events ENABLE ALWAYS TRIGGER bulla_refuse_change")
            run("COMMIT")


class Client:
    """Requests of one bullad."""

    address = admin = None

    def request(self, method, target, token=None, body=None, fields=(), address=None):
        """One request on a connection of its own. A body that is not bytes is sent as JSON."""
        with Connection(address or self.address) as connection:
            connection.try_send(encode(method, target, token, body, fields))
            return connection.answer()

    def start(self, method, target, token=None, body=None):
        """Sends a request and returns the connection on which its answer will come."""
        connection = Connection(self.address)
        connection.send(encode(method, target, token, body))
        return connection

    def get(self, target, token=None, **arguments):
        return self.request("GET", target, token, **arguments)

    def post(self, token, body, **arguments):
        return self.request("POST", "/v1/audit", token, body, **arguments)

    def administration(self, target):
        return self.request("GET", target, address=self.admin)

    def metrics(self):
        """Each metric, as {'name{label="value"}': number}."""
        lines = self.administration("/metrics").body.decode("utf-8").splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def wait_ready(self):
        wait_until(lambda: self.administration("/health/ready").status == 200, "bullad is ready")


def encode(method, target, token=None, body=None, fields=()):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    if token is not None:
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


class Served(Client):
    """The bullad that tools/cluster serve started."""

    def __init__(self, address, admin, log_path, pid):
        self.address, self.admin, self.log_path, self.pid = address, admin, log_path, pid

    def stop(self):
        """Ends it where tools/cluster has not."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if str(folder()) in pathlib.Path(f"/proc/{self.pid}/cmdline").read_text(encoding="utf-8"):
                os.kill(self.pid, signal.SIGTERM)
        wait_until(lambda: ended(self.pid), "the bullad of tools/cluster ends")

    def log_text(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")


class Service(Program, Client):
    """A bullad with settings of its own: Service(database, {"database.queue": 1})."""

    def __init__(self, database, settings=None, conninfo=None, ready=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulla-rest-"))
        self.folder.chmod(0o755)
        settings = {"api.listen": ["127.0.0.1:0"], "admin.listen": ["127.0.0.1:0"],
                    "database.conninfo": conninfo or database.conninfo("bullad"),
                    # It would wait for the same locks as the calls of a test.
                    "audit.verify_every": "0"} | (settings or {})
        config = write_config(self.folder / "bullad.toml", settings)
        if AS_OWNER:
            shutil.chown(config, "postgres", "postgres")
        super().__init__([*AS_OWNER, run_directory() / "installation" / "bin" / "bullad", "serve",
                          "--config", config], ready=False)
        self.address = parse_address(self.wait_for_log("listening", listener="api")["addresses"][0])
        self.admin = parse_address(self.wait_for_log("listening", listener="admin")["addresses"][0])
        if ready:
            self.wait_ready()

    def log_text(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def wait_for_log(self, message, **fields):
        """Waits for a log line; returns it."""
        def find():
            if not self.running():
                raise AssertionError(f"bullad {self.state()}: {self.log_text()}")
            return next((line for line in log_lines(self.log_text()) if line["message"] == message
                         and fields.items() <= line.items()), None)
        return wait_until(find, f"bullad logs {message} {fields}")

    def wait(self, *arguments, **named):
        try:
            return super().wait(*arguments, **named)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def log_lines(text):
    """The lines of bullad's log, each of which has to be a JSON object."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def write_config(path, settings):
    """Writes {"section.key": value} as TOML, which JSON's texts, numbers and lists are."""
    sections = {}
    for key, value in settings.items():
        section, name = key.split(".")
        sections.setdefault(section, []).append(f"{name} = {json.dumps(value)}\n")
    path.write_text("".join(f"[{section}]\n{''.join(lines)}" for section, lines in sections.items()),
                    encoding="utf-8")
    path.chmod(0o640)
    return path


def digest(token):
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def event(**fields):
    return {"action": "test.done", "outcome": "success"} | fields


def query(**parameters):
    return "/v1/audit?" + urllib.parse.urlencode({name.rstrip("_"): value for name, value in
                                                  parameters.items()})


def moment(seconds):
    """A time in 2026, so many seconds after its beginning, as bullad writes it."""
    time = datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class ServiceTest(unittest.TestCase):
    """What answers have to be like."""

    def assert_problem(self, answer, status, detail=None, sqlstate=None):
        """A refusal with problem details; the detail has to match where an expression is given."""
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
        if detail is not None:
            self.assertRegex(problem["detail"], detail)
        if sqlstate is not None:
            self.assertEqual(problem["sqlstate"], sqlstate)
        if status == 401:
            self.assertRegex(answer.field("www-authenticate"), r"^Bearer\b")
        return problem

    def assert_ok(self, answer, status=200):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.field("content-type"), "application/json")
        self.assertTrue(re.fullmatch(r"[!-~]+", answer.field("x-request-id")))
        return answer.json()
