#!/usr/bin/python3
"""Asks a Vault server, through python3-hvac, for what Bulla asks it: whether the mock behaves as hvac, which
we did not write, expects of Vault. Prints TAP.

usage: check_mock_vault.py   (VAULT_ADDR, VAULT_TOKEN, VAULT_CACERT; ROLE_ID and SECRET_ID of an AppRole)
"""
import base64
import os

import hvac

count = 0


def ok(passed, name):
    global count
    count += 1
    print(f"{'ok' if passed else 'not ok'} {count} - {name}")


def text(value):
    return base64.b64encode(value).decode()


client = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"],
                     verify=os.environ.get("VAULT_CACERT", True))
ok(client.is_authenticated(), "the token is known")
ok(client.sys.read_health_status(method="GET")["sealed"] is False, "it is not sealed")
transit = client.secrets.transit
transit.create_key(name="by-hvac")
ok(transit.read_key(name="by-hvac")["data"]["type"] == "aes256-gcm96", "a key is AES-256-GCM")
one = transit.encrypt_data(name="by-hvac", plaintext=text(b"secret"))["data"]["ciphertext"]
ok(one.startswith("vault:v1:"), "a ciphertext names the key's version")
ok(transit.decrypt_data(name="by-hvac", ciphertext=one)["data"]["plaintext"] == text(b"secret"), "it opens")
transit.rotate_key(name="by-hvac")
two = transit.encrypt_data(name="by-hvac", plaintext=text(b"secret"))["data"]["ciphertext"]
ok(two.startswith("vault:v2:"), "after a rotation the version is the next one")
ok(transit.decrypt_data(name="by-hvac", ciphertext=one)["data"]["plaintext"] == text(b"secret"), "the first still opens")


def post(path, **body):
    return client.adapter.request("post", "/v1/transit/" + path, json=body)


bound = post("encrypt/by-hvac", batch_input=[{"plaintext": text(b"a"), "associated_data": text(b"here")},
                                             {"plaintext": text(b"b"), "associated_data": text(b"here")}])
bound = [result["ciphertext"] for result in bound["data"]["batch_results"]]
opened = post("decrypt/by-hvac", batch_input=[{"ciphertext": item, "associated_data": text(b"here")} for item in bound])
ok([result["plaintext"] for result in opened["data"]["batch_results"]] == [text(b"a"), text(b"b")], "a batch, bound")
for name, body in (("other associated data", {"ciphertext": bound[0], "associated_data": text(b"there")}),
                   ("none", {"ciphertext": bound[0]}),
                   ("an altered ciphertext", {"ciphertext": bound[0][:-4] + "AAA=", "associated_data": text(b"here")}),
                   ("what is no ciphertext", {"ciphertext": "nonsense"})):
    try:
        post("decrypt/by-hvac", **body)
        ok(False, f"{name}: refused")
    except hvac.exceptions.InvalidRequest:
        ok(True, f"{name}: refused")
try:
    post("decrypt/by-hvac", batch_input=[{"ciphertext": bound[0], "associated_data": text(b"here")}, {"ciphertext": bound[1]}])
    ok(False, "a batch of which one item does not open is a 400")
except hvac.exceptions.InvalidRequest:
    ok(True, "a batch of which one item does not open is a 400")
anonymous = hvac.Client(url=client.url, token="wrong", verify=os.environ.get("VAULT_CACERT", True))
try:
    anonymous.secrets.transit.encrypt_data(name="by-hvac", plaintext=text(b"x"))
    ok(False, "a wrong token is forbidden")
except hvac.exceptions.Forbidden:
    ok(True, "a wrong token is forbidden")
role = hvac.Client(url=client.url, verify=os.environ.get("VAULT_CACERT", True))
login = role.auth.approle.login(role_id=os.environ["ROLE_ID"], secret_id=os.environ["SECRET_ID"])
ok(login["auth"]["lease_duration"] > 0 and login["auth"]["renewable"], "AppRole gives a token with a lease")
ok(role.secrets.transit.encrypt_data(name="by-hvac", plaintext=text(b"x"))["data"]["ciphertext"].startswith("vault:v2:"),
   "which may encrypt")
ok(role.auth.token.renew_self()["auth"]["client_token"] == role.token, "and is renewed")
ok(role.auth.token.lookup_self()["data"]["creation_ttl"] > 0, "and tells of itself")
try:
    role.auth.approle.login(role_id=os.environ["ROLE_ID"], secret_id="wrong")
    ok(False, "a wrong secret id is refused")
except hvac.exceptions.InvalidRequest:
    ok(True, "a wrong secret id is refused")
print(f"1..{count}")
