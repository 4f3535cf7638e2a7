"""Where bullad witness sends what it has cosigned: webhooks, peers, and what it reads back from the web."""
import functools
import http.server
import threading
import unittest

from certificates import Authority
from support import wait_until
from witness_oracle import Log, consistent, cosigned_at, text_of
from witness_support import WitnessTest, size_in

BAD_STATE = 4  # the exit code


class Receiver(http.server.ThreadingHTTPServer):
    """A web server of the test's: keeps what is posted, and answers what it is told to."""

    def __init__(self, test, handler=None):
        super().__init__(("127.0.0.1", 0), handler or Receiver.Handler)
        self.bodies, self.status = [], 200
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        test.addCleanup(self.server_close)
        test.addCleanup(thread.join)
        test.addCleanup(self.shutdown)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    class Handler(http.server.BaseHTTPRequestHandler):
        """Takes notes by POST."""

        def do_POST(self):  # pylint: disable=invalid-name
            body = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
            self.server.bodies.append((self.path, self.headers["Content-Type"], body))
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):  # pylint: disable=arguments-differ
            pass


class WebhookTest(WitnessTest):
    """POST of each newest checkpoint."""

    def test_each_newest_checkpoint_is_sent_with_its_cosignature(self):
        receiver = Receiver(self)
        log = Log(leaves=9)
        files = self.make(log, publish__webhooks=[receiver.url + "/hook?secret=xyzzy"])
        witness = self.serve(files)
        old = 0
        for size in (3, 5, 9):
            witness.add(log.request(old, size))
            wait_until(lambda size=size: any(size_in(body) == size for _, _, body in receiver.bodies),
                       "it is sent")
            old = size
        for path, content_type, body in receiver.bodies:
            self.assertEqual((path, content_type), ("/hook?secret=xyzzy", "text/plain; charset=utf-8"))
            self.assertEqual(text_of(body), log.text(size_in(body)))
            cosigned_at(files.vkey, text_of(body), body[len(text_of(body)) + 1:])
        wait_until(lambda: (witness.metric("bulla_witness_published_timestamp_seconds", target="webhook 1") or 0) > 0,
                   "it counts as published")
        witness.stop()
        self.assertNotIn("xyzzy", witness.log() + files.run("check-config", "--config", files.config).stdout)

    def test_what_is_not_taken_is_tried_again_and_holds_up_nobody(self):
        receiver = Receiver(self)
        receiver.status = 500
        log = Log(leaves=9)
        files = self.make(log, publish__webhooks=[receiver.url])
        witness = self.serve(files)
        self.assert_cosigned(files, witness.add(log.request(0, 3)), log.note(3))
        wait_until(lambda: witness.metric("bulla_witness_publish_failures_total", target="webhook 1") > 0, "it fails")
        witness.wait_for_log("cannot publish, and tries again", target="webhook 1", error="it answers 500")
        self.assert_cosigned(files, witness.add(log.request(3, 9)), log.note())
        receiver.status = 204
        del receiver.bodies[:]
        wait_until(lambda: any(size_in(body) == 9 for _, _, body in receiver.bodies), "it is sent at last")
        witness.wait_for_log("published again", target="webhook 1")

    def test_urls_that_cannot_be_asked_are_refused_at_start(self):
        for url in ("ftp://example.com/", "nonsense", "http://example.com/plain", "https://user:pass@example.com/"):
            for key in ("webhooks", "peers", "read_back"):
                files = self.make(Log(), **{f"publish__{key}": [url]})
                self.assert_refuses(files.refused(), 2, f"publish.{key}")


