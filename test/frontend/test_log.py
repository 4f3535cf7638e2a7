"""What bullad serves of a log: checkpoints, tiles, entries and proofs, each computed again from outside."""
import base64
import unittest

from log_reader import (Checkpoint, check_consistency, check_inclusion, index_path, leaf_hash, path_of,
                        root_of, split_entries, split_hashes, tile_path)
from service import SYSTEM, BulladTest, encode, new_id
from support import wait_until

ACME = "6f1d2c3b-4a59-4e68-8c77-0a1b2c3d4e5f"
OTHER = "7a2e3d4c-5b6a-4f79-9d88-1b2c3d4e5f60"
EVENTS = "agentidp.audit_events"
FOR_EVER = "max-age=31536000, immutable"


class LogTest(BulladTest):
    """A log with a name, sealed when a test says so."""

    name = "ledger.example.com/bulla"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database.run("SELECT bulla.set_log_name(%s)", cls.name)

    @classmethod
    def add_events(cls, count, organization=ACME):
        cls.database.run(
            f"INSERT INTO {EVENTS} (event_id, occurred_at, action, outcome, organization_id)"
            " SELECT gen_random_uuid(), now(), 'test.happened', 'success', %s FROM generate_series(1, %s)",
            organization, count)

    @classmethod
    def seal(cls, chain=ACME, ledger=EVENTS):
        return cls.database.run("SELECT bulla.seal(%s, %s)", ledger, chain)[0][0]

    def leaves(self, chain=ACME):
        return [bytes(leaf) for leaf, in self.database.run(
            f"SELECT hash FROM {EVENTS} WHERE organization_id = %s ORDER BY seq", chain)]

    @classmethod
    def verifier_key(cls, chain=ACME, ledger=EVENTS):
        return cls.database.run("SELECT bulla.verifier_key(%s, %s)", ledger, chain)[0][0]

    @classmethod
    def prefix(cls, chain=ACME, ledger=EVENTS):
        """The path of a log: its origin without the host."""
        origin = cls.verifier_key(chain, ledger).split("+")[0]
        return origin[origin.index("/"):]

    def fetch(self, target, token="", **arguments):
        return self.call("GET", target, token=token, **arguments)

    def fetch_bytes(self, target, caching, token=""):
        answer = self.fetch(target, token)
        self.assertEqual(answer.status, 200, (target, answer.body))
        self.assertEqual(answer.field("content-type"), "application/octet-stream")
        self.assertEqual(answer.field("cache-control"), f"{caching}, {FOR_EVER}")
        return answer.body

    def tile(self, *place, prefix=None):
        return split_hashes(self.fetch_bytes(f"{prefix or self.prefix()}/{tile_path(*place)}", "public"))

    def checkpoint(self, chain=ACME, ledger=EVENTS):
        answer = self.fetch(self.prefix(chain, ledger) + "/checkpoint")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.field("content-type"), "text/plain; charset=utf-8")
        self.assertEqual(answer.field("cache-control"), "no-cache")
        return Checkpoint(answer.body.decode("utf-8"), self.verifier_key(chain, ledger))

    def assert_absent(self, target, token="", status=404):
        answer = self.fetch(target, token)
        self.assert_problem(answer, status)
        return answer


