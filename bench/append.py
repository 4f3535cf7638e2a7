"""Appending: what a client can do a second, beside the tables and chains one would have without Bulla."""
import os
import statistics
import tempfile

from measuring import (CLUSTER, Failed, connect, first_match, fsync_rate, progress, psql,
                       run, say, shown, slow_disk, table, take_turns)

COLUMNS = "event_id, occurred_at, action, outcome, agent_id, organization_id, details"
EVENT = """
    gen_random_uuid(), clock_timestamp(), 'token.issued', 'success', 'agent-' || {number},
    'organization-42', '{{"scope": "payments.read", "ttl": 3600, "ip": "192.0.2.17"}}'"""
EVENT_OBJECT = """jsonb_build_object('event_id', gen_random_uuid(), 'occurred_at', clock_timestamp(),
    'action', 'token.issued', 'outcome', 'success', 'agent_id', 'agent-' || :agent,
    'organization_id', 'organization-42',
    'details', '{"scope": "payments.read", "ttl": 3600, "ip": "192.0.2.17"}')"""
MANY = 1000  # rows of the workloads with many

# How each variant is called, and the table it appends to.
PLAIN, CHAIN, DEFERRED, LEDGER = "plain table", "PL/pgSQL chain", "deferred chain", "Bulla ledger"
APPEND = "bulla.append"
TABLES = {PLAIN: "audit_plain", CHAIN: "audit_plpgsql", DEFERRED: "audit_deferred",
          LEDGER: "audit_ledger", APPEND: "audit_ledger"}


def one_row(variant):
    if variant == APPEND:
        return f"SELECT bulla.append('audit_ledger', {EVENT_OBJECT});"
    return f"INSERT INTO {TABLES[variant]} ({COLUMNS}) VALUES ({EVENT.format(number=':agent')});"


def many_rows(variant):
    return (f"INSERT INTO {TABLES[variant]} ({COLUMNS}) SELECT {EVENT.format(number='n')} "
            f"FROM generate_series(1, {MANY}) AS n;")


def copied(variant):
    return f"COPY {TABLES[variant]} ({COLUMNS}) FROM '{{file}}';"


def four_statements(variant):
    return f"""\\set account random(1, 100000)
BEGIN;
UPDATE accounts SET balance = balance + 1 WHERE id = :account;
{one_row(variant)}
SELECT balance FROM accounts WHERE id = :account;
{one_row(variant)}
COMMIT;"""


# What a transaction does, how the variants do it, which of them there are, and how many rows it appends.
WORKLOADS = {
    "one INSERT": (one_row, (PLAIN, CHAIN, DEFERRED, LEDGER), 1),
    "four statements, two events": (four_statements, (PLAIN, CHAIN, DEFERRED, LEDGER, APPEND), 2),
    f"INSERT of {MANY} rows": (many_rows, (PLAIN, CHAIN, LEDGER), MANY),
    f"COPY of {MANY} rows": (copied, (PLAIN, CHAIN, LEDGER), MANY),
}


def make_copy_file():
    """Where the server can read it: it is the server that copies."""
    path = f"{run([CLUSTER, 'path']).strip()}/bench-copy"
    psql(f"CREATE TEMP TABLE copied (LIKE audit_template); INSERT INTO copied ({COLUMNS}) "
         f"SELECT {EVENT.format(number='n')} FROM generate_series(1, {MANY}) AS n;\n"
         f"COPY copied ({COLUMNS}) TO STDOUT \\g {path}")
    os.chmod(path, 0o644)
    return path


def transactions_a_second(script, clients, seconds, settings):
    """One run of pgbench."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write(f"\\set agent random(1, 1000)\n{script}\n")
        file.flush()
        output = run(["pgbench", "-n", "-M", "prepared", "-c", clients,
                      "-j", min(clients, os.cpu_count()), "-T", seconds, "-f", file.name],
                     env={"PGOPTIONS": settings})
    failed = first_match(r"number of failed transactions: (\d+)", output, "0")
    if failed != "0":
        raise Failed(f"{failed} transactions failed")
    return float(first_match(r"^tps = ([\d.]+)", output))


def start_over():
    """Every figure begins with tables of the same size: empty ones."""
    psql("""TRUNCATE audit_plain, audit_plpgsql, audit_deferred;
        SET bulla.restore = on;
        DROP TABLE audit_ledger;
        RESET bulla.restore;
        CREATE TABLE audit_ledger (LIKE audit_template);
        SELECT bulla.create_ledger('audit_ledger');
        CHECKPOINT""")


def measure_workload(name, settings, options, file):
    script, variants, rows = WORKLOADS[name]
    scripts = {variant: script(variant).replace("{file}", file) for variant in variants}
    ours = APPEND if APPEND in variants else LEDGER
    result = [["clients", *variants, f"{ours}/plain", f"{ours}/chain"]]
    for clients in options.clients:
        start_over()
        for variant in variants:
            transactions_a_second(scripts[variant], clients, 1, settings)
        figures = take_turns(
            list(variants), options.rounds,
            lambda variant: transactions_a_second(scripts[variant], clients, options.seconds,
                                                  settings),
            f"{name}, {clients} clients")
        median = {variant: statistics.median(figures[variant]) for variant in variants}
        result.append([str(clients), *(shown(figures[variant]) for variant in variants),
                       f"{median[ours] / median[PLAIN]:.2f}",
                       f"{median[ours] / median[CHAIN]:.1f}"])
        findings = psql("SELECT count(*) FROM bulla.verify('audit_ledger')")
        if findings != "0":
            raise Failed(f"the ledger does not verify after the run: {findings} findings")
    many = "" if rows == 1 else f" ({rows} rows each)"
    say(f"  {name}, transactions a second{many}")
    table(result)


def start_with_slow_disk(milliseconds, start):
    run([CLUSTER, "stop", "bench"])
    environment = slow_disk(milliseconds)
    run([CLUSTER, "start", "bench", *start], env=environment)
    connect()
    return environment


def measure_append(options, start):
    """On the disk as it is, with and without waiting for it, and on one whose flushes take longer."""
    say(f"Append: rounds of {options.seconds} s, {options.rounds} per figure; every ledger verifies "
        "afterwards")
    file = make_copy_file()
    psql("""CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
        INSERT INTO accounts SELECT n, 0 FROM generate_series(1, 100000) AS n""")
    scenarios = {"on": ("synchronous_commit = on", ""),
                 "off": ("synchronous_commit = off", "-c synchronous_commit=off"),
                 "late": ("bulla.early_lock_release = off", "-c bulla.early_lock_release=off"),
                 "slow": (f"a disk that is {options.slow_disk} ms slower", "")}
    for name in options.commits:
        what, settings = scenarios[name]
        environment = None
        if name == "slow":
            environment = start_with_slow_disk(options.slow_disk, start)
        say(f" With {what} ({fsync_rate(environment)} fdatasync a second)")
        for workload in WORKLOADS:
            if options.workload in workload:
                progress(f"{what}: {workload}")
                measure_workload(workload, settings, options, file)
    if "slow" in options.commits:
        run([CLUSTER, "stop", "bench"])
        run([CLUSTER, "start", "bench", *start])
        connect()
    os.unlink(file)