class PeerTest(WitnessTest):
    """Witnesses that tell each other what they have cosigned."""

    def setUp(self):
        super().setUp()
        self.log = Log(leaves=9)
        self.other = self.make(self.log, name="witness.example.com/other")
        self.peer = self.serve(self.other)

    def with_peer(self, address=None, **settings):
        host, port = address or self.peer.address
        return self.make(self.log, publish__peers=[f"http://{host}:{port}/"], **settings)

    def wait_for_peer(self, size, peer=None):
        def look():
            answer = (peer or self.peer).checkpoint(self.log)
            return answer.status == 200 and size_in(answer.body.decode("utf-8")) == size
        wait_until(look, f"the peer has cosigned size {size}")

    def test_a_peer_follows_step_by_step(self):
        files = self.with_peer()
        witness = self.serve(files)
        old = 0
        for size in (3, 4, 7, 7, 9):
            witness.add(self.log.request(old, size))
            self.wait_for_peer(size)
            old = size
        self.assert_shows(self.other, self.peer, self.log, 9)
        self.assertEqual(self.peer.metric("bulla_witness_consistent", origin=self.log.origin), 1)

    def test_a_peer_that_was_away_gets_the_steps_that_it_lacks(self):
        address = self.peer.address
        files = self.with_peer()
        witness = self.serve(files)
        witness.add(self.log.request(0, 3))
        self.wait_for_peer(3)
        self.peer.stop()
        for old, size in ((3, 4), (4, 6), (6, 9)):
            self.assertEqual(witness.add(self.log.request(old, size)).status, 200)
        wait_until(lambda: witness.metric("bulla_witness_publish_failures_total", target="peer 1") > 0, "it fails")
        self.other.configure(api__listen=[f"{address[0]}:{address[1]}"])
        peer = self.serve(self.other)
        self.wait_for_peer(9, peer)

    def test_a_log_that_shows_each_witness_another_history_is_caught(self):
        fork = self.log.fork(2, 4, "fork")
        self.assertEqual(self.peer.add(fork.request(0)).status, 200)  # size 6
        files = self.with_peer(witness__refresh_every="200ms")
        witness = self.serve(files)
        self.assertFalse(consistent(fork.leaves, self.log.leaves))
        self.assertEqual(witness.add(self.log.request(0, 6)).status, 200)
        wait_until(lambda: witness.metric("bulla_witness_consistent", origin=self.log.origin) == 0, "we know")
        [name] = files.kept()
        self.assertIn("-other-root-", name)
        self.assertEqual((files.evidence / name / "old").read_text(encoding="utf-8"), self.log.note(6))
        self.assertEqual((files.evidence / name / "new").read_text(encoding="utf-8"), fork.note())
        # The peer has heard of it, too.
        self.assertEqual(self.peer.metric("bulla_witness_consistent", origin=self.log.origin), 0)
        self.assertEqual(len(self.other.kept()), 1)

    def test_a_fork_of_a_step_in_between_is_caught_as_well(self):
        fork = self.log.fork(2, 2, "fork")  # size 4
        self.assertEqual(self.peer.add(fork.request(0)).status, 200)
        address = self.peer.address
        self.peer.stop()
        files = self.with_peer(address)
        witness = self.serve(files)
        for old, size in ((0, 4), (4, 7)):
            self.assertEqual(witness.add(self.log.request(old, size)).status, 200)
        self.other.configure(api__listen=[f"{address[0]}:{address[1]}"])
        self.peer = self.serve(self.other)
        wait_until(lambda: witness.metric("bulla_witness_consistent", origin=self.log.origin) == 0, "we know")
        [name] = files.kept()
        self.assertEqual((files.evidence / name / "new").read_text(encoding="utf-8"), fork.note())

    def test_a_peer_that_is_ahead_is_no_lie(self):
        self.assertEqual(self.peer.add(self.log.request(0, 9)).status, 200)
        files = self.with_peer()
        witness = self.serve(files)
        self.assertEqual(witness.add(self.log.request(0, 4)).status, 200)
        wait_until(lambda: (witness.metric("bulla_witness_published_timestamp_seconds", target="peer 1") or 0) > 0,
                   "the peer was asked")
        self.assertEqual(witness.metric("bulla_witness_consistent", origin=self.log.origin), 1)
        self.assertEqual((files.kept(), self.other.kept()), ([], []))

    def test_a_lie_of_before_the_restart_is_found_after_it(self):
        files = self.make(self.log)
        witness = self.serve(files)
        witness.add(self.log.request(0, 6))
        witness.stop()
        self.assertEqual(self.peer.add(self.log.fork(2, 4, "fork").request(0)).status, 200)
        host, port = self.peer.address
        files.configure(publish__peers=[f"http://{host}:{port}"])
        witness = self.serve(files)
        wait_until(lambda: witness.metric("bulla_witness_consistent", origin=self.log.origin) == 0, "we know")