class TilesTest(LogTest):
    """…/checkpoint and …/tile/<L>/<N>[.p/<W>]"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.add_events(700)
        cls.seal()
        cls.path = cls.prefix()

    def test_the_checkpoint_is_signed_over_all_rows(self):
        checkpoint = self.checkpoint()
        self.assertEqual((checkpoint.size, checkpoint.root), (700, root_of(self.leaves())))
        self.assertEqual(checkpoint.origin, "ledger.example.com" + self.path)

    def test_tiles_are_those_of_the_tree_in_every_width(self):
        leaves = self.leaves()
        with self.bullad.connect() as connection:
            def get(*place):
                connection.send(f"GET {self.path}/{tile_path(*place)} HTTP/1.1\r\nHost: l\r\n\r\n".encode())
                answer = connection.answer()
                self.assertEqual(answer.status, 200, (place, answer.body))
                return split_hashes(answer.body)
            for index, most in enumerate((256, 256, 188)):
                for width in range(1, most + 1):
                    self.assertEqual(get(0, index, width), leaves[index * 256:index * 256 + width])
            above = [root_of(leaves[:256]), root_of(leaves[256:512])]
            self.assertEqual((get(1, 0, 1), get(1, 0, 2)), (above[:1], above))
        # What they are for: the checkpoint's root out of tiles alone.
        tiles = self.tile(0, 0) + self.tile(0, 1) + self.tile(0, 2, 188)
        self.assertEqual(root_of(tiles), self.checkpoint().root)

    def test_what_the_tree_has_not_yet_is_absent_and_nobody_keeps_that(self):
        for place in ((0, 2), (0, 2, 189), (0, 2, 255), (0, 3, 1), (0, 1_234_067), (1, 0), (1, 0, 3),
                      (1, 1, 1), (2, 0, 1), (63, 0, 1)):
            with self.subTest(place=place):
                answer = self.assert_absent(f"{self.path}/{tile_path(*place)}")
                self.assertEqual(answer.field("cache-control"), "no-store")
        self.add_events(68, OTHER)
        other = self.prefix(OTHER)
        self.assertEqual(self.assert_absent(other + "/checkpoint").field("cache-control"), "no-store")
        self.seal(OTHER)
        self.assertEqual(self.checkpoint(OTHER).size, 68)

    def test_one_tile_has_one_path(self):
        uuid, chain = self.path.split("/")[2:4]
        good = f"/bulla/{uuid}/{chain}/0"
        self.assertEqual(good, self.path)
        for path in ("tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/+0/000", "tile/-1/000",
                     "tile/64/000", "tile/256/000", "tile/0/x000/000", "tile/0/x000", "tile/0/X000/001", "tile/0/000/000",
                     "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p",
                     "tile/0/000.p/1/1", "tile/0/000.P/1", "tile/0/000.p/1.p/1", "tile/0/0x0", "tile/0/000 ",
                     "tile/0/%30%30%30", "tile%2f0/000", "tile/0/000%00", "tile/0/000;a", "tile/0/000/",
                     "tile//000", "tile/0", "tile", "tile/", "tile/entries", "tile/entries/", "tile/entries/0",
                     "tile/Entries/000", "Tile/0/000", "checkpoint/", "checkpoint.", "Checkpoint", "checkpoint%20",
                     "checkpoint/checkpoint", "./checkpoint", "../0/checkpoint", "tile/0/000/../000",
                     "tile/0/" + "x999/" * 6 + "999", "tile/0/" + "x999/" * 600 + "999", "", "/", "seal",
                     "checkpoint\\", "tile/0/\u0660\u0660\u0660"):
            with self.subTest(path=path[:60]):
                self.assertIn(self.fetch(f"{good}/{path}", self.token).status, (400, 404))
        for origin in (f"/bulla/{uuid}/{chain}/00", f"/bulla/{uuid}/{chain}/1", f"/bulla/{uuid}/{chain}/-0",
                       f"/bulla/{uuid}/{chain}/2147483648", f"/bulla/{uuid}/{chain}",
                       f"/bulla/{uuid.upper()}/{chain}/0", f"/bulla/{uuid.replace('-', '')}/{chain}/0",
                       f"/bulla/{uuid}/{chain.upper()}/0", f"/bulla/{uuid}/0/0", f"/bulla/{new_id()}/{chain}/0",
                       f"/{uuid}/{chain}/0", f"/bulla/x/{uuid}/{chain}/0", f"/Bulla/{uuid}/{chain}/0",
                       f"//bulla/{uuid}/{chain}/0", f"/ledger.example.com/bulla/{uuid}/{chain}/0",
                       f"/bulla/{uuid}/{chain}/0/0", f"/bull%61/{uuid}/{chain}/0", f"/bulla'--/{uuid}/{chain}/0"):
            with self.subTest(origin=origin):
                for what in ("checkpoint", "tile/0/000"):
                    self.assertIn(self.fetch(f"{origin}/{what}").status, (400, 404))
        self.assertEqual(self.fetch(f"{good}/tile/0/000").status, 200)

    def test_other_methods_queries_and_bodies_are_refused(self):
        for path in ("checkpoint", "tile/0/000"):
            target = f"{self.path}/{path}"
            head, get = self.call("HEAD", target, token=""), self.fetch(target)
            self.assertEqual((head.status, head.field("content-length")), (200, str(len(get.body))))
            self.assertEqual(self.call("OPTIONS", target, token="").field("allow"), "OPTIONS, GET, HEAD")
            for method in ("POST", "PUT", "DELETE"):
                self.assert_problem(self.call(method, target, token=""), 405)
            self.assert_problem(self.fetch(target + "?x=1"), 400)
            self.assert_problem(self.call("GET", target, {}, token=""), 400)

    def test_a_tree_that_grows_keeps_its_tiles(self):
        organization = new_id()
        seen, sizes = {}, (1, 255, 256, 257, 511, 513)
        for before, size in zip((0,) + sizes, sizes):
            self.add_events(size - before, organization)
            self.assertEqual(self.seal(organization), size)
            prefix = self.prefix(organization)
            for index in range((size + 255) // 256):
                width = min(256, size - index * 256)
                seen[0, index, width] = self.tile(0, index, width, prefix=prefix)
            for place, hashes in seen.items():
                self.assertEqual(self.tile(*place, prefix=prefix), hashes)
            self.assertEqual(self.checkpoint(organization).root, root_of(self.leaves(organization)))

    def test_what_everybody_may_ask_for_and_everyday_calls_do_not_hold_each_other_up(self):
        target = f"{self.path}/checkpoint"
        with self.locked("agentidp.access_tokens", "ACCESS EXCLUSIVE"):
            calls = [self.send() for _ in range(6)]
            wait_until(lambda: self.waiting_calls() >= 4, "all everyday connections wait")
            self.assertEqual(self.fetch(target).status, 200)
        for call in calls:
            self.assertEqual(call.answer().status, 201)
        with self.locked("bulla.trees", "ACCESS EXCLUSIVE"):
            asking = [self.bullad.connect() for _ in range(6)]
            for connection in asking:
                self.addCleanup(connection.close)
                connection.send(encode("GET", target))
            wait_until(lambda: self.waiting_calls() >= 2, "all open connections wait")
            self.assertEqual(self.call("GET", "/v1/audit?limit=1").status, 200)
        for connection in asking:
            self.assertEqual(connection.answer().status, 200)

    def test_routes_in_metrics_and_log_are_patterns(self):
        self.fetch(f"{self.path}/{tile_path(0, 0)}")
        self.fetch(f"{self.path}/checkpoint")
        for route in ("/{log}/tile/{level}/{index}", "/{log}/checkpoint"):
            self.assertGreaterEqual(self.bullad.metric(
                "agentidp_http_requests_total", method="GET", route=route, status_code="200"), 1)

    def test_a_tile_that_is_damaged_is_no_tile(self):
        organization = new_id()
        self.add_events(10, organization)
        self.seal(organization)
        self.database.run("UPDATE bulla.tiles SET hashes = substr(hashes, 1, 64) WHERE tree_id ="
                          " (SELECT tree_id FROM bulla.trees WHERE chain = %s)", organization)
        self.assert_absent(f"{self.prefix(organization)}/{tile_path(0, 0, 10)}", status=500)


class ServedLedgersTest(LogTest):
    """Which ledgers are served, and where"""

    name = "ledger.example.com:8443"  # without a path

    def test_a_ledger_is_served_once_agentidp_may_read_it(self):
        self.database.run("CREATE TABLE orders (n int)")
        self.database.run("SELECT bulla.create_ledger('orders', blind => true)")
        self.database.run("INSERT INTO orders SELECT generate_series(1, 300)")
        self.seal("", "orders")
        prefix = self.prefix("", "orders")
        self.assertEqual(len(prefix.split("/")), 4, prefix)
        for path in ("checkpoint", tile_path(0, 0), tile_path("entries", 0)):
            self.assert_absent(f"{prefix}/{path}", self.token)
        self.database.run("GRANT SELECT ON orders TO agentidp")
        self.assertEqual(self.checkpoint("", "orders").size, 300)
        self.assertEqual(len(self.tile(0, 1, 44, prefix=prefix)), 44)
        # Its rows are for administrators.
        target = f"{prefix}/{tile_path('entries', 0)}"
        entries = split_entries(self.fetch_bytes(target, "private", self.token))
        self.assertEqual([leaf_hash(entry) for entry in entries], self.tile(0, 0, prefix=prefix))
        self.assert_absent(target, self.database.add_token("reader of events", "audit:read"), 403)
        self.database.run("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
        self.assert_absent(f"{prefix}/checkpoint")
        self.database.run("ALTER TABLE orders DISABLE ROW LEVEL SECURITY")
        self.database.run("ALTER TABLE orders RENAME TO orders_of_2026")
        self.assertEqual(self.fetch(f"{prefix}/checkpoint").status, 200)
        self.database.run("REVOKE SELECT ON orders_of_2026 FROM agentidp")
        self.assert_absent(f"{prefix}/checkpoint")
        self.database.run("GRANT SELECT ON orders_of_2026 TO agentidp")
        self.assertEqual(self.fetch(f"{prefix}/checkpoint").status, 200)
        self.database.run("SELECT bulla.drop_ledger('orders_of_2026')")
        self.assert_absent(f"{prefix}/checkpoint")

    def test_the_heads_of_all_trees_are_served(self):
        self.add_events(1)
        self.seal()
        self.seal("", "bulla.heads")
        prefix = self.prefix("", "bulla.heads")
        checkpoint = self.checkpoint("", "bulla.heads")
        self.assertEqual(root_of(self.tile(0, 0, checkpoint.size, prefix=prefix)), checkpoint.root)
        self.fetch_bytes(f"{prefix}/{tile_path('entries', 0, checkpoint.size)}", "private", self.token)


class EpochsTest(LogTest):
    """After a restore that was recorded"""

    def test_earlier_epochs_stay_served(self):
        organization = new_id()
        self.add_events(300, organization)
        self.seal(organization)
        old, tiles = self.prefix(organization), [self.tile(0, 0, prefix=self.prefix(organization)),
                                                 self.tile(0, 1, 44, prefix=self.prefix(organization))]
        note = self.fetch(old + "/checkpoint").body
        self.database.behind_its_back(f"DELETE FROM {EVENTS} WHERE organization_id = %s AND seq >= 280", organization)
        self.database.run("SELECT bulla.record_restore(%s, 'a test')", EVENTS)
        self.add_events(5, organization)
        self.seal(organization)
        new = self.prefix(organization)
        self.assertEqual((old[-2:], new[-2:]), ("/0", "/1"))
        self.assertEqual(self.fetch(old + "/checkpoint").body, note)
        self.assertEqual([self.tile(0, 0, prefix=old), self.tile(0, 1, 44, prefix=old)], tiles)
        self.assertEqual(self.checkpoint(organization).size, 285)
        self.assertEqual(self.tile(0, 0, prefix=new) + self.tile(0, 1, 29, prefix=new), self.leaves(organization))
        for prefix in (old, new):
            self.fetch_bytes(f"{prefix}/{tile_path('entries', 0)}", "private", self.token)
        lost = self.assert_absent(f"{old}/{tile_path('entries', 1, 44)}", self.token)
        self.assertIn("entry 280 was lost before a restore", lost.json()["detail"])


class EntriesTest(LogTest):
    """…/tile/entries/<N>[.p/<W>]"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for organization in (ACME, OTHER):
            cls.add_events(600, organization)
            cls.seal(organization)
        cls.tokens = {
            "admin": cls.token,
            "of all": cls.database.add_token("of all", "audit:read"),
            "of acme": cls.database.add_token("of acme", "audit:read", organization=ACME),
            "of other": cls.database.add_token("of other", "audit:read", organization=OTHER),
            "writer": cls.database.add_token("writer", "audit:write"),
        }

    def test_entries_are_the_records_under_the_tile(self):
        prefix = self.prefix()
        for index, width in ((0, 256), (1, 256), (2, 88), (2, 1), (1, 100), (0, 1)):
            entries = split_entries(self.fetch_bytes(
                f"{prefix}/{tile_path('entries', index, width)}", "private", self.token))
            self.assertEqual([leaf_hash(entry) for entry in entries], self.tile(0, index, width))

    def test_only_who_may_read_every_row_of_the_chain_gets_them(self):
        target = f"{self.prefix()}/{tile_path('entries', 0)}"
        wanted = {"admin": 200, "of all": 200, "of acme": 200, "of other": 404, "writer": 403}
        for name, status in wanted.items():
            with self.subTest(token=name):
                answer = self.fetch(target, self.tokens[name])
                self.assertEqual(answer.status, status, answer.body[:300])
                caching = f"private, {FOR_EVER}" if status == 200 else "no-store"
                self.assertEqual(answer.field("cache-control"), caching)
        self.assert_problem(self.fetch(target), 401)
        self.assert_problem(self.fetch(target, "bulla_" + "x" * 43), 401)
        # Whether another organization's log is there is not told either.
        there = self.fetch(target, self.tokens["of other"]).json()
        not_there = self.fetch(target.replace(self.prefix().split("/")[3], "0" * 32),
                               self.tokens["of other"]).json()
        self.assertEqual(there["detail"], not_there["detail"])

    def test_what_the_tree_has_not_yet_is_absent(self):
        for place in ((2, 89), (2, 256), (3, 1)):
            self.assert_absent(f"{self.prefix()}/{tile_path('entries', *place)}", self.token)

    def test_what_was_pruned_is_absent_and_its_tiles_stay(self):
        organization = new_id()
        self.add_events(600, organization)
        self.seal(organization)
        prefix = self.prefix(organization)
        tiles = [self.tile(0, index, prefix=prefix) for index in (0, 1)]
        self.database.run("SELECT bulla.prune(%s, 256, chain => %s)", EVENTS, organization)
        answer = self.assert_absent(f"{prefix}/{tile_path('entries', 0)}", self.token)
        self.assertIn("entries before 256 were pruned", answer.json()["detail"])
        entries = split_entries(self.fetch_bytes(f"{prefix}/{tile_path('entries', 1)}", "private", self.token))
        self.assertEqual([leaf_hash(entry) for entry in entries], tiles[1])
        self.assertEqual([self.tile(0, index, prefix=prefix) for index in (0, 1)], tiles)

    def test_a_row_that_is_not_what_was_sealed_is_not_given(self):
        organization = new_id()
        self.add_events(10, organization)
        self.seal(organization)
        target = f"{self.prefix(organization)}/{tile_path('entries', 0, 10)}"
        self.fetch_bytes(target, "private", self.token)
        self.database.behind_its_back(f"UPDATE {EVENTS} SET action = 'forged' WHERE organization_id = %s"
                                      " AND seq = 4", organization)
        self.assert_absent(target, self.token, 500)


