"""What bullad shows of the message budgets of keys, and the alert and the runbook that stand on it."""
import os
import re
import subprocess

from service import BulladTest, cluster_log, start_cluster, stop_cluster
from support import ROOT, wait_until

SEALED, BUDGET = "bulla_key_messages_sealed", "bulla_key_messages_budget"
ABSENT = "the message counts of keys cannot be read, and are not in /metrics"
BACK = "the message counts of keys are read again and in /metrics"
REFUSED = "permission denied for function key_messages"
RUNBOOK = ROOT / "docs" / "runbooks" / "BullaKeyNeedsRotation.md"
RULES = ROOT / "alerts" / "keys.yml"


class KeyMessagesTest(BulladTest):
    """bulla_key_messages_sealed and bulla_key_messages_budget"""

    config = {"keys__messages_every": "100ms"}

    def create_key(self, name, algorithm="AES-256-GCM"):
        self.database.run("SELECT bulla.create_key(%s, algorithm => %s)", name, algorithm)
        self.addCleanup(self.destroy_key, name)

    def destroy_key(self, name):
        self.database.run("SELECT bulla.destroy_key(%s, 'a test') FROM bulla.keys"
                          " WHERE name = %s AND state <> 'destroyed' LIMIT 1", name, name)

    def counter(self, key, version=1):
        """The sequence that a version's messages are counted in."""
        [(name,)] = self.database.run(
            "SELECT 'bulla.messages_' || encode(version_id, 'hex') FROM bulla.keys"
            " WHERE name = %s AND version = %s", key, version)
        return name

    def sealed(self, key, version=1, name=SEALED):
        return self.bullad.metric(name, key=key, version=str(version))

    def text(self):
        return self.bullad.admin("/metrics").body.decode("utf-8")

    def test_it_rises_with_what_is_sealed_and_goes_with_the_key(self):
        self.create_key("counted")
        self.create_key("without a budget", "XAES-256-GCM")
        wait_until(lambda: self.sealed("counted") == 0, "the key is shown")
        self.assertEqual(self.sealed("counted", name=BUDGET), 2 ** 32)
        self.database.run("SELECT bulla.encrypt('x', 'without a budget'), bulla.encrypt('x', 'counted')")
        first = wait_until(lambda: self.sealed("counted"), "a message is counted")
        self.database.run("SELECT count(bulla.encrypt('x', 'counted')) FROM generate_series(1, 5000)")
        wait_until(lambda: self.sealed("counted") >= first + 5000, "5000 more are counted")
        self.assertNotIn("without a budget", self.text())
        self.destroy_key("counted")
        wait_until(lambda: "counted" not in self.text(), "the key is not shown any more")

    def test_the_version_that_seals_is_shown_and_no_other(self):
        self.create_key("rotated")
        wait_until(lambda: self.sealed("rotated", 1) == 0, "version 1 is shown")
        self.database.run("SELECT bulla.rotate_key('rotated')")
        wait_until(lambda: self.sealed("rotated", 2) == 0, "version 2 is shown")
        self.assertIsNone(self.sealed("rotated", 1))
        self.assertIsNone(self.sealed("rotated", 1, BUDGET))
        self.database.run("SELECT bulla.disable_key_version('rotated', 2)")
        wait_until(lambda: self.sealed("rotated", 1) == 0, "version 1 seals again")
        self.assertIsNone(self.sealed("rotated", 2))
        self.database.run("SELECT bulla.disable_key_version('rotated', 1)")
        wait_until(lambda: "rotated" not in self.text(), "no version seals")

    def test_any_name_of_a_key_is_a_label(self):
        name = 'a "b"\\\nc} 1 ü'
        self.create_key(name)
        wait_until(lambda: '{key="a \\"b\\"\\\\\\nc} 1 ü",version="1"} 0\n' in self.text(),
                   "the key is shown")

    def test_a_count_that_is_missing_leaves_a_budget_alone(self):
        self.create_key("lost")
        wait_until(lambda: self.sealed("lost") == 0, "the key is shown")
        self.database.run(f"DROP SEQUENCE {self.counter('lost')}")
        wait_until(lambda: self.sealed("lost") is None, "there is no count")
        self.assertEqual(self.sealed("lost", name=BUDGET), 2 ** 32)

    def test_without_the_right_it_is_absent_and_the_log_says_so_once(self):
        self.create_key("secret")
        wait_until(lambda: self.sealed("secret") == 0, "the key is shown")
        right = "EXECUTE ON FUNCTION bulla.key_messages()"
        self.database.run(f"REVOKE {right} FROM bullad")
        self.addCleanup(self.database.initialize)
        line = self.bullad.wait_for_log(ABSENT, sqlstate="42501")
        self.assertEqual(line["level"], "warning")
        self.assertIn("bullad init", line["hint"])
        wait_until(lambda: "bulla_key_messages" not in self.text(), "the metrics are absent")
        refused = cluster_log().count(REFUSED)
        wait_until(lambda: cluster_log().count(REFUSED) >= refused + 3, "it is tried three times more")
        self.assertEqual(len(self.bullad.find_log(ABSENT)), 1)
        # Everything else works, and what init grants is enough.
        self.assertEqual(self.call("GET", "/v1/audit").status, 200)
        self.database.initialize()
        self.bullad.wait_for_log(BACK)
        wait_until(lambda: self.sealed("secret") == 0, "the key is shown again")

    def test_what_was_read_last_stands_while_the_database_is_away(self):
        self.create_key("kept")
        self.database.run("SELECT bulla.encrypt('x', 'kept')")
        last = wait_until(lambda: self.sealed("kept"), "a message is counted")
        stop_cluster()
        try:
            wait_until(lambda: self.bullad.get("/health").status == 503, "the database is away")
            self.assertEqual(self.sealed("kept"), last)
        finally:
            start_cluster()
        self.bullad.wait_ready()
        self.database.run("SELECT count(bulla.encrypt('x', 'kept')) FROM generate_series(1, 5000)")
        wait_until(lambda: self.sealed("kept") >= last + 5000, "the count is read again")
        self.assertEqual(self.bullad.find_log(ABSENT, sqlstate=""), [])

    def test_it_is_not_read_where_the_configuration_says_never(self):
        self.create_key("unseen")
        bullad = self.serve(keys__messages_every="0")
        self.addCleanup(bullad.kill)
        wait_until(lambda: self.sealed("unseen") == 0, "the other bullad shows the key")
        self.assertNotIn("bulla_key_messages", bullad.admin("/metrics").body.decode("utf-8"))

    def test_the_runbook_finds_the_key_and_ends_the_alert(self):
        self.create_key("card")
        self.database.run("SELECT setval(%s, 3600000000)", self.counter("card"))
        rules = RULES.read_text(encoding="utf-8")
        self.assertRegex(rules, rf"expr: {SEALED} > 0\.8 \* {BUDGET}\n")
        wait_until(lambda: (self.sealed("card") or 0) > 0.8 * 2 ** 32, "the alert's condition is true")
        printed = []
        for language, script in re.findall(r"```(sh|sql)\n(.*?)```", RUNBOOK.read_text(encoding="utf-8"),
                                           re.DOTALL):
            printed.append(self.run_shell(script) if language == "sh" else self.database.run(script))
        metrics, diagnosis, rotated, after = printed
        self.assertIn(f'{SEALED}{{key="card",version="1"}} 3600000000\n', metrics)
        self.assertEqual([(key, version, float(percent), left) for key, version, percent, left in diagnosis],
                         [("card", 1, 83.8, 2 ** 32 - 3600000000)])
        self.assertEqual((rotated, after), ([(2,)], [("card", 2, 0)]))
        wait_until(lambda: self.sealed("card", 2) == 0, "version 2 is shown")
        self.assertIsNone(self.sealed("card", 1))

    def run_shell(self, script):
        host, port = self.bullad.addresses["admin"]
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], stdin=subprocess.DEVNULL,
                              check=False, capture_output=True, text=True, timeout=60,
                              env=os.environ | {"ADMIN": f"http://{host}:{port}"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout
