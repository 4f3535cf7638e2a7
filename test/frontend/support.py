"""What the tests of the front share: programs to start and stop, a raw HTTP client, waiting.

BULLA_BUILD names the build folder whose programs are tested, build/default where it is not set.
"""
import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import resource
import select
import signal
import socket
import ssl
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("BULLA_BUILD", ROOT / "build" / "default"))
PROGRAMS = BUILD / "test" / "frontend"
LOGS = ROOT / "build" / "check" / "front" / BUILD.name
SANITIZED = "sanitize" in BUILD.name
# The clients need not be slowed down by a sanitizer.
RACE = ROOT / "build" / "default" / "test" / "frontend" / "race"
# What a sanitizer writes when it finds something.
REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer",
           "runtime error:", "ERROR: UndefinedBehaviorSanitizer")
SUPPRESSIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"second_deadlock_stack=1:suppressions={HERE}/tsan.supp",
}
# Nothing here takes as long: where this passes, something hangs.
PATIENCE = 60
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def wait_until(condition, what, seconds=PATIENCE):
    """Waits for a condition to give something true, and returns that."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} seconds: {what}")
        time.sleep(0.01)


def end_with_parent():
    """For a child: its end is sure even where the tests are killed."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


class Program:
    """A program that runs until it is stopped; its output is kept."""

    count = 0

    def __init__(self, command, env=None, cwd=None, ready=True):
        Program.count += 1
        LOGS.mkdir(parents=True, exist_ok=True)
        self.command = [str(word) for word in command]
        name = f"{os.getpid()}-{Program.count}-{pathlib.Path(self.command[0]).name}"
        self.log_path = LOGS / f"{name}.log"
        with open(self.log_path, "wb") as log:
            # pylint: disable-next=subprocess-popen-preexec-fn
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, cwd=cwd,
                                            stdout=subprocess.PIPE, stderr=log,
                                            env=os.environ | SUPPRESSIONS | (env or {}),
                                            preexec_fn=end_with_parent)
        self.pid = self.process.pid
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if ready:
            self.first_line = self.wait_for_line(lambda line: True)

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self.changed.notify_all()
        self.process.stdout.close()

    def wait_for_line(self, matches, after=0, seconds=PATIENCE):
        """Returns the first line of output, of those behind a number, that a function takes."""
        until = time.monotonic() + seconds
        with self.changed:
            while True:
                for line in self.lines[after:]:
                    if matches(line):
                        return line
                    after += 1
                left = until - time.monotonic()
                if left <= 0 or (not self.reader.is_alive() and after == len(self.lines)):
                    raise AssertionError(f"{self.command[0]} did not print what was waited for"
                                         f" ({self.state()}):\n{self.log()}")
                self.changed.wait(min(left, 0.5))

    def state(self):
        code = self.process.poll()
        return "running" if code is None else f"ended with {code}"

    def log(self):
        text = self.log_path.read_text(encoding="utf-8", errors="replace")
        return "\n".join([*self.lines[-20:], *text.splitlines()[-60:]])

    def running(self):
        return self.process.poll() is None

    def send_signal(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=PATIENCE):
        """Ends the program by a signal; returns its exit code."""
        if self.running():
            self.send_signal(number)
        return self.wait(seconds)

    def wait(self, seconds=PATIENCE):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.command[0]} did not end within {seconds} seconds:\n"
                                 f"{self.log()}") from None
        self.reader.join(PATIENCE)
        self.check_reports()
        return code

    def kill(self):
        if self.running():
            self.process.kill()
        self.process.wait()
        self.reader.join(PATIENCE)
        self.check_reports()

    def check_reports(self):
        text = self.log_path.read_text(encoding="utf-8", errors="replace")
        if any(report in text for report in REPORTS):
            raise AssertionError(f"a sanitizer reports, see {self.log_path}:\n{text[:6000]}")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        user, system = fields.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / CLOCK_TICKS

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text("ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def limit_descriptors(self, number):
        """Lets the program open none with this number or above; None: as many as it may have."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (number or hard, hard))


class Server(Program):
    """core_server or stock_server: takes a free port and prints it."""

    def __init__(self, name, env=None, **options):
        words = []
        for option, value in options.items():
            for one in value if isinstance(value, list) else [value]:
                words += ["--" + option.replace("_", "-")] + ([] if one is True else [str(one)])
        super().__init__([PROGRAMS / name, *words], env)
        self.addresses = self.first_line.split(" ")
        self.address = parse_address(self.addresses[0])

    def counts(self):
        """What core_server counts, asked for by a signal."""
        after = len(self.lines)
        self.send_signal(signal.SIGUSR1)
        line = self.wait_for_line(lambda line: line.startswith("counts "), after)
        return json.loads(line.removeprefix("counts "))

    def connect(self, **arguments):
        return Connection(self.address, **arguments)

    def get(self, target, **arguments):
        with self.connect(**arguments) as connection:
            return connection.request("GET", target)


def parse_address(text):
    """("127.0.0.1", 8080), ("::1", 8080) or the path of a unix socket."""
    if text.startswith("unix:"):
        return text.removeprefix("unix:")
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


@dataclasses.dataclass
class Answer:
    """One HTTP answer as it came; field names in lower case."""
    status: int
    reason: str
    fields: list
    body: bytes

    def field(self, name):
        """The one value of a field; None where it is absent."""
        values = [value for key, value in self.fields if key == name]
        if len(values) > 1:
            raise AssertionError(f"the answer has {name} {len(values)} times")
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    @property
    def closes(self):
        return (self.field("connection") or "").lower() == "close"


class Closed(Exception):
    """The connection ended where an answer was to begin."""


class Connection:
    """A client that sends exactly the bytes it is told to, and reads answers strictly."""

    def __init__(self, address, tls=None, timeout=PATIENCE, receive_buffer=None, source=None):
        unix = isinstance(address, str)
        family = socket.AF_UNIX if unix else socket.AF_INET6 if ":" in address[
            0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.buffer = b""
        self.ended = False
        try:
            self.socket.settimeout(timeout)
            if receive_buffer:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if source:
                self.socket.bind((source, 0))
            self.socket.connect(address)
            if not unix:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Leaves without a farewell, as a client that is killed with data unread does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def try_send(self, data):
        """Sends to a server that may have closed already."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def request(self, method, target, fields=(), body=None):
        """Sends one request as it should be, and returns its answer."""
        self.send(make_request(method, target, fields, body))
        return self.answer(head=method == "HEAD")

    def receive(self, size=65536):
        """Reads once; empty at the end, which a reset is too."""
        if not self.ended:
            try:
                data = self.socket.recv(size)
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError) as error:
                if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                    raise
                data = b""
            self.ended = not data
            self.buffer += data
            return data
        return b""

    def _fill(self, enough, what):
        while not enough():
            if not self.receive():
                if not self.buffer:
                    raise Closed()
                raise AssertionError(f"the connection ended within {what}: {self.buffer[-500:]!r}")

    def answer(self, head=False):
        """Reads one answer, strictly: what RFC 9112 forbids a server to send is an error."""
        self._fill(lambda: b"\r\n\r\n" in self.buffer, "the head of an answer")
        raw_head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = raw_head.decode("ascii").split("\r\n")
        version, status, reason = lines[0].split(" ", 2)
        if version != "HTTP/1.1" or len(status) != 3 or any("\n" in line for line in lines):
            raise AssertionError(f"not the head of an answer: {raw_head!r}")
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise AssertionError(f"not a field: {line!r} in {raw_head!r}")
            fields.append((name.lower(), value.strip()))
        answer = Answer(int(status), reason, fields, b"")
        if answer.field("transfer-encoding") is not None:
            raise AssertionError(f"an answer in chunks: {raw_head!r}")
        length = answer.field("content-length")
        if answer.status < 200 or answer.status in (204, 304):
            if length is not None:
                raise AssertionError(f"Content-Length in an answer without body: {raw_head!r}")
        elif length is None:
            raise AssertionError(f"no Content-Length: {raw_head!r}")
        elif not head:
            size = int(length)
            self._fill(lambda: len(self.buffer) >= size, "the body of an answer")
            answer.body, self.buffer = self.buffer[:size], self.buffer[size:]
        return answer

    def answers(self):
        """All answers until the connection ends."""
        found = []
        while True:
            try:
                found.append(self.answer())
            except Closed:
                return found

    def silent(self, seconds):
        """Whether nothing comes, neither bytes nor the end, for so long."""
        if self.buffer or self.ended:
            return False
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            return False
        return not select.select([self.socket], [], [], seconds)[0]

    def wait_closed(self, seconds=PATIENCE):
        """Waits for the end of a connection on which nothing more may come."""
        self.socket.settimeout(seconds)
        try:
            data = self.receive()
        except TimeoutError:
            raise AssertionError(f"the connection is open after {seconds} seconds") from None
        if data:
            raise AssertionError(f"more came where the end was expected: {data[:500]!r}")


def make_request(method, target, fields=(), body=None):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + (body or b"")


def run_race(address, *words, tls=False, seconds=600):
    """Runs the racing clients; returns their counts and what they complained of."""
    command = [RACE, str(address[1]), "--address", address[0], *words]
    if tls:
        command.append("--tls")
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds,
                          text=True, preexec_fn=end_with_parent)
    if done.returncode not in (0, 1):
        raise AssertionError(f"race ended with {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout), done.stderr
