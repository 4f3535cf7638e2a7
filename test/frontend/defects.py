"""Checks for what Pistache's stock endpoint does wrong, one function for each defect.

Eleven are those of docs/adr; the twelfth was found by these tests.

A check takes a subject, which starts servers, and returns nothing where the server is sound and a
sentence where it shows the defect. test_defects.py runs each on the stock endpoint, where it has to
find something, and on the core, where it must not.
"""
import contextlib
import signal
import socket
import ssl
import time

from support import Closed, make_request, run_race, wait_until

# What an otherwise idle server may use up in two seconds of watching; a thread that spins uses two.
IDLE_CPU_SECONDS = 1.0


def serves(server, seconds, tls=None):
    """Whether a good request is answered within the time."""
    with contextlib.suppress(OSError, Closed):
        return server.get("/id/good", timeout=seconds, tls=tls).status == 200
    return False


def ended(server):
    """Whether a server that was just asked something has ended, which may take it a moment."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not server.running() or serves(server, 5), "the server answers or ends",
                   20)
    return not server.running()


def spins(server):
    """Whether the server burns a core though nobody asks anything."""
    before = server.cpu_seconds()
    time.sleep(2)
    return server.cpu_seconds() - before > IDLE_CPU_SECONDS


def answers_another_clients_question(subject):
    with subject.start(threads=1, **subject.many_clients) as server:
        for words in subject.races("/id/"):
            counts, complaints = run_race(server.address, *words)
            if counts["wrong"] or counts["unsolicited"]:
                return f"answers went to other clients: {complaints}"
            if counts["missing"]:
                return f"answers are missing: {complaints}"
    return None


def breaks_when_answered_from_another_thread(subject):
    with subject.start(threads=2, **subject.many_clients) as server:
        until = time.monotonic() + subject.race_seconds
        while server.running() and time.monotonic() < until:
            counts, complaints = run_race(server.address, "--path", "/async/", "--seconds", 4,
                                          "--aborting", 12, "--requests", 1)
            if counts["checked"] and counts["missing"] and server.running():
                return f"answers are missing: {complaints}"
        if not server.running():
            return f"the server {server.state()}"
    return None


def spins_on_a_chunk_that_is_split(subject):
    head = (b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n")
    body = b"5\r\nhello\r\n0\r\n\r\n"
    with subject.start(threads=1) as server:
        for split in range(len(body)):
            with server.connect(timeout=10) as connection:
                connection.send(head + body[:split])
                time.sleep(0.05)
                connection.send(body[split:])
                try:
                    if connection.answer().status != 200:
                        return f"a chunked body split after {body[:split]!r} is refused"
                except TimeoutError:
                    return (f"a chunked body split after {body[:split]!r} is not answered, and the"
                            f" server {'spins' if spins(server) else 'waits'}")
    return None


def overflows_its_stack_on_slashes(subject):
    with subject.start(body=65536, **subject.if_core(target=32768, head=65536)) as server:
        for target in ("/" * 16000, "/a" * 15000):
            with contextlib.suppress(Closed, OSError), server.connect() as connection:
                connection.request("GET", target)
            if ended(server):
                return f"a path of {target[:2]}… ends the server: it {server.state()}"
    return None


def ends_when_a_handler_throws_something_else(subject):
    with subject.start() as server:
        for target in ("/throw", "/throw-int"):
            answer = None
            with contextlib.suppress(Closed, OSError):
                answer = server.get(target)
            if ended(server):
                return f"{target} ends the server: it {server.state()}"
            if answer is None or answer.status != 500:
                return f"{target} is answered with {answer}"
    return None


def ends_when_the_event_loop_meets_an_exception(subject):
    with subject.start() as server:
        for target in ("/throw-after/x", *subject.if_core(also="/throw-after-int/x").values()):
            with contextlib.suppress(Closed, OSError):
                server.get(target)
            if ended(server):
                return f"{target} ends the server: it {server.state()}"
    return None


def waits_for_idle_handshakes(subject):
    certificate, key = subject.certificate
    with subject.start(certificate=certificate, key=key,
                       **subject.if_core(tls_handshake=300_000)) as server:
        with contextlib.ExitStack() as idle:
            number = 200 if subject.is_core else 5  # as many as the other's backlog takes
            for _ in range(number):
                idle.enter_context(server.connect())
            if not serves(server, 15, tls=subject.authority.client_context()):
                return f"{number} clients that are silent in the TLS handshake keep a new one out"
    return None


def parses_what_follows_413(subject):
    with subject.start(body=65536, **subject.if_core(linger_time=3000)) as server:
        with server.connect(timeout=5) as connection:
            connection.try_send(
                b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n"
                                b"\r\n" + b"x" * 66000)
            # Of the declared body still: what stands in it is data, whatever it looks like.
            for _ in range(20):
                connection.try_send(make_request("GET", "/id/smuggled"))
                time.sleep(0.02)
            with contextlib.suppress(TimeoutError):
                while connection.receive():
                    pass
            if b"smuggled" in connection.buffer:
                return "what follows 413 on the connection is answered as requests"
            answer = connection.answer()
            if answer.status != 413 or connection.buffer:
                return f"a body that is too large is answered with {answer}, {connection.buffer!r}"
    return None


def gives_up_on_an_answer_that_takes_long(subject):
    with subject.start(head_time=500, **subject.if_core(body_time=500, idle_time=500)) as server:
        with server.connect() as connection:
            answer = connection.request("GET", "/slow/3000/late")
            if answer.status != 200 or b"late" not in answer.body:
                return f"what takes longer than a head may take is answered with {answer.status}"
    return None


def spins_without_descriptors(subject):
    with subject.start() as server:
        with contextlib.ExitStack() as clients:
            server.limit_descriptors(server.descriptors() + 2)
            for _ in range(20):
                clients.enter_context(server.connect())
            time.sleep(0.2)
            if spins(server):
                return "the accept thread spins where no descriptor is left"
        server.limit_descriptors(None)
        if not wait_until(lambda: serves(server, 5), "the server serves again"):
            return "the server does not come back"
    return None


def loses_answers_when_it_is_stopped(subject):
    with subject.start(threads=2) as server:
        with contextlib.ExitStack() as clients:
            asking = [clients.enter_context(server.connect()) for _ in range(10)]
            for number, client in enumerate(asking):
                client.send(make_request("GET", f"/slow/1500/{number}"))
            for client in asking:
                if not client.silent(0.02):
                    return "an answer came too early"
            server.send_signal(signal.SIGTERM)
            for number, client in enumerate(asking):
                try:
                    answer = client.answer()
                except (Closed, socket.timeout, ssl.SSLError, OSError):
                    return "answers that were under way are lost when the server is stopped"
                if answer.status != 200 or answer.json()["id"] != str(number):
                    return f"an answer that was under way became {answer}"
        if server.wait() != 0:
            return f"the server {server.state()}"
    return None


def spins_on_a_client_that_does_not_read(subject):
    with subject.start(threads=1) as server:
        with server.connect(receive_buffer=4096) as client:
            client.send(make_request("GET", "/big/20000000"))
            time.sleep(0.2)
            if spins(server) or not serves(server, 10):
                return "the server spins over an answer that is not taken, and serves nobody else"
    return None
