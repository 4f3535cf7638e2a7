"""A ledger as an auditor has it: exported, and verified by bulla-verify, which knows no PostgreSQL."""
import pathlib
import tempfile
import time

from append import COLUMNS, EVENT
from measuring import HERE, Failed, progress, psql, run, say, shown, table, take_turns


def program():
    progress("export: building")
    root = HERE.parent
    run(["cmake", "-S", root, "-B", root / "build" / "default"])
    run(["cmake", "--build", root / "build" / "default", "--target", "bulla-verify"])
    return root / "build" / "default" / "bulla-verify"


def prepare(rows):
    progress(f"export: loading {rows:,} rows")
    if psql("SELECT count(*) FROM bulla.log") == "0":
        psql("SELECT bulla.set_log_name('bench.example.com/bulla')")
    psql("CREATE TABLE audit_exported (LIKE audit_template); SELECT bulla.create_ledger('audit_exported')")
    psql(f"INSERT INTO audit_exported ({COLUMNS}) SELECT {EVENT.format(number='n')} "
         f"FROM generate_series(1, {rows}) AS n")
    psql("VACUUM ANALYZE audit_exported; SELECT bulla.seal('audit_exported')")


def measure_export(options):
    verifier, rows = program(), options.rows
    prepare(rows)
    with tempfile.TemporaryDirectory() as folder:
        file, note = pathlib.Path(folder, "audit.jsonl"), pathlib.Path(folder, "checkpoint")
        copying = ["psql", "-XAtq", "-v", "FETCH_COUNT=1000", "-o", file, "-c", "SELECT bulla.export('audit_exported')"]
        note.write_text(psql("SELECT bulla.checkpoint('audit_exported')") + "\n", encoding="utf-8")
        key = psql("SELECT bulla.verifier_key('audit_exported')")
        verify = [verifier, "export", file, "--checkpoint", note, "--vkey", key, "--no-witness"]

        def rate(what):
            started = time.monotonic()
            run({"export": copying, "verify": verify, "hash": ["sha256sum", file]}[what])
            return rows / (time.monotonic() - started)

        rate("export")
        proven = run(verify)
        if f"proven: {rows} rows" not in proven:
            raise Failed(f"bulla-verify says {proven}")
        figures = take_turns(["export", "verify", "hash"], options.rounds, rate, "export")
        size = file.stat().st_size / rows
    say(f"Export: {rows:,} rows of {size:.0f} bytes a line, one core each")
    lines = [["", "rows a second"]]
    lines.append(["bulla.export into a file", shown(figures["export"])])
    lines.append(["bulla-verify export, against a checkpoint", shown(figures["verify"])])
    lines.append(["sha256sum of the file", shown(figures["hash"])])
    table(lines)
