"""bench/run's part about bullad: HTTP beside the same SQL calls made by pgbench."""
import hashlib
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from measuring import (CLUSTER, ENVIRONMENT, HERE, Failed, first_match, progress, psql, run, say, shown,
                       table, take_turns)

sys.path.insert(0, str(HERE.parent / "test" / "frontend"))
from certificates import Authority

CONNECTIONS = (8, 32, 128)
DATABASE_CONNECTIONS = 4
EVENT_ID = "7d0c1a52-58f5-4b7b-9c4e-6d1f0b2c3a4d"
EVENT = {"action": "token.issued", "outcome": "success",
         "agentId": "0b8f3c8e-2f43-4f0e-8b52-0f8f6d0d1c01", "clientIp": "192.0.2.17",
         "metadata": {"scope": "payments.read", "ttl": 3600}}
RECONNECTS = 200_000


class Service:
    """bullad, twice in front of the cluster: over plain HTTP, and over TLS."""

    def __init__(self, folder):
        run(["createdb", "rest"])
        certificate, key = Authority(folder).issue("localhost", "server")
        settings = [f"database.connections={DATABASE_CONNECTIONS}", "limits.connections_per_address=1000"]
        plain = dict(re.findall(r"^(\w+)=(.*)$", run([CLUSTER, "serve", "bench", "rest", *settings]),
                                re.MULTILINE))
        self.token, self.urls = plain["token"], {"HTTP": plain["api"]}
        cluster = pathlib.Path(ENVIRONMENT["PGHOST"])
        self.pid = int((cluster / "bullad.pid").read_text())
        configuration = (cluster / "bullad.toml").read_text().replace(
            "[api]\n", f'[api]\ntls_certificate = "{certificate}"\ntls_key = "{key}"\n')
        (folder / "tls.toml").write_text(configuration, encoding="utf-8")
        self.log = open(folder / "tls.log", "wb+")
        self.tls = subprocess.Popen(["bullad", "serve", "--config", folder / "tls.toml"],
                                    stderr=self.log, env=ENVIRONMENT)
        self.urls["HTTPS"] = self.wait_for_tls()
        self.call("POST", "/v1/audit", EVENT | {"eventId": EVENT_ID})
        self.log_path = self.make_log()

    def make_log(self):
        """A log with three full tiles and a partial one; returns its path."""
        psql("\\c rest\nSELECT bulla.set_log_name('ledger.example.com/bulla')")
        self.call("POST", "/v1/audit", [EVENT] * 1000)
        psql("\\c rest\nCALL bulla.seal_all()")
        return psql("\\c rest\nSELECT substr(origin, strpos(origin, '/')) FROM bulla.trees"
                    " ORDER BY size DESC LIMIT 1")

    def wait_for_tls(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.tls.poll() is None:
            self.log.seek(0)
            found = re.search(rb'"listener":"api","addresses":\["(127\.0\.0\.1:\d+)"', self.log.read())
            if found:
                return f"https://{found[1].decode()}"
            time.sleep(0.05)
        raise Failed("bullad did not start with TLS")

    def call(self, method, path, body):
        request = urllib.request.Request(
            self.urls["HTTP"] + path, json.dumps(body).encode(), method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        urllib.request.urlopen(request).close()

    def resident_kilobytes(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1])

    def stop(self):
        self.tls.terminate()
        self.tls.wait()


def in_milliseconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def over_http(service, scheme, operation, connections, seconds, folder, fields=""):
    """Requests a second, p50 and p99 in milliseconds."""
    path, body = {"health": ("/health", None), "read": (f"/v1/audit/{EVENT_ID}", None),
                  "tile": (service.log_path + "/tile/0/001", None),
                  "proof": (f"/v1/audit/{EVENT_ID}/proof", None),
                  "write": ("/v1/audit", json.dumps(EVENT))}[operation]
    script = folder / "wrk.lua"
    script.write_text(f'wrk.headers["Authorization"] = "Bearer {service.token}"\n{fields}\n' +
                      (f"wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n"
                       f"wrk.body = '{body}'\n" if body else ""), encoding="utf-8")
    output = run(["wrk", "--threads", 1, "--connections", connections, "--duration", f"{seconds}s",
                  "--latency", "--script", script, service.urls[scheme] + path])
    if problem := re.search(r"(Non-2xx.*|Socket errors.*)", output):
        raise Failed(f"{scheme} {operation}, {connections} connections: {problem[1]}")
    return (float(first_match(r"Requests/sec:\s+([\d.]+)", output)),
            in_milliseconds(first_match(r"50%\s+(\S+)", output)),
            in_milliseconds(first_match(r"99%\s+(\S+)", output)))


def over_pgbench(service, operation, connections, seconds, folder):
    """The same, for the SQL call that bullad makes."""
    digest = hashlib.sha256(service.token.encode()).hexdigest()
    function, parameters, body = {
        "read": ("get_audit_event", json.dumps({"eventId": EVENT_ID}), None),
        "tile": ("log_tile", json.dumps({"log": service.log_path, "level": "0", "index": "1",
                                         "width": "256"}), None),
        "proof": ("get_audit_event_proof", json.dumps({"eventId": EVENT_ID}), None),
        "write": ("append_audit_events", "{}", json.dumps(EVENT))}[operation]
    body = "NULL" if body is None else f"'{body}'"
    script = folder / "call.sql"
    script.write_text(f"SELECT status, answer FROM agentidp_api.{function}('bench'::text, "
                      f"'\\x{digest}'::bytea, '127.0.0.1'::inet, '{parameters}'::jsonb, {body}::jsonb);\n",
                      encoding="utf-8")
    for old in folder.glob("times.*"):
        old.unlink()
    output = run(["pgbench", "-n", "-M", "prepared", "-U", "bullad", "-c", connections, "-j", 1,
                  "-T", seconds, "-l", "--log-prefix", folder / "times", "-f", script, "rest"])
    times = sorted(int(line.split()[2]) for path in folder.glob("times.*")
                   for line in path.read_text().splitlines())
    return (float(first_match(r"^tps = ([\d.]+)", output)),
            times[len(times) // 2] / 1000, times[len(times) * 99 // 100] / 1000)


def measure_calls(service, operation, options, folder):
    def measure(variant):
        way, connections = variant
        if way == "pgbench":
            return over_pgbench(service, operation, connections, options.seconds, folder)
        return over_http(service, way, operation, connections, options.seconds, folder)

    rows = [[f"{operation}", "connections", "calls a second", "p50 ms", "p99 ms", "pgbench/this"]]
    for connections in CONNECTIONS:
        variants = [("pgbench", connections), ("HTTP", connections), ("HTTPS", connections)]
        if connections == CONNECTIONS[0]:
            variants.insert(0, ("pgbench", DATABASE_CONNECTIONS))
        figures = take_turns(variants, options.rounds, measure, f"{operation}, {connections} connections")
        base = statistics.median(figure[0] for figure in figures["pgbench", connections])
        for (way, count), found in figures.items():
            columns = list(zip(*found))
            rows.append([way, str(count), shown(columns[0]), shown(columns[1], 2), shown(columns[2], 2),
                         "" if way == "pgbench" else f"{base / statistics.median(columns[0]):.2f}"])
    say(f"REST, {operation}: bullad over {DATABASE_CONNECTIONS} database connections beside pgbench "
        f"making the same SQL call; rounds of {options.seconds} s, {options.rounds} per figure")
    table(rows)


def measure_small_requests(service, options, folder):
    rows = [["GET /health", "connections", "requests a second", "p50 ms", "p99 ms"]]
    variants = [(way, connections) for way in service.urls for connections in (8, 128)]
    figures = take_turns(variants, options.rounds, lambda variant: over_http(
        service, variant[0], "health", variant[1], options.seconds, folder), "small requests")
    for (way, count), found in figures.items():
        columns = list(zip(*found))
        rows.append([way, str(count), shown(columns[0]), shown(columns[1], 2), shown(columns[2], 2)])
    say("REST, small requests: answered without the database")
    table(rows)


def measure_memory(service, options, folder):
    """Resident memory while clients come, ask once and go."""
    wanted = RECONNECTS // 20 if options.quick else RECONNECTS
    rows = [["requests, each over a new connection", "resident MB"]]
    done = 0
    for quarter in range(5):  # the first row: before any
        while done < wanted * quarter // 4:
            progress(f"memory: {done:,} of {wanted:,} requests")
            rate, _, _ = over_http(service, "HTTP", "read", 32, 1, folder,
                                   'wrk.headers["Connection"] = "close"')
            done += int(rate)
        rows.append([f"{done:,}", f"{service.resident_kilobytes() / 1024:.1f}"])
    say("REST, memory of bullad")
    table(rows)


def measure_rest(options):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        service = Service(folder)
        try:
            for operation in ("read", "tile", "proof", "write"):
                psql("CHECKPOINT")
                measure_calls(service, operation, options, folder)
            measure_small_requests(service, options, folder)
            measure_memory(service, options, folder)
        finally:
            service.stop()
