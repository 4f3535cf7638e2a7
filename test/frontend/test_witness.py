"""bullad witness over HTTP: every status of add-checkpoint, and what monitors read. All that it is sent and that it
answers is made and checked by witness_oracle.py."""
import base64
import concurrent.futures
import unittest

from service import run_bullad
from support import wait_until
from witness_oracle import Key, LOG, Log, add_checkpoint, cosigned_at, text_of
from witness_support import NAME, WitnessTest, size_in


class AddCheckpointTest(WitnessTest):
    """POST /add-checkpoint"""

    def setUp(self):
        super().setUp()
        self.log = Log(leaves=7)
        self.files = self.make(self.log)
        self.witness = self.serve(self.files)

    def add(self, old, size=None, **arguments):
        return self.witness.add(self.log.request(old, size, **arguments))

    def test_a_log_that_grows_is_cosigned_step_by_step_and_shown_to_monitors(self):
        self.assert_problem(self.witness.checkpoint(self.log), 404)
        old = 0
        for size in (0, 1, 2, 3, 5, 6, 7, 7):
            note = self.log.note(size)
            at = self.assert_cosigned(self.files, self.add(old, size), note)
            self.assertEqual(self.assert_shows(self.files, self.witness, self.log, size), at)
            old = size
        self.assertEqual(self.witness.metric("bulla_witness_tree_size", origin=self.log.origin), 7)
        self.assertEqual(self.witness.metric("bulla_witness_consistent", origin=self.log.origin), 1)

    def test_an_origin_that_nobody_told_it_to_trust_is_404(self):
        stranger = Log("log.example.com/b", leaves=3)
        self.assert_problem(self.witness.add(stranger.request(0)), 404, "unknown origin")
        self.assert_problem(self.witness.checkpoint(stranger), 404)

    def test_without_a_signature_of_a_trusted_key_or_with_a_wrong_one_it_is_403(self):
        text = self.log.text(3)
        other = Key(self.log.origin, LOG, bytes(32))
        good, bad = self.log.key.line(text), self.log.key.line(self.log.text(4))
        for lines in (other.line(text), bad, good + bad, bad + good,
                      f"— {self.log.origin} {base64.b64encode(self.log.key.id + b'short').decode()}\n"):
            body = add_checkpoint(0, [], text + "\n" + lines)
            self.assert_problem(self.witness.add(body), 403)
        body = add_checkpoint(0, [], text + "\n" + other.line(text) + good)
        self.assert_cosigned(self.files, self.witness.add(body), self.log.note(3))

    def test_an_old_size_above_the_new_one_is_400(self):
        self.assert_problem(self.add(5, 3, proof=[]), 400, "old size is larger")
        self.assert_cosigned(self.files, self.add(0, 5), self.log.note(5))
        self.assert_problem(self.add(5, 3, proof=[]), 400, "old size is larger")

    def test_an_old_size_that_is_not_the_last_is_409_and_says_which_is(self):
        self.assert_size(self.add(3, 7), 0)
        self.add(0, 5)
        for old, size in ((0, 7), (3, 7), (6, 7), (3, 5), (0, 5), (3, 4)):
            self.assert_size(self.add(old, size), 5)
        self.assert_cosigned(self.files, self.add(5, 7), self.log.note(7))

    def test_another_root_for_the_size_cosigned_last_is_422(self):
        self.add(0, 5)
        fork = self.log.fork(2, 3, "fork")
        self.assert_problem(self.witness.add(fork.request(5)), 422, "another root")
        self.assert_shows(self.files, self.witness, self.log, 5)
        self.assert_cosigned(self.files, self.add(5, 7), self.log.note(7))

    def test_a_proof_that_does_not_lead_there_is_422(self):
        self.add(0, 5)
        proof = self.log.proof(5, 7)
        wrong = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
        for sent in (wrong, proof[1:], proof[:-1], proof + [bytes(32)], proof[::-1], [], [bytes(32)] * 63):
            self.assert_problem(self.add(5, 7, proof=sent), 422)
        fork = self.log.fork(4, 5, "fork")
        self.assert_problem(self.witness.add(fork.request(5)), 422)
        self.assert_problem(self.add(5, 5, proof=[bytes(32)]), 422)
        self.assert_shows(self.files, self.witness, self.log, 5)
        self.assert_cosigned(self.files, self.add(5, 7), self.log.note(7))

    def test_an_empty_tree_has_the_root_of_the_empty_tree(self):
        text = self.log.text(0).replace(self.log.text(0).split("\n")[2], self.log.text(1).split("\n")[2])
        note = text + "\n" + self.log.key.line(text)
        self.assert_problem(self.witness.add(add_checkpoint(0, [], note)), 422)

    def test_what_is_no_request_is_400(self):
        good = self.log.request(0, 3)
        self.assertEqual(good[:7], b"old 0\n\n")
        note = good[7:]
        for body in (b"", b"\n", b"old", b"old 0", b"old 0\n", b"old 0\n\n", good[:-1], good + b"\n", good[1:],
                     b"Old 0\n\n" + note, b"old  0\n\n" + note, b"old 00\n\n" + note, b"old -1\n\n" + note,
                     b"old +0\n\n" + note, b"old 0 \n\n" + note, b"old 0\r\n\r\n" + note,
                     b"old 9223372036854775808\n\n" + note, b"old 99999999999999999999999\n\n" + note,
                     b"old 0\n" + note, b"old 0\nAAAA\n\n" + note,
                     b"old 0\n" + b"A" * 43 + b"\n\n" + note, b"old 0\n" + b"A" * 42 + b"B=\n\n" + note,
                     b"old 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + note,
                     good.replace(b"\n3\n", b"\n03\n"), good.replace(b"\n3\n", b"\n-3\n"),
                     good.replace(b"\n3\n", b"\n3\n\n"), good.replace(b"\xe2\x80\x94", b"-"),
                     good.replace(b"\n3\n", b"\n3\0\n"), good.replace(b"\n3\n", b"\n\xff\n"),
                     b"old 0\n\n" + note.split(b"\n\n")[0] + b"\n\n", b"{}", b"\xff" * 1000,
                     b"old 0\n\n" + b"\n" * 900_000, b"a" * 1_000_000, good + note.split(b"\n\n")[1] * 100):
            with self.subTest(body=body[:60]):
                self.assert_problem(self.witness.add(body), 400)
        self.assert_problem(self.witness.add(b"a" * 2_000_000), 413)
        self.assert_cosigned(self.files, self.witness.add(good), self.log.note(3))

    def test_each_bit_of_a_request_flipped_gives_no_cosignature_of_anything_else(self):
        self.add(0, 3)
        body = self.log.request(3, 6)
        with self.witness.connect() as connection:
            for bit in range(8 * len(body)):
                changed = bytearray(body)
                changed[bit // 8] ^= 1 << bit % 8
                answer = connection.request("POST", "/add-checkpoint", body=bytes(changed))
                self.assertIn(answer.status, (400, 403, 404, 409, 422), bit)
        self.assert_shows(self.files, self.witness, self.log, 3)

    def test_other_methods_and_paths_are_not_there(self):
        for method in ("GET", "PUT", "DELETE"):
            answer = self.witness.request(method, "/add-checkpoint", body=b"")
            self.assert_problem(answer, 405)
            self.assertIn("POST", answer.field("allow"))
        self.assertEqual(self.witness.request("POST", f"/{self.log.hash}/checkpoint", body=b"").status, 405)
        self.add(0, 3)
        for path in (f"/{self.log.hash.upper()}/checkpoint", f"/{self.log.hash[:-1]}/checkpoint",
                     f"/{'0' * 64}/checkpoint", "/checkpoint", f"/{self.log.hash}", "/v1/audit", "/metrics"):
            self.assertEqual(self.witness.get(path).status, 404, path)

    def test_of_many_at_once_from_one_size_one_is_cosigned(self):
        self.add(0, 3)
        forks = [self.log.fork(3, 2, f"fork{number}-") for number in range(16)]
        with concurrent.futures.ThreadPoolExecutor(len(forks)) as pool:
            answers = list(pool.map(lambda fork: self.witness.add(fork.request(3)), forks))
        self.assertEqual(sorted(answer.status for answer in answers), [200] + [409] * (len(forks) - 1))
        [won] = [fork for fork, answer in zip(forks, answers) if answer.status == 200]
        self.assert_shows(self.files, self.witness, won)


class OtherLogsTest(WitnessTest):
    """Logs that are not Bulla's, and several of them."""

    def test_a_log_with_another_key_name_and_extension_lines_is_cosigned(self):
        log = Log("Some Log of Others, 2026", name="sum.example.org", leaves=9)
        files = self.make(log)
        witness = self.serve(files)
        note = log.note(4, extensions=["anything", "— looks like a signature AAAAAAA="])
        answer = witness.add(log.request(0, 4, note=note))
        at = self.assert_cosigned(files, answer, note)
        shown = witness.checkpoint(log).body.decode("utf-8")
        self.assertEqual(text_of(shown), text_of(note))
        self.assertEqual(cosigned_at(files.vkey, text_of(note), shown[len(text_of(note)) + 1:]), at)
        witness.stop()
        witness = self.serve(files)
        self.assertEqual(size_in(witness.checkpoint(log).body.decode("utf-8")), 4)
        self.assert_cosigned(files, witness.add(log.request(4)), log.note())

    def test_several_logs_keep_apart_and_one_may_have_several_keys(self):
        first, second = Log("log.example.com/a", leaves=5), Log("log.example.com/b", seed=2, leaves=6)
        files = self.make(first, second)
        new_key = Key(first.origin, LOG, bytes([9]) * 32)
        self.assertEqual(files.run("trust", first.origin, new_key.vkey).returncode, 0)
        witness = self.serve(files)
        self.assert_cosigned(files, witness.add(first.request(0, 3)), first.note(3))
        self.assert_cosigned(files, witness.add(second.request(0, 6)), second.note(6))
        both = first.note(4, keys=[first.key, new_key])
        self.assert_cosigned(files, witness.add(first.request(3, 4, note=both)), both)
        only_new = first.note(5, keys=[new_key])
        self.assert_cosigned(files, witness.add(first.request(4, 5, note=only_new)), only_new)
        self.assert_shows(files, witness, second, 6)
        # A key of the one signs nothing for the other.
        second.grow(1)
        text = second.text()
        wrong = add_checkpoint(6, second.proof(6), text + "\n" + first.key.line(text))
        self.assert_problem(witness.add(wrong), 403)

    def test_signatures_of_others_are_passed_over_and_not_kept(self):
        log = Log(leaves=5)
        files = self.make(log)
        witness = self.serve(files)
        others = [Key(f"other{number}.example.com", LOG, bytes([number]) * 32) for number in range(40)]
        note = log.note(5, keys=[*others[:20], log.key, *others[20:]])
        self.assert_cosigned(files, witness.add(log.request(0, note=note)), note)
        self.assertEqual(witness.checkpoint(log).body.decode("utf-8").count("\n— "), 2)


class CommandsTest(WitnessTest):
    """bullad witness init, key, trust, distrust, logs, check-config."""

    def test_init_makes_key_and_state_once_and_prints_the_verifier_key_alone(self):
        log = Log(leaves=3)
        files = self.make(log)
        self.assertTrue(files.vkey.startswith(NAME + "+"))
        for path in (files.state, files.key):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        key, state = files.key.read_bytes(), files.state.read_bytes()
        again = files.run("init", "--name", NAME)
        self.assert_refuses(again, 1, "is there already")
        self.assertEqual((files.key.read_bytes(), files.state.read_bytes()), (key, state))
        shown = files.run("key")
        self.assertEqual((shown.returncode, shown.stdout, shown.stderr), (0, files.vkey + "\n", ""))
        other = self.make(log)
        self.assertNotEqual(other.vkey, files.vkey)

    def test_the_private_key_is_never_printed(self):
        log = Log(leaves=3)
        files = self.make(log)
        secret = files.key.read_text(encoding="utf-8").split("+", 4)[4].strip()
        witness = self.serve(files)
        witness.add(log.request(0))
        witness.stop()
        printed = witness.log() + "".join(witness.lines)
        for words in (("key",), ("logs",), ("check-config",), ("init", "--name", NAME)):
            done = files.run(*words)
            printed += done.stdout + done.stderr
        self.assertNotIn(secret, printed)
        self.assertNotIn(secret, files.state.read_text(encoding="utf-8"))

    def test_what_cannot_be_trusted_is_refused_and_makes_nothing(self):
        log = Log()
        witness_key = Key("w.example.com", 4, bytes(32)).vkey
        for words, code, part in (
                (("--name", "two words"), 1, "name"), (("--name", ""), 1, "name"), ((), 2, "--name"),
                (("--name", "w", "--trust", log.origin), 2, "--trust"),
                (("--name", "w", "--trust", log.origin, "nonsense"), 2, "verifier key"),
                (("--name", "w", "--trust", log.origin, log.key.vkey[:-1] + "A"), 2, "verifier key"),
                (("--name", "w", "--trust", log.origin, witness_key), 2, "witness"),
                (("--name", "w", "--trust", "", log.key.vkey), 2, "origin"),
                (("--name", "w", "--trust", "two\nlines", log.key.vkey), 2, "origin")):
            done = run_bullad("witness", "init", "--state", self.folder / "state", *words)
            self.assertEqual((done.returncode, done.stdout), (code, ""), (words, done.stderr))
            self.assertIn(part, done.stderr, words)
        done = run_bullad("witness", "init", "--name", "w")
        self.assert_refuses(done, 2, "witness.state")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_log_is_trusted_later_and_no_longer_and_what_was_cosigned_stays_known(self):
        log, other = Log(leaves=5), Log("log.example.com/b", seed=2, leaves=4)
        files = self.make(log)
        witness = self.serve(files)
        witness.add(log.request(0, 4))
        self.assert_refuses(files.run("trust", other.origin, other.key.vkey), 1, "another witness runs")
        witness.stop()
        self.assertEqual(files.run("trust", other.origin, other.key.vkey).returncode, 0)
        self.assertEqual(files.run("trust", other.origin, other.key.vkey).returncode, 0)  # once more
        self.assertEqual(files.run("distrust", log.origin, log.key.vkey).returncode, 0)
        self.assert_refuses(files.run("distrust", log.origin, log.key.vkey), 1, "not trusted")
        witness = self.serve(files)
        self.assert_problem(witness.add(log.request(4)), 404)
        self.assert_shows(files, witness, log, 4)
        self.assert_cosigned(files, witness.add(other.request(0)), other.note())
        witness.stop()
        self.assertEqual(files.run("trust", log.origin, log.key.vkey).returncode, 0)
        witness = self.serve(files)
        fork = log.fork(1, 5, "fork")
        self.assert_size(witness.add(fork.request(0)), 4)
        self.assert_cosigned(files, witness.add(log.request(4)), log.note())
        shown = files.run("logs")  # while it runs
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for part in (log.origin, log.hash, log.key.vkey, "size 5", other.hash, "size 4", "consistent: yes"):
            self.assertIn(part, shown.stdout)

    def test_a_witness_has_a_configuration_of_its_own(self):
        files = self.make()
        done = files.run("check-config")
        self.assertEqual(done.returncode, 0, done.stderr)
        for part in ("[witness]", "[publish]", "[api]", "[admin]", "[limits]", "[timeouts]", "[log]",
                     str(files.state), "127.0.0.1:8090"):
            self.assertIn(part, done.stdout)
        self.assertNotIn("database", done.stdout)
        self.assertIn("BULLAD_WITNESS_STATE", done.stdout)
        files.config.write_text("[database]\nconninfo = 'host=x'\n", encoding="utf-8")
        self.assert_refuses(files.refused(), 2, "there is no database")
        help_text = run_bullad("witness", "--help").stdout
        for command in ("init", "serve", "key", "logs", "trust", "distrust", "acknowledge", "check-config"):
            self.assertIn(command, help_text)


class FreshnessTest(WitnessTest):
    """A tree that does not grow is cosigned anew."""

    def test_an_unchanged_tree_is_cosigned_again_and_again_and_its_time_never_goes_back(self):
        log = Log(leaves=5)
        files = self.make(log, witness__refresh_every="200ms")
        witness = self.serve(files)
        first = self.assert_cosigned(files, witness.add(log.request(0)), log.note())
        times = [first]

        def later():
            times.append(self.assert_shows(files, witness, log))
            return times[-1] >= first + 2
        wait_until(later, "it is cosigned anew")
        self.assertEqual(times, sorted(times))
        witness.stop()
        witness = self.serve(files)
        self.assertGreaterEqual(self.assert_shows(files, witness, log), times[-1])


if __name__ == "__main__":
    unittest.main()
