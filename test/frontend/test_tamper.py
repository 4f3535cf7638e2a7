"""What a superuser does to sealed audit events, triggers out of the way, and what GET /v1/audit/verify says of it."""
import unittest

from service import BulladTest, new_id

EVENTS = "agentidp.audit_events"
ACME, OTHER = new_id(), new_id()
ROWS = 1500
# What verification goes by besides the events.
KEPT = (EVENTS, "bulla.tiles", "bulla.trees")
RECHAIN = f"""
CREATE FUNCTION rechain(chain uuid, from_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one bigint;
    before bytea;
BEGIN
    SELECT hash INTO before FROM {EVENTS} WHERE organization_id = chain AND seq = from_seq - 1;
    FOR one IN SELECT seq FROM {EVENTS} WHERE organization_id = chain AND seq >= from_seq ORDER BY seq LOOP
        UPDATE {EVENTS} SET prev_hash = coalesce(before, decode(repeat('00', 32), 'hex'))
        WHERE organization_id = chain AND seq = one;
        UPDATE {EVENTS} SET hash = sha256('\\x00' || bulla.row_record('{EVENTS}', chain::text, one))
        WHERE organization_id = chain AND seq = one
        RETURNING hash INTO before;
    END LOOP;
END $$"""


class TamperTest(BulladTest):
    """Each deed on its own, committed, and taken back."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run_there = cls.database.run
        run_there("SELECT bulla.set_log_name('ledger.example.com/bulla')")
        # For each test its own, for verifications are limited for each. Adding one is an event of its organization.
        tests = [name for name in dir(cls) if name.startswith("test_")]
        cls.tokens = {(chain, test): cls.database.add_token(f"{test} {chain}", "audit:read", organization=chain)
                      for chain in (ACME, OTHER) for test in tests}
        for chain in (ACME, OTHER):
            run_there(f"INSERT INTO {EVENTS} (event_id, occurred_at, action, outcome, organization_id)"
                      " SELECT gen_random_uuid(), now(), 'test.happened', 'success', %s"
                      " FROM generate_series(%s, %s)", chain, len(tests) + 1, ROWS)
        run_there("CALL bulla.seal_all()")
        run_there(RECHAIN)
        for table in KEPT:
            run_there(f"CREATE TABLE sound_{table.split('.')[1]} AS TABLE {table}")
        cls.index = {(chain, seq): event_id for chain, seq, event_id in run_there(
            f"SELECT organization_id, seq, event_id::text FROM {EVENTS}")}

    def verdict(self, chain):
        answer = self.assert_ok(self.call("GET", "/v1/audit/verify", token=self.tokens[chain, self._testMethodName]))
        return tuple(answer[name] for name in ("verified", "verdict", "brokenChain", "brokenAtSeq",
                                               "brokenAtEventId"))

    def restore(self):
        with self.database.session() as run_there:
            run_there("BEGIN")
            run_there("SET LOCAL bulla.restore = on")
            run_there(f"ALTER TABLE {EVENTS} DISABLE TRIGGER bulla_refuse_change")
            run_there(f"ALTER TABLE {EVENTS} DISABLE TRIGGER zzz_bulla_chain_row")
            run_there(f"ALTER TABLE {EVENTS} DISABLE TRIGGER bulla_confirm_row")
            for table in KEPT:
                run_there(f"DELETE FROM {table}")
                run_there(f"INSERT INTO {table} TABLE sound_{table.split('.')[1]}")
            for trigger in ("bulla_refuse_change", "zzz_bulla_chain_row", "bulla_confirm_row"):
                run_there(f"ALTER TABLE {EVENTS} ENABLE ALWAYS TRIGGER {trigger}")
            run_there("COMMIT")

    def tamper(self, verdict, seq, deed):
        """`deed` names the chain as {chain} and the table as {events}; `seq` is where it is found."""
        with self.subTest(deed):
            self.database.behind_its_back(deed.format(events=EVENTS, chain=f"'{ACME}'::uuid"))
            there = {at for at, in self.database.run(
                f"SELECT seq FROM {EVENTS} WHERE organization_id = %s", ACME)}
            found = self.verdict(ACME)
            event_id = found[4]
            self.assertEqual(found[:4], (False, verdict, ACME, seq))
            self.assertEqual(event_id is not None, seq in there)
            self.assertEqual(self.verdict(OTHER), (True, None, None, None, None))
            everything = self.assert_ok(self.call("GET", "/v1/audit/verify"))
            # A chain whose tree is gone is known by its digest alone.
            self.assertFalse(everything["verified"])
            self.assertIn(everything["brokenChain"], (ACME, None))
        self.restore()
        self.assertEqual(self.verdict(ACME), (True, None, None, None, None))

    def test_rows(self):
        of_row = "WHERE organization_id = {chain} AND seq"
        update = "UPDATE {events} SET "
        rehash = ("; UPDATE {events} SET hash = sha256('\\x00' || bulla.row_record('{events}', {chain}::text, 700)) "
                  + of_row + " = 700")
        self.tamper("altered", 700, f"{update} outcome = 'denied' {of_row} = 700")
        self.tamper("altered", 700, f"{update} hash = sha256('other') {of_row} = 700")
        self.tamper("rewritten", 700, f"{update} outcome = 'denied' {of_row} = 700{rehash}")
        self.tamper("missing", 0, f"DELETE FROM {{events}} {of_row} = 0")
        self.tamper("missing", 700, f"DELETE FROM {{events}} {of_row} = 700")
        self.tamper("truncated", ROWS - 1, f"DELETE FROM {{events}} {of_row} = {ROWS - 1}")
        self.tamper("truncated", ROWS - 1000, f"DELETE FROM {{events}} {of_row} >= {ROWS - 1000}")
        self.tamper("truncated", 0, f"DELETE FROM {{events}} {of_row} >= 0")

    def test_rows_and_all_hashes_behind_them(self):
        of_row = "WHERE organization_id = {chain} AND seq"
        update = "UPDATE {events} SET "
        # A row taken out of the middle, and another put in.
        self.tamper("rewritten", 700,
                    f"DELETE FROM {{events}} {of_row} = 700; {update} seq = -seq {of_row} > 700;"
                    f"{update} seq = -seq - 1 {of_row} < 0; SELECT rechain({{chain}}, 700)")
        self.tamper("rewritten", 700,
                    f"{update} action = CASE seq WHEN 700 THEN 'test.second' ELSE 'test.first' END"
                    f" {of_row} IN (700, 701); SELECT rechain({{chain}}, 700)")
        self.tamper("rewritten", 0, f"{update} outcome = 'denied' {of_row} = 0; SELECT rechain({{chain}}, 0)")

    def test_what_was_sealed(self):
        tree = "tree_id = (SELECT tree_id FROM bulla.trees WHERE chain = {chain}::text)"
        self.tamper("rewritten", 513,
                    "UPDATE bulla.tiles SET hashes = overlay(hashes PLACING sha256('other') FROM 33)"
                    f" WHERE level = 0 AND index = 2 AND {tree}")
        self.tamper("rewritten", None,
                    f"UPDATE bulla.trees SET note = replace(note, '{ROWS}', '{ROWS - 1}') WHERE {tree}")
        self.tamper("rewritten", None, f"DELETE FROM bulla.trees WHERE {tree}")
        self.tamper("rewritten", None, f"DELETE FROM bulla.trees WHERE {tree};"
                    " DELETE FROM {events} WHERE organization_id = {chain}")


if __name__ == "__main__":
    unittest.main()
