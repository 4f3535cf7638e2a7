"""Sealing a ledger: catching up over many rows, one row more, and proofs out of the tree that this makes."""
import re

from append import COLUMNS, EVENT
from measuring import Failed, progress, psql, say, seconds_of, shown, table

CALLS = 1000


def prepare(rows):
    progress(f"seal: loading {rows:,} rows")
    psql("""SELECT bulla.set_log_name('bench.example.com/bulla');
            CREATE TABLE audit_sealed (LIKE audit_template);
            SELECT bulla.create_ledger('audit_sealed');
            -- Makes what comes with the first seal.
            CREATE TABLE first_sealed (n int);
            SELECT bulla.create_ledger('first_sealed');
            INSERT INTO first_sealed VALUES (1);
            SELECT bulla.seal('first_sealed')""")
    psql(f"INSERT INTO audit_sealed ({COLUMNS}) SELECT {EVENT.format(number='n')} "
         f"FROM generate_series(1, {rows}) AS n")
    psql("VACUUM ANALYZE audit_sealed")


def catch_up(rows):
    """Rows a second of one seal, its commit included, of a ledger that has no tree."""
    psql("DELETE FROM bulla.tiles; DELETE FROM bulla.trees")
    psql("VACUUM bulla.tiles, bulla.trees; CHECKPOINT")
    rate = rows / seconds_of("SELECT bulla.seal('audit_sealed')")
    sealed = psql("SELECT split_part(bulla.checkpoint('audit_sealed'), E'\\n', 2)")
    if sealed != str(rows):
        raise Failed(f"of {rows} rows {sealed} are sealed")
    return rate


def milliseconds_of(statements):
    """Each statement's time, of many in one session, but for the first: that fills caches."""
    output = psql("\\o /dev/null\n\\timing on\n" + "\n".join(statements))
    return [float(time) for time in re.findall(r"Time: ([\d.]+) ms", output)][1:]


def seal_one_by_one():
    """The time of each seal of one new row."""
    insert = f"INSERT INTO audit_sealed ({COLUMNS}) SELECT {EVENT.format(number='1')};"
    return milliseconds_of([f"\\timing off\n{insert}\n\\timing on\nSELECT bulla.seal('audit_sealed');"] * 100)


def measure_sealing(options):
    rows = options.rows
    prepare(rows)
    reading = "SELECT count(hash) FROM (SELECT hash FROM audit_sealed ORDER BY seq) AS ordered"
    figures = {"seal": [], "read": []}
    for number in range(options.rounds):
        progress(f"seal: round {number + 1} of {options.rounds}")
        figures["read"].append(rows / seconds_of(reading))
        figures["seal"].append(catch_up(rows))
    seqs = [number * rows // CALLS for number in range(CALLS)]
    calls = {
        "bulla.seal of one new row": seal_one_by_one(),
        "bulla.inclusion_proof": milliseconds_of(
            f"SELECT bulla.inclusion_proof('audit_sealed', '', {seq}, {rows});" for seq in seqs),
        "bulla.consistency_proof": milliseconds_of(
            f"SELECT bulla.consistency_proof('audit_sealed', '', {seq + 1}, {rows});" for seq in seqs),
        "bulla.checkpoint": milliseconds_of(["SELECT bulla.checkpoint('audit_sealed');"] * CALLS),
    }
    say(f"Seal: {rows:,} rows of a ledger, one core")
    lines = [["", "rows a second"]]
    lines.append(["bulla.seal of all of them, with its commit", shown(figures["seal"])])
    lines.append(["reading their hashes in order of seq, alone", shown(figures["read"])])
    table(lines)
    lines = [["milliseconds a statement, in one session", "median", "99 of 100 within"]]
    for name, times in calls.items():
        times.sort()
        lines.append([name, f"{times[len(times) // 2]:.2f}", f"{times[len(times) * 99 // 100]:.2f}"])
    table(lines)
