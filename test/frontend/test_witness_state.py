"""What bullad witness remembers: it never signs two trees that do not go together, whatever happens to it or its files."""
import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import threading
import time
import unittest

import witness_oracle
from service import run
from support import BUILD, ROOT, Closed, wait_until
from witness_oracle import Log, consistent, cosigned_at, parse_text, text_of
from witness_support import WitnessTest

ROUNDS = int(os.environ.get("BULLA_SOAK_ROUNDS", "20"))
BAD_STATE = 4  # the exit code


class StateTest(WitnessTest):
    """The state is the key's, whole, unedited, and has one witness."""

    def setUp(self):
        super().setUp()
        self.log = Log(leaves=9)
        self.files = self.make(self.log)

    def cosign(self, old, size):
        witness = self.serve(self.files)
        self.assert_cosigned(self.files, witness.add(self.log.request(old, size)), self.log.note(size))
        witness.stop()

    def test_after_a_restart_it_goes_on_from_what_it_cosigned_last(self):
        self.cosign(0, 4)
        witness = self.serve(self.files)
        self.assert_shows(self.files, witness, self.log, 4)
        self.assert_size(witness.add(self.log.fork(2, 6, "fork").request(0)), 4)
        self.assert_cosigned(self.files, witness.add(self.log.request(4)), self.log.note())

    def test_the_state_is_that_of_the_specification(self):
        self.cosign(0, 4)
        key = witness_oracle.read_key(self.files.key)
        self.assertEqual(key.vkey, self.files.vkey)
        text = self.files.state.read_text(encoding="utf-8")
        at = int(text.split("\n")[2].removeprefix("time "))
        self.assertEqual(text, witness_oracle.write_state(
            key, at, [(self.log.origin, [self.log.key.vkey], (at, self.log.note(4)))]))

    def test_a_state_that_is_torn_edited_or_missing_is_refused(self):
        self.cosign(0, 4)
        good = self.files.state.read_bytes()
        lines = good.splitlines(True)
        for changed in (b"", good[:1], good[:len(good) // 2], good[:-1], good + b"\n", b"\0" * len(good),
                        good.replace(b"\n4\n", b"\n3\n"), b"".join(lines[:-1]), b"".join(lines[:3] + lines[-1:]),
                        b"".join(lines[1:])):
            self.files.state.write_bytes(changed)
            self.assert_refuses(self.files.refused(), BAD_STATE, str(self.files.state), "cannot be used")
            self.assertEqual(self.files.state.read_bytes(), changed)
        self.files.state.unlink()
        self.assert_refuses(self.files.refused(), BAD_STATE, "is missing")
        self.assert_refuses(self.files.run("init", "--name", "w"), 1, "is there already")
        self.assertFalse(self.files.state.exists())
        self.files.state.write_bytes(good)
        self.cosign(4, 9)

    def test_the_state_of_another_key_is_refused(self):
        other = self.make(self.log)
        self.files.state.write_bytes(other.state.read_bytes())
        self.assert_refuses(self.files.refused(), BAD_STATE, other.vkey)

    def test_a_key_that_others_may_read_or_that_is_none_is_refused(self):
        self.files.key.chmod(0o640)
        self.assert_refuses(self.files.refused(), 2, "mode 0640")
        self.files.key.chmod(0o600)
        good = self.files.key.read_bytes()
        for changed in (b"", b"nonsense", good[:-2], good.replace(b"w1+", b"w2+"), b"X" + good[1:]):
            self.files.key.write_bytes(changed)
            done = self.files.refused()
            self.assert_refuses(done, 2, "key")
            self.assertNotIn(good.split(b"+", 4)[4].strip().decode("ascii"), done.stderr)
        self.files.key.unlink()
        self.assert_refuses(self.files.refused(), 2, "cannot be opened")

    def test_a_second_witness_with_the_same_key_or_state_is_refused(self):
        witness = self.serve(self.files)
        # Each checkpoint replaces the file: the lock has to be on the newest.
        for size in (2, 4, 9):
            witness.add(self.log.request({2: 0, 4: 2, 9: 4}[size], size))
            self.assert_refuses(self.files.refused(), 2, "another witness runs")
            copy = self.folder / f"key{size}"
            shutil.copy(self.files.key, copy)
            self.assert_refuses(self.files.refused("--key", str(copy)), 2, "another witness runs",
                                str(self.files.state))
            other = self.folder / f"state{size}"
            shutil.copy(self.files.state, other)
            self.assert_refuses(self.files.refused("--state", str(other), "--key", str(self.files.key)), 2,
                                "another witness runs", str(self.files.key))
        witness.stop()
        self.serve(self.files)

    def test_a_clock_that_was_set_back_signs_no_earlier_time(self):
        self.cosign(0, 4)
        key = witness_oracle.read_key(self.files.key)
        for ahead, status in ((30, 200), (1000, 503)):
            last = int(time.time()) + ahead
            self.files.state.write_text(witness_oracle.write_state(
                key, last, [(self.log.origin, [self.log.key.vkey], (last, self.log.note(4)))]),
                encoding="utf-8")
            witness = self.serve(self.files)
            # What was signed already is shown on.
            self.assertEqual(self.assert_shows(self.files, witness, self.log, 4), last)
            answer = witness.add(self.log.request(4, 9))
            self.assertEqual(answer.status, status, answer.body)
            if status == 200:
                at = cosigned_at(self.files.vkey, self.log.text(), answer.body.decode("utf-8"))
                self.assertGreaterEqual(at, last)
                self.assertEqual(witness.admin("/health/ready").status, 200)
            else:
                self.assert_problem(answer, 503, "clock")
                self.assertEqual(witness.admin("/health/ready").status, 503)
                self.assertGreater(witness.metric("bulla_witness_clock_behind_seconds"), 900)
                self.assert_size(witness.add(self.log.request(0, 9)), 4)  # nothing was changed
            witness.stop()


def serve_on_faulty_disk(test, files):
    """A witness, and the folder whose files say what fails, as test/recovery/disk_faults.c has it."""
    library, faults = test.folder / "disk_faults.so", test.folder / "faults"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, ROOT / "test/recovery/disk_faults.c", "-ldl"],
                   check=True)
    faults.mkdir()
    return test.serve(files, env={"LD_PRELOAD": str(library), "BULLA_DISK_FAULTS": str(faults)}), faults


