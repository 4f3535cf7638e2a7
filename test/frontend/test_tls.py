"""TLS on the HTTP core: certificates, their renewal, versions."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import ssl
import tempfile
import threading
import unittest

from certificates import Authority
from core import CoreTest
from support import PATIENCE, PROGRAMS, Closed, Program, make_request, run_race


class TlsTest(CoreTest):
    """Certificates and versions."""

    def served_certificate(self, connection):
        return connection.socket.getpeercert(binary_form=True)

    def reload(self, server):
        after = len(server.lines)
        server.send_signal(signal.SIGHUP)
        return server.wait_for_line(lambda line: line.startswith(("reloaded", "kept")), after)

    def own_files(self):
        """A certificate and key of this test's, to change."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        return [pathlib.Path(shutil.copy(path, folder)) for path in (self.certificate, self.key)]

    def test_a_new_certificate_is_for_new_connections(self):
        certificate, key = self.own_files()
        server = self.start(certificate=certificate, key=key)
        tls = self.authority.client_context()
        with server.connect(tls=tls) as old:
            first = self.served_certificate(old)
            other = self.authority.issue("server", "other")
            shutil.copy(other[0], certificate)
            shutil.copy(other[1], key)
            self.assertEqual(self.reload(server), "reloaded")
            with server.connect(tls=tls) as new:
                self.assertNotEqual(self.served_certificate(new), first)
                self.assertEqual(new.request("GET", "/id/new").status, 200)
            self.assertEqual(old.request("GET", "/id/old").json(), {"id": "old"})
            self.assertEqual(self.served_certificate(old), first)

    def test_files_that_cannot_be_used_leave_the_old_certificate(self):
        certificate, key = self.own_files()
        server = self.start(certificate=certificate, key=key)
        tls = self.authority.client_context()
        with server.connect(tls=tls) as connection:
            first = self.served_certificate(connection)
        other = self.authority.issue("server", "other")
        good_key = key.read_bytes()

        def no_file():
            os.unlink(certificate)

        def not_pem():
            certificate.write_text("not a certificate", encoding="ascii")

        def another_key():
            shutil.copy(self.certificate, certificate)
            shutil.copy(other[1], key)

        def no_key():
            os.unlink(key)

        for spoil in (no_file, not_pem, another_key, no_key):
            spoil()
            line = self.reload(server)
            self.assertIn("kept: ", line)
            self.assertIn(str(certificate.parent), line)
            with server.connect(tls=tls) as connection:
                self.assertEqual(self.served_certificate(connection), first)
                self.assertEqual(connection.request("GET", "/id/a").status, 200)
        key.write_bytes(good_key)
        shutil.copy(self.certificate, certificate)
        self.assertEqual(self.reload(server), "reloaded")

    def test_certificates_are_reloaded_while_clients_come_and_go(self):
        certificate, key = self.own_files()
        server = self.start(certificate=certificate, key=key,
                            connections_per_address=100_000)
        done = threading.Event()
        results = []

        def race():
            try:
                results.append(run_race(server.address, "--seconds", 3, "--aborting", 2, "--silent",
                                        1,
                                        tls=True))
            finally:
                done.set()

        thread = threading.Thread(target=race)
        thread.start()
        while not done.is_set():
            self.assertEqual(self.reload(server), "reloaded")
        thread.join()
        [(counts, complaints)] = results
        self.assertGreater(counts["checked"], 0)
        self.assertEqual(counts["wrong"] + counts["unsolicited"] + counts["missing"], 0, complaints)

    def test_a_client_without_a_certificate_is_refused_where_one_is_wanted(self):
        server = self.start_tls(client_ca=self.authority.path)
        stranger = Authority(self.folder, "another authority")
        good = self.authority.issue("client", "client")
        bad = stranger.issue("client", "stranger")
        with server.connect(tls=self.authority.client_context(certificate=good)) as connection:
            self.assertEqual(connection.request("GET", "/id/a").status, 200)
        for certificate in (None, bad):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                tls = self.authority.client_context(version, certificate)
                with self.assertRaises((OSError, Closed)):
                    server.get("/id/a", tls=tls)

    def test_a_session_is_resumed_where_client_certificates_are_wanted(self):
        server = self.start_tls(client_ca=self.authority.path)
        tls = self.authority.client_context(ssl.TLSVersion.TLSv1_2,
                                            self.authority.issue("client", "client"))
        with server.connect(tls=tls) as connection:
            self.assertEqual(connection.request("GET", "/id/a").status, 200)
            session = connection.socket.session
        with socket.create_connection(server.address, PATIENCE) as plain:
            with tls.wrap_socket(plain, server_hostname="localhost", session=session) as resumed:
                self.assertTrue(resumed.session_reused)
                resumed.sendall(make_request("GET", "/id/a"))
                self.assertTrue(resumed.recv(100).startswith(b"HTTP/1.1 200"))

    def test_tls_1_2_and_1_3_are_served_and_older_versions_refused(self):
        server = self.start_tls()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with server.connect(tls=self.authority.client_context(version)) as connection:
                self.assertEqual(connection.socket.version(), version.name.replace("_", ".", 1)
                                 .replace("TLSv1.", "TLSv1."))
                self.assertEqual(connection.request("GET", "/id/a").status, 200)
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            with self.assertRaises(ssl.SSLError) as caught:
                server.get("/id/a", tls=context)
            self.assertIn("VERSION", str(caught.exception).upper())

    def test_a_client_that_speaks_no_tls_is_closed(self):
        server = self.start_tls()
        with server.connect() as connection:
            connection.try_send(make_request("GET", "/id/a"))
            with contextlib.suppress(OSError):
                while connection.receive():
                    pass
            self.assertNotIn(b"HTTP/1.1 200", connection.buffer)
        self.assert_serves(server, tls=self.authority.client_context())

    def test_a_certificate_that_cannot_be_used_keeps_the_server_from_starting(self):
        other = self.authority.issue("server", "other")
        for certificate, key, named in ((self.folder / "absent.pem", self.key, "absent.pem"),
                                        (self.certificate, other[1], "other.key")):
            program = Program([PROGRAMS / "core_server", "--certificate", certificate, "--key",
                               key],
                              ready=False)
            self.assertEqual(program.wait(), 2)
            self.assertIn(named, program.log())
            self.assertEqual(len(program.log().splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
