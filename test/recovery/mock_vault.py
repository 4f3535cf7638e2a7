#!/usr/bin/python3
"""Vault's HTTP API, as far as it is documented and Bulla uses it, for tests: transit with versions of keys,
associated data and batches, tokens, AppRole, namespaces; and its faults.

usage: mock_vault.py CERTIFICATE KEY PORT_FILE

Serves HTTPS on a free port of 127.0.0.1 and writes its number into PORT_FILE. Not under /v1/, for tests:
POST /mock {"fault": NAME, "times": N} sets a fault for the next N requests (sealed, limited, slow, hang,
half, garbage, other_json, short, error, none); {"expire": true} ends all tokens but the root's;
{"secret_id": …} changes the AppRole's. GET /mock answers how often each path was asked for.
"""
import base64
import collections
import http.server
import json
import os
import secrets
import ssl
import sys
import threading
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ROOT = "hvs.mock-root-token"


class Problem(Exception):
    def __init__(self, status, *errors):
        super().__init__(status)
        self.status, self.errors = status, list(errors)


class State:
    def __init__(self):
        self.lock = threading.Lock()
        self.keys = {}  # (namespace, mount, name): versions
        self.tokens = {ROOT: {"namespace": "", "expires": None, "ttl": 0, "renewable": False}}
        self.role = {"role_id": "mock-role-id", "secret_id": "mock-secret-id", "ttl": 3600}
        self.fault, self.times = "none", 0
        self.asked = collections.Counter()

    def take_fault(self):
        with self.lock:
            if self.times == 0:
                return "none"
            self.times -= 1
            return self.fault


STATE = State()


def field(body, name):
    """A base64 field of a request; what is missing is empty."""
    try:
        return base64.b64decode(body.get(name) or "", validate=True)
    except ValueError as error:
        raise Problem(400, f"failed to base64-decode {name}: {error}") from error


def encrypt(versions, item):
    if "plaintext" not in item:
        return {"error": "missing plaintext to encrypt"}
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(versions[-1]).encrypt(nonce, field(item, "plaintext"), field(item, "associated_data"))
    return {"ciphertext": f"vault:v{len(versions)}:" + base64.b64encode(sealed).decode(),
            "key_version": len(versions)}