class ProofsTest(LogTest):
    """GET /v1/audit/{eventId}/proof and GET /v1/audit/consistency"""

    def proof(self, event_id, **arguments):
        return self.call("GET", f"/v1/audit/{event_id}/proof", **arguments)

    def consistency(self, query, **arguments):
        return self.call("GET", "/v1/audit/consistency" + query, **arguments)

    def test_an_event_is_proven_to_be_in_its_log(self):
        events = [self.append({"organizationId": ACME})[0] for _ in range(7)]
        self.seal()
        leaves = self.leaves()
        for event in events:
            proof = self.assert_ok(self.proof(event["eventId"]))
            self.assertEqual(set(proof), {"eventId", "origin", "index", "size", "hash", "record", "hashes",
                                          "checkpoint", "tlogProof", "headsProof"})
            checkpoint = Checkpoint(proof["checkpoint"], self.verifier_key())
            leaf = leaf_hash(base64.b64decode(proof["record"], validate=True))
            self.assertEqual((leaf.hex(), base64.b64decode(proof["hash"])), (event["hash"], leaf))
            self.assertEqual((proof["index"], proof["size"], proof["origin"]),
                             (event["seq"], checkpoint.size, checkpoint.origin))
            hashes = [base64.b64decode(one, validate=True) for one in proof["hashes"]]
            check_inclusion(leaf, proof["index"], checkpoint.size, hashes, checkpoint.root)
            self.assertEqual(hashes, path_of(proof["index"], leaves))
            self.assertEqual(proof["tlogProof"], "".join(
                line + "\n" for line in ["c2sp.org/tlog-proof@v1", f"index {proof['index']}",
                                         *proof["hashes"], ""]) + proof["checkpoint"])

    def test_the_heads_tell_of_the_checkpoint(self):
        event = self.append({"organizationId": ACME})[0]
        self.seal()
        self.assertIsNone(self.assert_ok(self.proof(event["eventId"]))["headsProof"])
        self.seal("", "bulla.heads")
        proof = self.assert_ok(self.proof(event["eventId"]))
        head, note = proof["headsProof"].split("\n\n", 1)
        magic, extra, index, *hashes = head.split("\n")
        self.assertEqual(magic, "c2sp.org/tlog-proof@v1")
        record = base64.b64decode(extra.removeprefix("extra "), validate=True)
        checkpoint = Checkpoint(note, self.verifier_key("", "bulla.heads"))
        check_inclusion(leaf_hash(record), int(index.removeprefix("index ")), checkpoint.size,
                        [base64.b64decode(one, validate=True) for one in hashes], checkpoint.root)
        # The row that was proven has this checkpoint's size and root.
        root = base64.b64decode(proof["checkpoint"].split("\n")[2])
        for value in (str(proof["size"]), "\\x" + root.hex(), proof["origin"].split("/")[-2]):
            self.assertIn(len(value).to_bytes(4, "big") + value.encode(), record)

    def test_who_accepts_text_gets_the_file(self):
        event = self.append({"organizationId": ACME})[0]
        self.seal()
        file = self.assert_ok(self.proof(event["eventId"]))["tlogProof"]
        for accept, text in ((None, False), ("*/*", False), ("application/json", False), ("text/plain", True),
                             ("text/plain, application/json;q=0.5", False), ("text/*", True),
                             ("application/xml", False)):
            with self.subTest(accept=accept):
                answer = self.proof(event["eventId"], fields=[("Accept", accept)])
                self.assertEqual(answer.field("vary"), "Accept")
                if text:
                    self.assertEqual(answer.field("content-type"), "text/plain; charset=utf-8")
                    self.assertEqual(answer.body.decode("utf-8"), file)
                else:
                    self.assertEqual(self.assert_ok(answer)["tlogProof"], file)

    def test_an_event_that_is_not_sealed_yet_has_no_proof_yet(self):
        self.append({"organizationId": ACME})
        self.seal()
        event = self.append({"organizationId": ACME})[0]
        self.assert_problem(self.proof(event["eventId"]), 409, "not sealed yet", "55000")
        self.seal()
        self.assert_ok(self.proof(event["eventId"]))
        first = self.append({"organizationId": new_id()})[0]
        self.assert_problem(self.proof(first["eventId"]), 409, "sealed regularly")

    def test_proofs_are_for_who_may_read_the_event(self):
        event = self.append({"organizationId": ACME})[0]
        self.seal()
        tokens = {"reads": ("audit:read", None), "acme": ("audit:read", ACME), "other": ("audit:read", OTHER),
                  "writes": ("audit:write", None)}
        wanted = {"reads": 200, "acme": 200, "other": 404, "writes": 403}
        for name, (scope, organization) in tokens.items():
            token = self.database.add_token(f"proofs {name}", scope, organization=organization)
            self.assertEqual(self.proof(event["eventId"], token=token).status, wanted[name], name)
            allowed = {"reads": 200, "acme": 200, "other": 403, "writes": 403}[name]
            answer = self.consistency(f"?old=0&organizationId={ACME}", token=token)
            self.assertEqual(answer.status, allowed, (name, answer.body))
        self.assert_problem(self.proof(event["eventId"], token=" "), 401)
        self.assert_problem(self.proof(new_id()), 404)
        self.assert_problem(self.proof("x"), 400, "must be a UUID")
        self.assert_problem(self.call("GET", f"/v1/audit/{event['eventId']}/proof?size=1"), 400)

    def test_a_tree_is_proven_to_have_grown_out_of_an_older_one(self):
        organization = new_id()
        self.add_events(20, organization)
        self.seal(organization)
        leaves = self.leaves(organization)
        query = f"&organizationId={organization}"
        for new in range(1, 21):
            for old in range(0, new + 1):
                answer = self.assert_ok(self.consistency(f"?old={old}&new={new}{query}"))
                self.assertEqual(set(answer), {"origin", "oldSize", "newSize", "hashes"})
                self.assertEqual((answer["oldSize"], answer["newSize"]), (old, new))
                hashes = [base64.b64decode(one, validate=True) for one in answer["hashes"]]
                if old > 0:
                    check_consistency(old, new, hashes, root_of(leaves[:old]), root_of(leaves[:new]))
                else:
                    self.assertEqual(hashes, [])
        newest = self.assert_ok(self.consistency("?old=3" + query))
        self.assertEqual(newest, self.assert_ok(self.consistency("?old=3&new=20" + query)))
        self.assertEqual(newest["origin"], self.checkpoint(organization).origin)
        bound = self.database.add_token(f"bound to {organization}", "audit:read", organization=organization)
        self.assertEqual(newest, self.assert_ok(self.consistency("?old=3", token=bound)))

    def test_sizes_that_the_tree_never_had_are_refused(self):
        self.append({"organizationId": ACME})
        size = self.seal()
        for query, detail in (("?new=2", "old is needed"), ("?new=1", "old is needed"), ("?old=-1", "old must be a whole"),
                              ("?old=1.0", "old must be"), ("?old=x", "old must be"), ("?old=01", "old must be"),
                              ("?old=9" + "9" * 18, "old must be"), ("?old=", "old must be"),
                              (f"?old=1&new={size + 1}", f"new must be at most {size}"),
                              (f"?old={size + 1}", "old must be at most"), ("?old=1&new=0", "old must be at most 0"),
                              ("?old=1&old=1", "each name once"), ("?old=1&size=2", "no query parameter"),
                              ("?old=1&organizationId=x", "organizationId must be a UUID")):
            with self.subTest(query=query):
                separator = "" if "organizationId" in query else f"&organizationId={ACME}"
                self.assert_problem(self.consistency(query + separator), 400, detail)
        self.assert_problem(self.consistency(f"?old=0&organizationId={new_id()}"), 404, "no audit event of")

    def test_without_an_organization_it_is_the_systems(self):
        self.append({})
        self.seal(SYSTEM)
        self.assertEqual(self.assert_ok(self.consistency("?old=1"))["origin"], self.checkpoint(SYSTEM).origin)


class ReaderTest(unittest.TestCase):
    """The reader itself"""

    def test_paths_are_written_as_the_specification_says(self):
        self.assertEqual([index_path(n) for n in (0, 7, 999, 1000, 1_234_067)],
                         ["000", "007", "999", "x001/000", "x001/x234/067"])

    def test_proofs_of_something_else_are_refused(self):
        leaves = [leaf_hash(bytes([n])) for n in range(7)]
        for index in range(7):
            path = path_of(index, leaves)
            check_inclusion(leaves[index], index, 7, path, root_of(leaves))
            for wrong in (path[:-1], path + path[:1], path[::-1] if len(path) > 1 else []):
                with self.assertRaises(AssertionError):
                    check_inclusion(leaves[index], index, 7, wrong, root_of(leaves))
            with self.assertRaises(AssertionError):
                check_inclusion(leaves[index - 1], index, 7, path, root_of(leaves))
