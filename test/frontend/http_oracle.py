"""What a strict recipient makes of the bytes of one connection, written straight from RFC 9112.

It knows no limits and no routes: it says how many requests are well-formed before one is refused or
the bytes run out. Where the RFC lets a recipient be lenient, it is not.
"""
import re

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
TARGET = re.compile(rb"/[\x21\x22\x24-\x7e]*|[hH][tT][tT][pP][sS]?://[\x21\x22\x24-\x7e]*")
# Narrower than the RFC, whose names may hold !$&'()*+,;=~ and escapes.
HOST = re.compile(rb"(\[[0-9A-Za-z:._\-]+\]|[A-Za-z0-9\-._]*)(:[0-9]{0,5})?")
EXTENSION = (rb"[ \t]*;[ \t]*" + TOKEN.pattern + rb"([ \t]*=[ \t]*(" + TOKEN.pattern +
             rb"|\"([\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*\"))?")
SIZE = re.compile(rb"([0-9A-Fa-f]+)(" + EXTENSION + rb")*")
OPTIONS = re.compile(rb"[ \t]*(" + TOKEN.pattern + rb")?([ \t]*,[ \t]*(" + TOKEN.pattern
                     + rb")?)*[ \t]*")


class Refused(Exception):
    """The bytes are no request."""


class Incomplete(Exception):
    """The bytes run out in a request."""


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        if len(self.data) - self.at < size:
            raise Incomplete()
        self.at += size
        return self.data[self.at - size:self.at]

    def line(self):
        """One line without its end. A bare CR or LF is refused as soon as it is seen."""
        match = re.compile(rb"[\r\n]").search(self.data, self.at)
        if not match:
            raise Incomplete()
        start, end = self.at, match.start()
        if self.data[end:end + 2] == b"\r":
            raise Incomplete()
        if self.data[end:end + 2] != b"\r\n":
            raise Refused("a bare CR or LF")
        self.at = end + 2
        return self.data[start:end]

    def fields(self, may_fold=False):
        found = []
        while True:
            line = self.line()
            if not line:
                return found
            if may_fold and found and line[:1] in b" \t" and VALUE.fullmatch(line):
                continue
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.fullmatch(name) or not VALUE.fullmatch(value):
                raise Refused("a broken field")
            found.append((name.lower(), value.strip(b" \t")))

    def trailers(self):
        """Dropped, whatever they are, but for those that would give the body another length."""
        for name, _ in self.fields(may_fold=True):
            if name in (b"content-length", b"transfer-encoding"):
                raise Refused("a trailer about the length")

    def chunks(self):
        size = 0
        while True:
            match = SIZE.fullmatch(self.line())
            if not match:
                raise Refused("a broken chunk")
            chunk = int(match[1], 16)
            if chunk == 0:
                self.trailers()
                return size
            self.take(chunk)
            size += chunk
            if self.take(2) != b"\r\n":
                raise Refused("a chunk without end")

    def request(self):
        """Reads one request; returns whether the connection goes on after it."""
        if self.data[self.at:self.at + 2] == b"\r\n":
            self.at += 2
        parts = self.line().split(b" ")
        if len(parts) != 3 or not TOKEN.fullmatch(parts[0]):
            raise Refused("a broken request line")
        method, target, version = parts
        if version not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise Refused("another version")
        if not TARGET.fullmatch(target) and not (target == b"*" and method == b"OPTIONS"):
            raise Refused("a broken target")
        fields = self.fields()
        values = {name: [value for key, value in fields if key == name] for name, _ in fields}
        hosts = values.get(b"host", [])
        if len(hosts) > 1 or (not hosts and version == b"HTTP/1.1"):
            raise Refused("not one Host")
        if hosts and not HOST.fullmatch(hosts[0]):
            raise Refused("a broken Host")
        lengths, codings = values.get(b"content-length", []), values.get(b"transfer-encoding", [])
        if len(lengths) + len(codings) > 1:
            raise Refused("lengths")
        if lengths and not re.fullmatch(rb"[0-9]+", lengths[0]):
            raise Refused("a broken length")
        if codings and (codings[0].lower() != b"chunked" or version == b"HTTP/1.0"):
            raise Refused("a coding")
        if any(value.lower() != b"100-continue" for value in values.get(b"expect", [])):
            raise Refused("an expectation")
        if lengths:
            self.take(int(lengths[0]))
        elif codings:
            self.chunks()
        if not all(OPTIONS.fullmatch(value) for value in values.get(b"connection", [])):
            raise Refused("a broken Connection")
        options = {word.strip(b" \t").lower()
                   for value in values.get(b"connection", []) for word in value.split(b",")}
        if version == b"HTTP/1.0":
            return b"keep-alive" in options and b"close" not in options
        return b"close" not in options


def judge(data):
    """How many requests are well-formed, what follows, and where that begins.

    What follows is "refused", "incomplete", "ended" (by the last request) or "open".
    """
    reader = Reader(data)
    count = 0
    while reader.at < len(data):
        start = reader.at
        try:
            goes_on = reader.request()
        except Refused:
            return count, "refused", start
        except Incomplete:
            return count, "incomplete", start
        count += 1
        if not goes_on:
            return count, "ended", reader.at
    return count, "open", reader.at
