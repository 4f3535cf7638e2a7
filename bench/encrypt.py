"""Sealing and opening values: what a call costs, beside what pgcrypto offers."""
import re
import statistics

from measuring import Failed, progress, psql, say, seconds_of, shown, table, take_turns

ALGORITHMS = ("XAES-256-GCM", "AES-256-GCM", "AES-256-CBC-HMAC-SHA-512")
AES = "'\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', " \
      "'\\x0f0e0d0c0b0a09080706050403020100', 'aes-cbc'"
RAW, PGP = "encrypt_iv", "pgp_sym_encrypt"
MEANS = (*ALGORITHMS, RAW, PGP)
# Fewer calls of what takes longer: large values, and PGP, which derives a key from the passphrase each time.
SIZES = {16: 1, 64: 1, 1024: 4, 65536: 200}
PGP_IS_SLOWER = 200


def calls_of(options, size, mean):
    return max(options.calls // SIZES[size] // (PGP_IS_SLOWER if mean == PGP else 1), 50)


def key_of(mean):
    return f"bench {mean}"


# What seals and opens a value v, by mean and type; Bulla's is the same for both.
OTHERS = {
    (RAW, "bytea"): (f"encrypt_iv(v, {AES})", f"decrypt_iv(v, {AES})"),
    (RAW, "text"): (f"encode(encrypt_iv(convert_to(v, 'UTF8'), {AES}), 'base64')",
                    f"convert_from(decrypt_iv(decode(v, 'base64'), {AES}), 'UTF8')"),
    (PGP, "bytea"): ("pgp_sym_encrypt_bytea(v, 'a passphrase')", "pgp_sym_decrypt_bytea(v, 'a passphrase')"),
    (PGP, "text"): ("encode(pgp_sym_encrypt(v, 'a passphrase'), 'base64')",
                    "pgp_sym_decrypt(decode(v, 'base64'), 'a passphrase')"),
}


def calls(mean, kind):
    """The SQL that seals v, and what opens that."""
    return OTHERS.get((mean, kind)) or (
        f"bulla.encrypt(v, '{key_of(mean)}', 'payments.card')", "bulla.decrypt(v, 'payments.card')")


def prepare():
    psql("CREATE EXTENSION IF NOT EXISTS pgcrypto")
    for algorithm in ALGORITHMS:
        psql(f"SELECT bulla.create_key('{key_of(algorithm)}', algorithm => '{algorithm}')")
    psql("CREATE TABLE inputs (name text PRIMARY KEY, as_bytea bytea, as_text text)")


def make_input(kind, size, mean):
    """A value of this size, and what each seals it as; whoever opens that has to get the value back."""
    half = (size + 31) // 32
    clear = (f"SELECT substr(string_agg(sha256(int4send(n)), ''), 1, {size}) AS v "
             f"FROM generate_series(1, {half}) AS n") if kind == "bytea" else \
            (f"SELECT substr(string_agg(encode(sha256(int4send(n)), 'hex'), ''), 1, {size}) AS v "
             f"FROM generate_series(1, {half}) AS n")
    sealing, opening = calls(mean, kind)
    psql(f"""INSERT INTO inputs (name, as_{kind}) {clear.replace('SELECT', "SELECT 'clear',", 1)}
            ON CONFLICT (name) DO UPDATE SET as_{kind} = excluded.as_{kind};
        INSERT INTO inputs (name, as_{kind}) SELECT '{mean}', {sealing}
            FROM (SELECT as_{kind} AS v FROM inputs WHERE name = 'clear') AS c
            ON CONFLICT (name) DO UPDATE SET as_{kind} = excluded.as_{kind}""")
    same = psql(f"SELECT {opening} = (SELECT as_{kind} FROM inputs WHERE name = 'clear') "
                f"FROM (SELECT as_{kind} AS v FROM inputs WHERE name = '{mean}') AS s")
    if same != "t":
        raise Failed(f"{mean} does not give back what it sealed")


def microseconds(action, kind, size, mean, options):
    """One call's time beyond that of a call which does nothing with the same value. The value is read once
    a statement, so that neither reading nor decompressing it is measured."""
    name = "clear" if action == "seal" else mean
    call = calls(mean, kind)[0 if action == "seal" else 1]
    count = calls_of(options, size, mean)
    rows = (f"FROM (SELECT as_{kind} || '' AS v FROM inputs WHERE name = '{name}' OFFSET 0) AS input, "
            f"generate_series(1, {count})")
    bare = seconds_of(f"SELECT count(octet_length(v)) {rows}")
    return 1e6 * (seconds_of(f"SELECT count({call}) {rows}") - bare) / count


def measure_calls(options):
    rows = [["", *MEANS, "XAES / encrypt_iv"]]
    for kind, size in [("bytea", size) for size in SIZES] + [("text", 64)]:
        for mean in MEANS:
            make_input(kind, size, mean)
        for action in ("seal", "open"):
            what = f"{action} {kind}, {size:,} bytes"
            for mean in MEANS:
                microseconds(action, kind, size, mean, options)
            figures = take_turns(
                list(MEANS), options.rounds,
                lambda mean: microseconds(action, kind, size, mean, options), what)
            median = {mean: statistics.median(figures[mean]) for mean in MEANS}
            rows.append([what, *(shown(figures[mean], 2) for mean in MEANS),
                         f"{median[ALGORITHMS[0]] / median[RAW]:.2f}"])
    say("Encrypt: microseconds a call, net of octet_length(v) over the same value, "
        f"up to {options.calls:,} calls a statement")
    table(rows)


def measure_first_call(options):
    """A session's first call of a key unwraps it; the second finds it."""
    rows = [["milliseconds a statement, new sessions", "first call", "second call"]]
    for algorithm in ALGORITHMS:
        first, second = [], []
        call = f"SELECT bulla.encrypt('x', '{key_of(algorithm)}') \\g /dev/null"
        for _ in range(max(10, 4 * options.rounds)):
            output = psql(f"SELECT 1 \\g /dev/null\n\\timing on\n{call}\n{call}")
            times = re.findall(r"Time: ([\d.]+) ms", output)
            first.append(float(times[0]))
            second.append(float(times[1]))
        rows.append([algorithm, shown(first, 2), shown(second, 2)])
    table(rows)


def measure_encryption(options):
    progress("encrypt: making keys and values")
    prepare()
    measure_calls(options)
    measure_first_call(options)
