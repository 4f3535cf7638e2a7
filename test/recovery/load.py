#!/usr/bin/python3
"""Clients that append to the ledgers of Load.pm and write down what the server told them.

usage: load.py CONNINFO FOLDER ROUND CLIENTS [--persist] [--timeouts] [--kinds a,b,...]

Each client is a process and writes FOLDER/CLIENT, one line per row and one per error:

    ack LEDGER CLIENT NUMBER TIME      the server said that it is committed: the row must be there
    refused LEDGER CLIENT NUMBER TIME  it failed, or was rolled back: the row must not be there
    unknown LEDGER CLIENT NUMBER TIME  nobody said, as when the connection broke: either is right
    error SQLSTATE CLIENT NUMBER TIME
    note LEDGER,CHAIN,ROOT CLIENT SIZE TIME  a checkpoint that left the database: it must stay true

A client ends when its connection breaks; with --persist it connects again. With --timeouts each transaction
gets a short time limit of some kind. SIGTERM, to the group, ends all of them after the transaction under way.
Client 8 releases its locks late, client 9 commits asynchronously: what that is told, it does not believe.
"""
import argparse
import base64
import ctypes
import json
import os
import random
import signal
import time

import psycopg2

LATE, ASYNCHRONOUS = 8, 9
LEVELS = ("read committed", "repeatable read", "serializable")
TIMEOUTS = ("statement_timeout", "lock_timeout", "bulla.chain_lock_timeout",
            "idle_in_transaction_session_timeout")
CHECKPOINTS = (("ledger", ""), ("lanes", "0"), ("lanes", "1"), ("lanes", "2"), ("parts", ""),
               ("bulla.events", ""), ("bulla.heads", ""))
stopping = False


def stop(*_):
    global stopping
    stopping = True


