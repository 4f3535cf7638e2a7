"""A witness for tests, written from C2SP's tlog-witness and without Bulla's code. It can be told to misbehave."""
import base64
import hashlib
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from log_reader import Checkpoint, check_consistency

TYPE = b"\4"


class Witness:
    """Trusts one log, whose verifier key it is given later."""

    def __init__(self, name):
        self.name = name
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = hashlib.sha256(name.encode() + b"\n" + TYPE + self.public).digest()[:4]
        self.log_key = None
        self.size, self.root = 0, None
        self.requests = []  # the status that each was answered with
        self.answer = None  # in place of what is right: status, type and body
        self.arrived = 0  # requests, answered or not
        self.lock = threading.Lock()
        witness = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                witness.arrived += 1
                with witness.lock:
                    status, kind, text = witness.answer or witness.judge(self.path, body)
                    witness.requests.append(status)
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # clients that left
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/w"

    @property
    def verifier_key(self):
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(TYPE + self.public).decode()}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def cosign(self, text, seconds):
        signature = self.key.sign(b"cosignature/v1\ntime %d\n" % seconds + text.encode())
        blob = base64.b64encode(self.key_id + struct.pack(">Q", seconds) + signature).decode()
        return f"— {self.name} {blob}\n"

    def judge(self, path, body):
        if path != "/w/add-checkpoint":
            return 404, "text/plain", "no such path\n"
        head, _, note = body.partition("\n\n")
        first, *proof = head.split("\n")
        old_size = int(first.removeprefix("old "))
        checkpoint = Checkpoint(note, self.log_key)
        if old_size != self.size:
            return 409, "text/x.tlog.size", f"{self.size}\n"
        if self.size > 0:
            try:
                check_consistency(self.size, checkpoint.size, [base64.b64decode(line, validate=True) for line in proof],
                                  self.root, checkpoint.root)
            except AssertionError:
                return 422, "text/plain", "the proof does not fit\n"
        self.size, self.root = checkpoint.size, checkpoint.root
        return 200, "text/plain", self.cosign(note.rpartition("\n\n")[0] + "\n", int(time.time()))