class ReadBackTest(WitnessTest):
    """What it has published, where others serve it."""

    def setUp(self):
        super().setUp()
        self.log = Log(leaves=9)
        self.published = self.folder / "published"
        self.published.mkdir()

        class Quiet(http.server.SimpleHTTPRequestHandler):
            """The published directory."""

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.mirror = Receiver(self, functools.partial(Quiet, directory=str(self.published)))
        self.files = self.make(self.log)
        self.publishing = {"publish__directory": str(self.published)}
        self.reading = {"publish__read_back": [self.mirror.url + "/"]}

    def cosign(self, old, size, **settings):
        self.files.configure(**settings)
        witness = self.serve(self.files)
        self.assert_cosigned(self.files, witness.add(self.log.request(old, size)), self.log.note(size))
        witness.stop()

    def test_an_older_state_than_was_published_is_refused(self):
        self.cosign(0, 4, **self.publishing, **self.reading)  # nothing there yet
        old = self.files.state.read_bytes()
        self.cosign(4, 9, **self.publishing, **self.reading)
        new = self.files.state.read_bytes()
        self.files.state.write_bytes(old)
        self.files.configure(**self.reading)
        self.assert_refuses(self.files.refused(), BAD_STATE, "published more than its state knows", self.mirror.url)
        self.files.state.write_bytes(new)
        self.cosign(9, 9, **self.reading)

    def test_where_nobody_answers_it_does_not_start(self):
        self.cosign(0, 4)
        self.files.configure(publish__read_back=["http://127.0.0.1:1"])
        self.assert_refuses(self.files.refused(), 1, "cannot be read back")

    def test_what_is_served_and_is_not_its_own_is_refused(self):
        self.cosign(0, 4, **self.publishing)
        note = self.published / self.log.hash / "checkpoint"
        note.write_text(self.log.note(4), encoding="utf-8")
        self.files.configure(**self.reading)
        self.assert_refuses(self.files.refused(), BAD_STATE, "was not cosigned by this witness")


class TlsTest(WitnessTest):
    """TLS, as bullad's own."""

    def test_logs_and_peers_reach_it_by_tls(self):
        authority = Authority(self.folder)
        certificate, key = authority.issue("witness", "witness")
        log = Log(leaves=9)
        other = self.make(log, name="witness.example.com/other", api__tls_certificate=str(certificate),
                          api__tls_key=str(key))
        peer = self.serve(other)
        tls = authority.client_context()
        self.assert_cosigned(other, peer.add(log.request(0, 3), tls=tls), log.note(3))
        files = self.make(log, publish__peers=[f"https://localhost:{peer.address[1]}"],
                          publish__ca_file=str(authority.path))
        witness = self.serve(files)
        self.assertEqual(witness.add(log.request(0, 3)).status, 200)
        self.assertEqual(witness.add(log.request(3, 9)).status, 200)
        wait_until(lambda: size_in(peer.get(f"/{log.hash}/checkpoint", tls=tls).body.decode("utf-8")) == 9,
                   "the peer follows")
        stranger = Authority(self.folder, "another authority")
        files.configure(publish__peers=[f"https://localhost:{peer.address[1]}"],
                        publish__ca_file=str(stranger.path))
        witness.stop()
        witness = self.serve(files)
        wait_until(lambda: witness.metric("bulla_witness_publish_failures_total", target="peer 1") > 0,
                   "another CA's certificate is refused")


if __name__ == "__main__":
    unittest.main()