def die_with_parent():
    """A test that fails leaves nobody behind who goes on connecting."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Undone(Exception):
    """A transaction that was meant to be rolled back, and was."""


class Client:
    def __init__(self, options, name):
        self.options, self.name, self.number = options, name, options.round * 1_000_000
        self.random = random.Random(options.round * 1000 + name)
        self.file = os.open(f"{options.folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.connection = self.cursor = self.prepared_name = None
        self.rows = []

    def connect(self):
        self.connection = psycopg2.connect(self.options.conninfo, connect_timeout=20,
                                           application_name=f"load_{self.name}")
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.do(f"SET default_transaction_isolation = '{LEVELS[self.name % 3]}'")
        if self.name == LATE:
            self.do("SET bulla.early_lock_release = off")
        if self.name == ASYNCHRONOUS:
            self.do("SET synchronous_commit = off")

    def do(self, statement):
        self.cursor.execute(statement)

    def write(self, verb, ledger, number):
        # In one call: nobody reads half a line.
        os.write(self.file, f"{verb} {ledger} {self.name} {number} {time.time():.6f}\n".encode())

    def tell(self, verb):
        for ledger, number in self.rows:
            self.write(verb, ledger, number)
        self.rows = []

    def row(self, ledger):
        """The number of one more row that this transaction is about to append."""
        self.number += 1
        self.rows.append((ledger, self.number))
        return self.number

    # The kinds of transaction.

    def single(self):
        self.do(f"INSERT INTO ledger VALUES ({self.name}, {self.row('ledger')}, 'single')")

    def several(self):
        rows = ", ".join(f"({self.name}, {self.row('ledger')}, 'several')" for _ in range(5))
        self.do(f"INSERT INTO ledger VALUES {rows}")

    def lane(self):
        self.do(f"INSERT INTO lanes VALUES ({self.number % 3}, {self.name}, {self.row('lanes')})")

    def part(self):
        self.do(f"INSERT INTO parts VALUES ({self.name}, {self.row('parts')})")

    def savepoint(self):
        self.do("BEGIN")
        self.do(f"INSERT INTO ledger VALUES ({self.name}, {self.row('ledger')}, 'kept'); SAVEPOINT a")
        self.do(f"INSERT INTO ledger VALUES ({self.name}, -1, 'undone'); ROLLBACK TO a")
        self.do(f"INSERT INTO lanes VALUES ({100 + self.name}, {self.name}, {self.row('lanes')})")
        self.do("COMMIT")

    def event(self, ledger, number, **columns):
        """The call that appends this row when the transaction commits."""
        values = json.dumps({"client": self.name, "number": number} | columns)
        return f"SELECT bulla.append('{ledger}', '{values}')"

    def queued(self):
        self.do(self.event("ledger", self.row("ledger"), note="queued"))

    def queued_several(self):
        self.do("BEGIN")
        self.do(f"{self.event('ledger', self.row('ledger'))}; SAVEPOINT a")
        self.do(f"{self.event('ledger', -1)}; {self.event('parts', -1)}; ROLLBACK TO a")
        for lane in self.random.sample(range(4), 3):  # in any order: the commit locks them in one
            self.do(self.event("lanes", self.row("lanes"), lane=lane))
        self.do(self.event("parts", self.row("parts")))
        self.do("COMMIT")

    def counted(self):
        self.row("counters")
        self.do(f"UPDATE counters SET number = number + 1 WHERE client = {self.name}")

    def publish(self):
        """Seals, or leaves that to others, and gives away every checkpoint there is."""
        if self.random.random() < 0.7:
            self.do("CALL bulla.seal_all()")
            unsealed = [text for text in self.connection.notices if "was not sealed" in text]
            if unsealed:
                raise AssertionError(unsealed)
        for ledger, chain in CHECKPOINTS:
            self.cursor.execute("SELECT bulla.checkpoint(%s, %s)", (ledger, chain))
            note = self.cursor.fetchone()[0]
            if note is not None:
                _, size, root = note.split("\n")[:3]
                self.write("note", f"{ledger},{chain},{base64.b64decode(root).hex()}", int(size))

    def undone(self):
        self.do(f"BEGIN; INSERT INTO ledger VALUES ({self.name}, {self.row('ledger')}, 'undone')")
        self.do("ROLLBACK")
        raise Undone

    def prepared(self):
        self.do("BEGIN")
        self.do(f"INSERT INTO lanes VALUES ({100 + self.name}, {self.name}, {self.row('lanes')})")
        self.do(self.event("lanes", self.row("lanes"), lane=100 + self.name))
        self.prepared_name = f"load_{self.name}_{self.number}"
        self.do(f"PREPARE TRANSACTION '{self.prepared_name}'")
        try:
            self.do(f"COMMIT PREPARED '{self.prepared_name}'")
        except psycopg2.Error:
            self.tell("unknown")  # still prepared, perhaps: end_prepared or the checker ends it
            raise
        self.prepared_name = None

    def end_prepared(self):
        """What an error has left prepared would hold its chain for ever."""
        try:
            self.do(f"ROLLBACK PREPARED '{self.prepared_name}'")
        except psycopg2.Error as error:
            if error.pgcode != "42704":  # not there: it has ended
                raise
        self.prepared_name = None

    def transact(self):
        """One transaction; notes down what the server says of it."""
        try:
            getattr(self, self.random.choice(self.options.kinds))()
        except Undone:
            self.tell("refused")
            return
        alone = any("synchronous replication" in text for text in self.connection.notices)
        self.tell("unknown" if alone or self.name == ASYNCHRONOUS else "ack")

    def attempt(self):
        """One transaction, and what is done about its errors; false where the connection broke."""
        self.rows = []
        del self.connection.notices[:]
        try:
            if self.prepared_name is not None:
                self.end_prepared()
            if self.options.timeouts:
                timeout = self.random.choice(TIMEOUTS)
                self.do(f"SET {timeout} = {self.random.choice((1, 2, 5, 20))}")
            self.transact()
            if self.options.timeouts:
                self.do(f"RESET {timeout}")
        except psycopg2.Error as error:
            self.write("error", error.pgcode or "none", self.number)
            if self.connection.closed or error.pgcode is None or error.pgcode.startswith("57P"):
                self.tell("unknown")
                return False
            self.tell("refused")
            self.do("ROLLBACK")
            for name in TIMEOUTS:
                self.do(f"RESET {name}")
        return True

    def run(self):
        while not stopping:
            try:
                self.connect()
                while not stopping and self.attempt():
                    pass
            except psycopg2.Error as error:
                self.write("error", error.pgcode or "none", self.number)
            if not self.options.persist:
                return
            time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("conninfo")
    parser.add_argument("folder")
    parser.add_argument("round", type=int)
    parser.add_argument("clients", type=int)
    parser.add_argument("--persist", action="store_true")
    parser.add_argument("--timeouts", action="store_true")
    parser.add_argument("--kinds", type=lambda text: text.split(","))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    die_with_parent()
    for name in range(options.clients):
        if os.fork() == 0:
            die_with_parent()
            Client(options, name).run()
            os._exit(0)
    for _ in range(options.clients):
        os.wait()


if __name__ == "__main__":
    main()
