"""The regular sealing: that it happens, once among several bullads, whatever fails, and what it shows of itself."""
import contextlib
import datetime
import os
import re
import subprocess
import threading

from log_reader import Checkpoint, root_of
from service import BulladTest, cluster_log, new_id, start_cluster, stop_cluster
from support import ROOT, wait_until

EVENTS = "agentidp.audit_events"
UNNAMED = "nothing is sealed: the log of the database has no name"
SEALED = "ledgers are sealed"
FAILED = "not everything could be sealed; it is tried again"
CALL = "CALL bulla.seal_round"
LAG, TREES, FAILURES, TIME = ("bulla_seal_lag_seconds", "bulla_seal_trees_total", "bulla_seal_failures_total",
                              "bulla_seal_timestamp_seconds")
RUNBOOK = ROOT / "docs" / "runbooks" / "BullaSealingLags.md"


class SealingTest(BulladTest):
    """A bullad that seals ten times a second"""

    named = True
    config = {"seal__every": "100ms"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.named:
            cls.name_log()

    @classmethod
    def name_log(cls):
        cls.database.run("SELECT bulla.set_log_name('ledger.example.com/bulla')")

    def size(self, chain, ledger=EVENTS):
        """Of the chain's newest checkpoint; 0 where there is none."""
        [(note,)] = self.database.run("SELECT bulla.checkpoint(%s, %s)", ledger, chain)
        return int(note.split("\n")[1]) if note else 0

    def rows(self, chain):
        return self.database.run(f"SELECT count(*) FROM {EVENTS} WHERE organization_id = %s", chain)[0][0]

    def assert_seals(self, chain=None):
        """What is appended now is sealed."""
        chain = chain or new_id()
        self.append({"organizationId": chain})
        wait_until(lambda: self.size(chain) == self.rows(chain), "the event is sealed")

    def wait_for_rounds(self, count):
        before = cluster_log().count(CALL)
        wait_until(lambda: cluster_log().count(CALL) >= before + count, f"{count} more rounds")

    @contextlib.contextmanager
    def appending(self, chain):
        """Events are appended as fast as one session can."""
        over = threading.Event()

        def append():
            with self.database.session() as run_there:
                while not over.is_set():
                    run_there(f"INSERT INTO {EVENTS} (event_id, occurred_at, action, outcome, organization_id) VALUES"
                              " (gen_random_uuid(), now(), 'test.happened', 'success', %s)", chain)
                    over.wait(0.002)
        thread = threading.Thread(target=append)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def assert_sound(self):
        for ledger in (EVENTS, "bulla.heads"):
            self.assertEqual(self.database.run("SELECT * FROM bulla.verify(%s)", ledger), [])


class NamingTest(SealingTest):
    """From a log without a name to one with"""

    named = False

    def test_nothing_is_sealed_before_the_log_has_a_name(self):
        chain = new_id()
        event = self.append({"organizationId": chain})[0]
        self.bullad.wait_for_log(UNNAMED)
        self.wait_for_rounds(2)
        self.assertEqual(len(self.bullad.find_log(UNNAMED)), 1)
        self.assertIsNone(self.bullad.metric(LAG))
        self.assertEqual(self.bullad.metric(TREES), 0)
        self.name_log()
        self.bullad.wait_for_log(SEALED)
        wait_until(lambda: self.size(chain) == 1, "the event is sealed")
        proof = f"/v1/audit/{event['eventId']}/proof"
        self.assertEqual(self.call("GET", proof).status, 200)
        self.assertGreaterEqual(self.bullad.metric(TREES), 2)
        wait_until(lambda: self.bullad.metric(LAG) < 5, "there is no lag to speak of")
        self.assertIsNotNone(self.bullad.metric(TIME))


class FaultsTest(SealingTest):
    """What goes wrong, is told, and ends"""

    def test_what_is_appended_is_sealed_and_the_heads_with_it(self):
        self.assert_seals()
        wait_until(lambda: self.size("", "bulla.heads") ==
                   self.database.run("SELECT count(*) FROM bulla.heads")[0][0], "bulla.heads is sealed")
        failures = self.bullad.metric(FAILURES)
        self.wait_for_rounds(3)
        self.assertEqual(self.bullad.metric(FAILURES), failures)

    def test_a_ledger_that_cannot_be_sealed_keeps_no_other_from_it(self):
        self.database.run("CREATE TABLE holed (n int)")
        self.database.run("SELECT bulla.create_ledger('holed')")
        with self.database.session() as run_there:
            run_there("BEGIN")
            run_there("INSERT INTO holed SELECT generate_series(0, 9)")
            run_there("SET LOCAL bulla.restore = on")
            run_there("ALTER TABLE holed DISABLE TRIGGER ALL")
            run_there("DELETE FROM holed WHERE seq = 4")
            run_there("COMMIT")
        line = self.bullad.wait_for_log(FAILED)
        self.assertRegex(line["error"], "ledger holed: .* row 4 is missing")
        self.assertEqual(line["level"], "warning")
        failures = self.bullad.metric(FAILURES)
        lag = self.bullad.metric(LAG)
        self.assert_seals()
        wait_until(lambda: self.bullad.metric(FAILURES) > failures, "further rounds fail")
        wait_until(lambda: self.bullad.metric(LAG) > lag + 0.5, "the lag rises")
        self.assertEqual(len(self.bullad.find_log(FAILED, error=line["error"])), 1)
        told = len(self.bullad.find_log(SEALED))
        with self.database.session() as run_there:
            run_there("SET bulla.restore = on")
            run_there("DROP TABLE holed")
        wait_until(lambda: len(self.bullad.find_log(SEALED)) > told, "all ledgers are sealed again")
        wait_until(lambda: self.bullad.metric(LAG) < 5, "the lag is over")

    def test_without_the_right_it_fails_and_init_grants_it(self):
        self.database.run("REVOKE EXECUTE ON FUNCTION bulla.seal_as_owner(regclass) FROM bullad")
        wait_until(lambda: any(re.fullmatch("ledger .*: permission denied for function seal_as_owner", line["error"])
                               for line in self.bullad.find_log(FAILED)), "bullad says what it may not")
        self.database.run("REVOKE EXECUTE ON FUNCTION bulla.try_seal_round() FROM bullad")
        line = self.bullad.wait_for_log(FAILED, error="permission denied for function try_seal_round")
        self.assertIn("bullad init", line["hint"])
        self.assertEqual(self.call("GET", "/v1/audit").status, 200)
        self.database.initialize()
        self.assert_seals()

    def test_it_goes_on_after_the_database_was_away(self):
        self.assert_seals()
        stop_cluster()
        try:
            wait_until(lambda: self.bullad.metric(LAG) > 1, "the lag rises")
        finally:
            start_cluster()
        self.bullad.wait_ready()
        self.assert_seals()
        wait_until(lambda: self.bullad.metric(LAG) < 5, "the lag is over")

    def test_it_does_not_wait_for_busy_connections(self):
        chain = new_id()
        self.append({"organizationId": chain})
        with self.locked("agentidp.access_tokens", "ACCESS EXCLUSIVE"):
            waiting = [self.send(organizationId=chain) for _ in range(6)]
            wait_until(lambda: self.waiting_calls() >= 4, "all everyday connections wait")
            before = self.size("", "bulla.heads")
            self.database.run(f"INSERT INTO {EVENTS} (event_id, occurred_at, action, outcome, organization_id) VALUES"
                              " (gen_random_uuid(), now(), 'test.happened', 'success', %s)", chain)
            wait_until(lambda: self.size("", "bulla.heads") > before, "ledgers are sealed meanwhile")
        for connection in waiting:
            self.assertEqual(connection.answer().status, 201)

    def test_the_runbook_finds_what_waits_and_seals_it(self):
        chain = new_id()
        self.assert_seals(chain)
        right = "EXECUTE ON FUNCTION bulla.seal_as_owner(regclass)"
        self.database.run(f"REVOKE {right} FROM bullad")
        self.addCleanup(self.database.initialize)
        failures = self.bullad.metric(FAILURES)
        wait_until(lambda: self.bullad.metric(FAILURES) > failures + 1, "rounds fail")
        self.append({"organizationId": chain}, {"organizationId": chain})
        printed = []
        for language, script in re.findall(r"```(sh|sql)\n(.*?)```", RUNBOOK.read_text(encoding="utf-8"),
                                           re.DOTALL):
            printed.append(self.run_shell(script) if language == "sh" else self.database.run(script))
        metrics, state, waiting, sealed = printed
        for name in (LAG, TREES, FAILURES, TIME, 'bulla_database_connections{pool="sealing",state="down"}'):
            self.assertRegex(metrics, rf"(?m)^{re.escape(name)} ")
        [(name, ago)] = state
        self.assertEqual(name, "ledger.example.com/bulla")
        self.assertGreater(ago, datetime.timedelta(0))
        self.assertIn((EVENTS, chain, 2), waiting)
        self.assertGreaterEqual(sealed[0][0], 1)
        self.assertEqual(self.size(chain), 3)

    def run_shell(self, script):
        host, port = self.bullad.addresses["admin"]
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], stdin=subprocess.DEVNULL,
                              check=False, capture_output=True, text=True, timeout=60,
                              env=os.environ | {"ADMIN": f"http://{host}:{port}"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout


class SeveralTest(SealingTest):
    """Several bullads before one database"""

    every = 0.5
    config = {"seal__every": "500ms"}

    def gaps(self, chain):
        """Seconds between the roots of a chain that always grows, as rounds recorded them."""
        times = [time for time, in self.database.run(
            "SELECT extract(epoch FROM h.sealed_at)::float FROM bulla.heads AS h JOIN bulla.trees AS t"
            " USING (ledger_id, chain_id, epoch) WHERE t.chain = %s ORDER BY h.seq", chain)]
        return [later - earlier for earlier, later in zip(times, times[1:])]

    def test_of_two_bullads_one_seals_and_the_other_takes_over(self):
        other = self.serve(seal__every="500ms")
        self.addCleanup(other.kill)
        self.assert_seals()
        chain = new_id()
        with self.appending(chain):
            wait_until(lambda: len(self.gaps(chain)) >= 12, "there were rounds")
            gaps = self.gaps(chain)
            # Two that both sealed would halve them. (They can meet where one is between two ledgers.)
            short = [gap for gap in gaps if gap < 0.85 * self.every]
            self.assertLessEqual(len(short), len(gaps) // 5, gaps)
            for bullad in (self.bullad, other):
                wait_until(lambda: bullad.metric(LAG) < 5, "both know that all is sealed")
            other.kill()
            seen = len(self.gaps(chain))
            wait_until(lambda: len(self.gaps(chain)) >= seen + 3, "the one that is left seals")
        self.assert_sound()


class KilledTest(SealingTest):
    """bullad killed while it seals"""

    config = {"seal__every": "0"}  # the one that is not killed

    def test_a_bullad_killed_at_any_moment_leaves_a_sound_log(self):
        chain = new_id()
        self.append({"organizationId": chain})
        key = self.database.run("SELECT bulla.verifier_key(%s, %s)", EVENTS, chain)[0][0]
        seen = {}
        with self.appending(chain):
            for _ in range(6):
                bullad = self.serve(seal__every="10ms")
                try:
                    size = self.size(chain)
                    wait_until(lambda: self.size(chain) > size, "it seals")
                    path = key[key.index("/"):key.index("+")]
                    note = bullad.get(f"{path}/checkpoint").body.decode("utf-8")
                    checkpoint = Checkpoint(note, key)
                    seen[checkpoint.size] = checkpoint.root
                finally:
                    bullad.kill()
        wait_until(lambda: self.backends(where="query LIKE '%%seal_round%%' AND state = 'active'")[0][0] == 0,
                   "no round is under way")
        last = self.serve(seal__every="100ms")
        self.addCleanup(last.kill)
        wait_until(lambda: self.size(chain) == self.rows(chain), "everything is sealed")
        leaves = [bytes(leaf) for leaf, in self.database.run(
            f"SELECT hash FROM {EVENTS} WHERE organization_id = %s ORDER BY seq", chain)]
        self.assertGreater(len(seen), 1)
        for size, root in seen.items():
            self.assertEqual(root_of(leaves[:size]), root)
        self.assert_sound()