class FaultTest(WitnessTest):
    """Killed, and without room or luck on its disk."""

    def test_killed_at_any_moment_under_load_all_that_was_answered_is_consistent(self):
        files = self.make(*[Log(f"log.example.com/{number}", seed=number + 1) for number in range(3)])
        loads = [Load(files, number) for number in range(3)]
        for number in range(ROUNDS):
            witness = self.serve(files)
            for load in loads:
                load.look(self, witness)
            threads = [threading.Thread(target=load.run, args=(witness,)) for load in loads for _ in range(2)]
            before = sum(len(load.answered) for load in loads)
            for thread in threads:
                thread.start()
            # Some while under load, and never before something was answered.
            wait_until(lambda start=before: sum(len(load.answered) for load in loads) > start + 5,
                       "checkpoints are cosigned")
            time.sleep(random.Random(number).uniform(0, 0.2))
            witness.kill()
            for thread in threads:
                thread.join()
        witness = self.serve(files)
        for load in loads:
            self.assertGreater(len(load.answered), ROUNDS)
            load.look(self, witness)
            load.check(self)

    def test_on_a_full_disk_nothing_is_signed_and_afterwards_it_goes_on(self):
        log = Log(leaves=9)
        published = self.folder / "published"
        published.mkdir()
        files = self.make(log, publish__directory=str(published))
        witness, faults = serve_on_faulty_disk(self, files)
        old = 0
        for fault, where in (("full", str(files.state)), ("sync", str(files.state)),
                             ("full", str(published)), ("sync", str(published))):
            state = files.state.read_bytes()
            (faults / fault).write_text(where, encoding="utf-8")
            answer = witness.add(log.request(old, old + 2))
            self.assert_problem(answer, 503, "nothing was cosigned")
            self.assertEqual(witness.admin("/health/ready").status, 503)
            shown = witness.checkpoint(log)
            self.assertEqual(shown.status, 404 if old == 0 else 200)
            if old:  # not what could not be written
                self.assert_shows(files, witness, log, old)
            if where == str(files.state):
                self.assertEqual(files.state.read_bytes(), state)
                self.assert_size(witness.add(log.request(9, 9)), old)
            (faults / fault).unlink()
            # What is on disk but was not published is cosigned when it is sent again.
            last = old if where == str(files.state) else old + 2
            self.assert_cosigned(files, witness.add(log.request(last, old + 2)), log.note(old + 2))
            self.assertEqual(witness.admin("/health/ready").status, 200)
            old += 2
        self.assertEqual(witness.metric("bulla_witness_write_failures_total"), 4)
        witness.stop()
        self.assert_shows(files, self.serve(files), log, 8)

    def test_where_files_may_not_grow_nothing_is_signed(self):
        log = Log(leaves=9)
        files = self.make(log)
        witness = self.serve(files)
        self.assert_cosigned(files, witness.add(log.request(0, 4)), log.note(4))
        resource.prlimit(witness.pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        self.assert_problem(witness.add(log.request(4, 9)), 503)
        resource.prlimit(witness.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assert_cosigned(files, witness.add(log.request(4, 9)), log.note())
        self.assertTrue(witness.running())


class Load:
    """Somebody with a log's key who tries to have two histories cosigned, from several threads at once."""

    def __init__(self, files, number):
        self.files = files
        self.log = Log(f"log.example.com/{number}", seed=number + 1)
        self.random = random.Random(number)
        self.lock = threading.Lock()
        self.answered = []  # (time, leaves) of each cosignature
        self.histories = [[]]  # leaves; the last ones are offered
        self.tried = {}  # leaves by root: what it was killed over may have been remembered
        self.count = 0

    def history(self):
        """A history that goes on from one of those offered, or from the midst of it."""
        with self.lock:
            leaves = self.random.choice(self.histories[-4:])
            at = self.random.choice([len(leaves), len(leaves), self.random.randrange(len(leaves) + 1)])
            self.count += 1
            other = Log(self.log.origin)
            other.key, other.leaves = self.log.key, leaves[:at]
            other.grow(self.random.randrange(1, 6), f"{self.count}-")
            self.tried[other.tree.root(0, other.size)] = other.leaves
            return other

    def run(self, witness):
        """Until the witness is killed."""
        old = 0
        with contextlib.suppress(OSError, Closed):
            while True:
                tried = self.history()
                for _ in range(3):
                    if old > tried.size:
                        break
                    answer = witness.add(tried.request(old))
                    if answer.status == 200:
                        self.note(tried, answer)
                        old = tried.size
                    if answer.status != 409:
                        break
                    old = int(answer.body)

    def look(self, test, witness):
        """What it shows after a restart is not behind anything that it answered; goes on from there."""
        if not self.answered:
            return
        note = witness.checkpoint(self.log).body.decode("utf-8")
        _, size, root = parse_text(text_of(note))
        test.assertGreaterEqual(size, max(len(leaves) for _, leaves in self.answered))
        at = cosigned_at(self.files.vkey, text_of(note), note[len(text_of(note)) + 1:])
        self.answered.append((at, self.tried[root]))
        self.histories.append(self.tried[root])

    def note(self, tried, answer):
        lines = answer.body.decode("utf-8")
        at = cosigned_at(self.files.vkey, tried.text(), lines)
        with self.lock:
            self.answered.append((at, tried.leaves))
            self.histories.append(tried.leaves)

    def check(self, test):
        """All cosignatures together: no two that contradict each other."""
        ordered = sorted(self.answered, key=lambda one: len(one[1]))
        for (at, leaves), (next_at, next_leaves) in zip(ordered, ordered[1:]):
            test.assertTrue(consistent(leaves, next_leaves), (len(leaves), len(next_leaves)))
            if len(leaves) < len(next_leaves):
                test.assertLessEqual(at, next_at)
        # The test has tried what it is about.
        refused = [leaves for leaves in self.tried.values() if not consistent(leaves, ordered[-1][1])]
        test.assertGreater(len(refused), ROUNDS)


class PublishTest(WitnessTest):
    """A directory of published checkpoints, and what it says at start."""

    def setUp(self):
        super().setUp()
        self.log = Log(leaves=9)
        self.published = self.folder / "published"
        self.published.mkdir()
        self.files = self.make(self.log, publish__directory=str(self.published))
        self.note = self.published / self.log.hash / "checkpoint"

    def cosign(self, old, size):
        witness = self.serve(self.files)
        self.assert_cosigned(self.files, witness.add(self.log.request(old, size)), self.log.note(size))
        shown = witness.checkpoint(self.log).body
        self.assertEqual(self.note.read_bytes(), shown)
        witness.stop()

    def test_what_is_answered_is_published_before(self):
        witness = self.serve(self.files)
        old = 0
        for size in range(1, 10):
            self.assertEqual(witness.add(self.log.request(old, size)).status, 200)
            note = self.note.read_text(encoding="utf-8")
            self.assertEqual(text_of(note), self.log.text(size))
            cosigned_at(self.files.vkey, text_of(note), note[len(text_of(note)) + 1:])
            old = size

    def test_restored_from_an_old_copy_it_refuses_to_run(self):
        self.cosign(0, 4)
        old = self.files.state.read_bytes()
        self.cosign(4, 9)
        new = self.files.state.read_bytes()
        self.files.state.write_bytes(old)
        done = self.files.refused()
        self.assert_refuses(done, BAD_STATE, "published more than its state knows", "size 9", "size 4")
        self.assertIn('"message":"the witness refuses to run"', done.stderr)
        self.assertEqual(self.files.state.read_bytes(), old)
        self.files.state.write_bytes(new)
        witness = self.serve(self.files)
        self.assert_shows(self.files, witness, self.log, 9)

    def test_a_new_state_under_the_old_key_or_one_of_the_same_size_is_refused(self):
        empty = self.files.state.read_bytes()
        self.cosign(0, 4)
        key = witness_oracle.read_key(self.files.key)
        now = int(time.time()) + 30
        fork = self.log.fork(2, 2, "fork")
        for state in (empty, witness_oracle.write_state(key, now, []), witness_oracle.write_state(
                key, now, [(self.log.origin, [self.log.key.vkey], (now, fork.note()))])):
            if isinstance(state, str):
                state = state.encode("utf-8")
            self.files.state.write_bytes(state)
            self.assert_refuses(self.files.refused(), BAD_STATE, "published more than its state knows")

    def test_an_older_time_for_the_same_tree_is_refused_too(self):
        self.cosign(0, 4)
        old = self.files.state.read_bytes()
        at = int(time.time())
        wait_until(lambda: time.time() > at + 1.1, "the next second but one")
        self.cosign(4, 4)
        self.files.state.write_bytes(old)
        self.assert_refuses(self.files.refused(), BAD_STATE, "published more than its state knows")

    def test_what_stands_there_and_is_not_its_own_is_refused(self):
        self.cosign(0, 4)
        good = self.note.read_bytes()
        for content in (b"", b"nonsense", good[:-1], good.replace(b"\n4\n", b"\n5\n"),
                        self.log.note(4).encode("utf-8")):
            self.note.write_bytes(content)
            self.assert_refuses(self.files.refused(), BAD_STATE, str(self.note))
        self.note.write_bytes(good)
        self.cosign(4, 9)

    def test_a_directory_that_is_gone_keeps_it_from_starting(self):
        self.cosign(0, 4)
        shutil.rmtree(self.published)
        self.assert_refuses(self.files.refused(), 2, str(self.published))

    def test_what_was_published_stays_readable_to_web_servers(self):
        self.cosign(0, 4)
        self.assertEqual(self.note.stat().st_mode & 0o444, 0o444)
        self.assertEqual([path.name for path in self.note.parent.iterdir()], ["checkpoint"])


class EvidenceTest(WitnessTest):
    """A log that has lied."""

    def setUp(self):
        super().setUp()
        self.log = Log("log.example.com/bulla/0190f3c2-a1b4-7d3e-8f00-112233445566/0/0", leaves=9)
        self.files = self.make(self.log, witness__refresh_every="200ms")
        self.witness = self.serve(self.files)
        self.assertEqual(self.witness.add(self.log.request(0, 5)).status, 200)

    def consistent(self):
        return self.witness.metric("bulla_witness_consistent", origin=self.log.origin)

    def waiting(self):
        return [name for name in self.files.kept() if "." not in name]

    def restart(self, number=signal.SIGTERM):
        self.witness.stop(number)
        self.witness = self.serve(self.files)

    def test_two_roots_for_one_size_are_kept_as_both_notes_until_somebody_acknowledges(self):
        fork = self.log.fork(2, 3, "fork")
        self.assertEqual(self.consistent(), 1)
        self.assert_problem(self.witness.add(fork.request(5)), 422)
        self.assertEqual(self.consistent(), 0)
        [name] = self.files.kept()
        self.assertRegex(name, f"^{self.log.hash[:16]}-other-root-[0-9a-f]{{16}}$")
        kept = self.files.evidence / name
        content = {path.name: path.read_text(encoding="utf-8") for path in kept.iterdir()}
        self.assertEqual(set(content), {"old", "new", "proof", "about"})
        self.assertEqual((content["old"], content["new"], content["proof"]), (self.log.note(5), fork.note(), ""))
        done = run(BUILD / "bulla-verify", "consistency", *[kept / part for part in ("old", "new", "proof")],
                   "--vkey", self.log.key.vkey, "--no-witness")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for part in ("kind other-root\n", f"witness {self.files.vkey}\n",
                     f"trust {self.log.key.vkey} {self.log.origin}\n"):
            self.assertIn(part, content["about"])
        self.assertTrue(self.witness.wait_for_log("the log has signed two trees of one size: it has lied"))
        # Once more changes nothing; neither does a restart, or being killed.
        self.assert_problem(self.witness.add(fork.request(5)), 422)
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.restart(number)
            self.assertEqual((self.consistent(), self.files.kept()), (0, [name]))
        # It goes on with what extends what it signed.
        self.assert_cosigned(self.files, self.witness.add(self.log.request(5, 7)), self.log.note(7))
        self.assertEqual(self.consistent(), 0)
        self.assertIn("consistent: no", self.files.run("logs").stdout)
        done = self.files.run("acknowledge", self.log.origin)
        self.assertEqual((done.returncode, done.stdout), (0, f"{kept}.acknowledged\n"), done.stderr)
        wait_until(lambda: self.consistent() == 1, "the metric follows")
        self.assertEqual({path.name: path.read_text(encoding="utf-8")
                          for path in (self.files.evidence / f"{name}.acknowledged").iterdir()}, content)
        self.assert_refuses(self.files.run("acknowledge"), 1, "no evidence")
        self.restart()
        self.assertEqual(self.consistent(), 1)

    def test_a_signed_tree_that_was_not_proved_is_kept_with_the_proof(self):
        fork = self.log.fork(2, 6, "fork")
        self.assert_problem(self.witness.add(fork.request(5)), 422)
        self.assertEqual(self.consistent(), 0)
        [name] = self.files.kept()
        self.assertIn("-not-proved-", name)
        kept = self.files.evidence / name
        self.assertEqual((kept / "old").read_text(encoding="utf-8"), self.log.note(5))
        self.assertEqual((kept / "new").read_text(encoding="utf-8"), fork.note())
        self.assertEqual((kept / "proof").read_text(encoding="ascii"),
                         "".join(witness_oracle.b64(item) + "\n" for item in fork.proof(5)))
        # Anybody can check it, with the auditors' program.
        done = run(BUILD / "bulla-verify", "consistency", *[kept / part for part in ("old", "new", "proof")],
                   "--vkey", self.log.key.vkey, "--no-witness")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        # A fork is never proved; growing honestly does not hide it.
        self.assert_cosigned(self.files, self.witness.add(self.log.request(5, 9)), self.log.note())
        self.restart()
        self.assertEqual(self.consistent(), 0)

    def test_junk_for_a_proof_raises_an_alarm_that_ends_when_the_log_proves_the_tree(self):
        self.assert_problem(self.witness.add(self.log.request(5, 8, proof=[bytes(32)])), 422)
        self.assertEqual(self.consistent(), 0)
        [name] = self.files.kept()
        self.assert_cosigned(self.files, self.witness.add(self.log.request(5, 7)), self.log.note(7))
        self.assertEqual(self.consistent(), 0)  # another tree
        self.assert_cosigned(self.files, self.witness.add(self.log.request(7, 8)), self.log.note(8))
        wait_until(lambda: self.consistent() == 1, "the alarm ends")
        self.assertEqual(self.files.kept(), [name + ".proved"])
        self.restart()
        self.assertEqual(self.consistent(), 1)

    def test_without_a_signature_of_the_log_nothing_is_kept(self):
        stranger = Log(self.log.origin, name="other.example.com", seed=5, leaves=5)
        self.assert_problem(self.witness.add(stranger.request(5)), 403)
        self.assert_problem(self.witness.add(b"old 5\n\nnonsense\n"), 400)
        self.assert_size(self.witness.add(self.log.fork(2, 3, "fork").request(3)), 5)
        self.assertEqual((self.files.kept(), self.consistent()), ([], 1))

    def test_junk_does_not_fill_the_disk_and_leaves_room_for_proof_of_a_lie(self):
        for size in range(6, 10):
            for number in range(20):
                self.assert_problem(self.witness.add(self.log.request(5, size, proof=[bytes([number]) * 32])), 422)
        self.assertEqual(len(self.waiting()), 4)  # one for each tree, whatever the proof
        forks = [self.log.fork(number % 5, 6 + number, f"fork{number}") for number in range(20)]
        for fork in forks:
            self.assert_problem(self.witness.add(fork.request(5)), 422)
        self.assertEqual(len(self.waiting()), 8)
        for number in range(20):
            fork = self.log.fork(2, 3, f"root{number}")
            self.assert_problem(self.witness.add(fork.request(5)), 422)
        self.assertEqual(len(self.waiting()), 16)
        self.assertEqual(len([name for name in self.waiting() if "-other-root-" in name]), 8)
        self.assertEqual(self.files.run("acknowledge").returncode, 0)
        wait_until(lambda: self.consistent() == 1, "the metric follows")
        self.assert_problem(self.witness.add(self.log.fork(1, 4, "later").request(5)), 422)
        self.assertEqual((len(self.waiting()), len(self.files.kept()), self.consistent()), (1, 17, 0))

    def test_where_it_cannot_be_kept_the_alarm_is_raised_all_the_same(self):
        self.witness.stop()
        self.witness, faults = serve_on_faulty_disk(self, self.files)
        (faults / "full").write_text(str(self.files.evidence), encoding="utf-8")
        self.assert_problem(self.witness.add(self.log.fork(2, 3, "fork").request(5)), 422)
        self.assertEqual(self.consistent(), 0)
        self.assertEqual(self.waiting(), [])
        self.witness.wait_for_log("evidence against a log cannot be kept", origin=self.log.origin)


if __name__ == "__main__":
    unittest.main()