def decrypt(versions, item):
    text = item.get("ciphertext", "")
    parts = text.split(":", 2)
    if len(parts) != 3 or parts[0] != "vault" or not parts[1][1:].isdigit():
        return {"error": "invalid ciphertext: no prefix"}
    version = int(parts[1][1:])
    if not 1 <= version <= len(versions):
        return {"error": "invalid ciphertext: unable to decrypt"}
    try:
        sealed = base64.b64decode(parts[2], validate=True)
        plaintext = AESGCM(versions[version - 1]).decrypt(sealed[:12], sealed[12:], field(item, "associated_data"))
    except (InvalidTag, ValueError):
        return {"error": "cipher: message authentication failed"}
    return {"plaintext": base64.b64encode(plaintext).decode()}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=None, headers=()):
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def data(self, data, status=200, auth=None):
        self.answer(status, {"request_id": secrets.token_hex(16), "lease_id": "", "renewable": False,
                             "lease_duration": 0, "data": data, "wrap_info": None, "warnings": None,
                             "auth": auth})

    def token(self):
        """The token's entry; what is unknown, expired or of another namespace has no permission."""
        entry = STATE.tokens.get(self.headers.get("X-Vault-Token", ""))
        if entry is None or (entry["expires"] is not None and entry["expires"] <= time.monotonic()):
            raise Problem(403, "permission denied")
        return entry

    def make_token(self, ttl):
        token = "hvs." + secrets.token_urlsafe(24)
        STATE.tokens[token] = {"expires": time.monotonic() + ttl, "ttl": ttl, "renewable": True}
        return token

    def auth(self, token):
        entry = STATE.tokens[token]
        return {"client_token": token, "accessor": secrets.token_hex(12), "policies": ["default"],
                "token_policies": ["default"], "metadata": {}, "lease_duration": entry["ttl"],
                "renewable": entry["renewable"], "entity_id": "", "token_type": "service", "orphan": True}

    def transit(self, mount, verb, name, body):
        self.token()
        where = (self.headers.get("X-Vault-Namespace", "").strip("/"), mount, name)
        if verb == "keys":
            if self.command == "GET":
                if where not in STATE.keys:
                    raise Problem(404)
                return self.data({"name": name, "type": "aes256-gcm96", "latest_version": len(STATE.keys[where]),
                                  "min_decryption_version": 1, "exportable": False})
            STATE.keys.setdefault(where, [os.urandom(32)])
            return self.answer(204)
        if verb == "rotate":
            STATE.keys[where].append(os.urandom(32))
            return self.answer(204)
        if where not in STATE.keys:
            raise Problem(400 if verb == "decrypt" else 404, "encryption key not found")
        act = encrypt if verb == "encrypt" else decrypt
        if "batch_input" not in body:
            result = act(STATE.keys[where], body)
            if "error" in result:
                raise Problem(400, result["error"])
            return self.data(result)
        results = [act(STATE.keys[where], item) for item in body["batch_input"]]
        # As Vault does: what went wrong with some of a batch makes it a 400 that has all results.
        return self.data({"batch_results": results}, 400 if any("error" in result for result in results) else 200)

    def route(self, path, body):
        parts = path.split("/")
        if path == "sys/health":
            return self.answer(200, {"initialized": True, "sealed": False, "standby": False, "version": "1.15.0"})
        if parts[0] == "auth" and parts[-1] == "login" and len(parts) >= 3:
            role = STATE.role
            if parts[1:-1] != ["approle"]:
                raise Problem(404, "no handler for route")
            if (body.get("role_id"), body.get("secret_id")) != (role["role_id"], role["secret_id"]):
                raise Problem(400, "invalid role or secret ID")
            return self.data(None, auth=self.auth(self.make_token(role["ttl"])))
        if path == "auth/token/lookup-self":
            entry = self.token()
            left = 0 if entry["expires"] is None else max(0, int(entry["expires"] - time.monotonic()))
            return self.data({"ttl": left, "creation_ttl": entry["ttl"], "renewable": entry["renewable"],
                              "policies": ["default"]})
        if path == "auth/token/renew-self":
            entry = self.token()
            if not entry["renewable"]:
                raise Problem(400, "lease is not renewable")
            entry["expires"] = time.monotonic() + entry["ttl"]
            return self.data(None, auth=self.auth(self.headers["X-Vault-Token"]))
        if path == "auth/token/create":
            self.token()
            return self.data(None, auth=self.auth(self.make_token(int(body.get("ttl", "3600").rstrip("s")))))
        if len(parts) == 4 and parts[1] == "keys" and parts[3] == "rotate":
            return self.transit(parts[0], "rotate", parts[2], body)
        if len(parts) == 3 and parts[1] in ("keys", "encrypt", "decrypt"):
            return self.transit(*parts, body)
        raise Problem(404, "no handler for route")

    def mock(self, body):
        if "fault" in body:
            STATE.fault, STATE.times = body["fault"], body.get("times", 1)
        if body.get("expire"):
            STATE.tokens = {ROOT: STATE.tokens[ROOT]}
        for name in ("secret_id", "ttl"):
            if name in body:
                STATE.role[name] = body[name]
        return self.answer(200, {"asked": STATE.asked})

    def misbehave(self, fault):
        """Whether the request has been dealt with."""
        if fault == "sealed":
            self.answer(503, {"errors": ["Vault is sealed"]})
        elif fault == "limited":
            self.answer(429, {"errors": ["request path rate limit quota exceeded"]}, [("Retry-After", "1")])
        elif fault == "error":
            self.answer(500, {"errors": ["internal error"]})
        elif fault == "slow":
            time.sleep(1)
            return False
        elif fault == "hang":
            time.sleep(600)
        elif fault == "half":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"data\"")
            self.close_connection = True
        elif fault == "garbage":
            self.wfile.write(b"\x00\xff not HTTP at all\r\n\r\n")
            self.close_connection = True
        elif fault == "other_json":
            self.answer(200, {"data": {"batch_results": [{"ciphertext": 7, "plaintext": ["!"]}]}})
        elif fault == "short":
            self.answer(200, {"data": {"batch_results": []}})
        elif fault == "redirect":
            self.answer(307, None, [("Location", "https://127.0.0.1:1/v1/")])
        else:
            return False
        return True

    def serve(self):
        size = int(self.headers.get("Content-Length") or 0)
        try:
            body = json.loads(self.rfile.read(size) or b"{}")
        except ValueError:
            return self.answer(400, {"errors": ["failed to parse JSON input"]})
        if self.path == "/mock":
            return self.mock(body)
        if not self.path.startswith("/v1/"):
            return self.answer(404, {"errors": []})
        with STATE.lock:
            STATE.asked[self.path[4:]] += 1
        try:
            if not self.misbehave(STATE.take_fault()):
                self.route(self.path[4:], body)
        except Problem as problem:
            self.answer(problem.status, {"errors": problem.errors})
        return None

    do_GET = do_POST = do_PUT = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that go away, or do not like our certificate, are part of the tests."""
        if not isinstance(sys.exc_info()[1], (OSError, ssl.SSLError)):
            super().handle_error(request, client_address)


def main():
    certificate, key, port_file = sys.argv[1:]
    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(port_file + ".new", "w", encoding="utf-8") as file:
        file.write(str(server.server_address[1]))
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
