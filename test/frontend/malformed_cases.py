"""Requests that are malformed, or odd and well-formed, with what each has to be answered.

A case is what the client sends, in pieces that arrive apart, and what it must see: the statuses of
the answers in order, and whether the connection then ends, goes on, or waits for more.
"""
import dataclasses

ENDS = "ends"      # the server closes
GOES_ON = "goes on"  # a further request on the connection is answered
WAITS = "waits"    # nothing comes: the request is not complete


@dataclasses.dataclass
class Case:
    """`answers` may hold a set of statuses where the contract leaves the choice."""
    name: str
    pieces: list
    answers: list
    then: str
    body: bytes = None       # what the last good POST has to have received
    ids: list = None         # what the answers of /id have to name, in order
    absent: str = None       # a field that no handler may see
    allow: set = None        # the methods in Allow of the last answer


GET = b"GET /id/a HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = "good"  # GET is answered so
TAKEN = "taken"  # POST is answered so

CASES = []


def refused(name, status, *pieces):
    CASES.append(Case(name, list(pieces), [status], ENDS))


def good(name, *pieces, **more):
    CASES.append(Case(name, list(pieces), [GOOD], GOES_ON, **more))


def taken(name, *pieces, **more):
    CASES.append(Case(name, list(pieces), [TAKEN], GOES_ON, **more))


def waits(name, *pieces):
    CASES.append(Case(name, list(pieces), [], WAITS))


def case(name, pieces, answers, then, **more):
    CASES.append(Case(name, pieces, answers, then, **more))


def line(start, fields=b"Host: x\r\n"):
    return start + b"\r\n" + fields + b"\r\n"


# The request line.
good("a plain request", GET + b"\r\n")
good("one empty line before a request", b"\r\n" + GET + b"\r\n")
refused("two empty lines before a request", 400, b"\r\n\r\n" + GET + b"\r\n")
refused("a thousand empty lines", 400, b"\r\n" * 1000)
refused("bare line feeds for ends of lines", 400, b"GET /id/a HTTP/1.1\nHost: x\n\n")
refused("a bare line feed after the request line", 400, b"GET /id/a HTTP/1.1\nHost: x\r\n\r\n")
refused("a bare line feed before a request", 400, b"\n" + GET + b"\r\n")
refused("a bare carriage return in the request line", 400,
        b"GET /id/a\rHTTP/1.1\r\nHost: x\r\n\r\n")
refused("no version", 400, b"GET /id/a\r\n\r\n")
refused("an empty version", 400, line(b"GET /id/a "))
refused("no target", 400, line(b"GET  HTTP/1.1"))
refused("a method alone", 400, line(b"GET"))
refused("no method", 400, line(b" /id/a HTTP/1.1"))
refused("half a version", 400, line(b"GET /id/a H"))
refused("a lower-case version", 400, line(b"GET /id/a http/1.1"))
refused("another protocol", 400, line(b"GET /id/a HTCPCP/1.1"))
refused("a version with more behind it", 400, line(b"GET /id/a HTTP/1.1junk"))
refused("a version of two digits", 400, line(b"GET /id/a HTTP/1.10"))
refused("a version without a dot", 400, line(b"GET /id/a HTTP/11"))
refused("HTTP/2.0", 505, line(b"GET /id/a HTTP/2.0"))
refused("HTTP/1.2", 505, line(b"GET /id/a HTTP/1.2"))
refused("HTTP/0.9", 505, line(b"GET /id/a HTTP/0.9"))
refused("the preface of HTTP/2", 505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
refused("a TLS client hello", 400, bytes.fromhex("16030100f4010000f00303") + b"\x7f\x01" * 100)
refused("two blanks after the method", 400, line(b"GET  /id/a HTTP/1.1"))
refused("two blanks after the target", 400, line(b"GET /id/a  HTTP/1.1"))
refused("a blank after the version", 400, line(b"GET /id/a HTTP/1.1 "))
refused("a blank before the method", 400, line(b" GET /id/a HTTP/1.1"))
refused("tabs for blanks", 400, line(b"GET\t/id/a\tHTTP/1.1"))
refused("a method that is no token", 400, line(b"G@T /id/a HTTP/1.1"))
refused("a method with a colon", 400, line(b"GET: /id/a HTTP/1.1"))
refused("bytes that are no text", 400, line(b"\xff\xff\xff\xff \xff \xff"))
refused("a field where the request line should be", 400, b"Host: x\r\n\r\n")
refused("an answer where the request should be", 400,
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
waits("a method and a blank", b"GET ")
waits("a request line without its end", b"GET /id/a HTTP/1.1")
waits("a head without its end", GET)
waits("a head without its last line feed", GET + b"\r")
case("a method that is not known", [line(b"FETCH /id/a HTTP/1.1")], [405], GOES_ON)
case("a lower-case method is another method", [line(b"get /id/a HTTP/1.1")], [405], GOES_ON)
case("a method that the path does not take", [line(b"POST /id/a HTTP/1.1")], [405], GOES_ON,
     allow={"GET", "HEAD", "OPTIONS"})
case("a method that the path does not take, with a body",
     [b"PUT /id/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"], [405], GOES_ON,
     allow={"GET", "HEAD", "OPTIONS"})
case("TRACE", [line(b"TRACE /id/a HTTP/1.1")], [405], GOES_ON)
refused("CONNECT", 400, line(b"CONNECT localhost:443 HTTP/1.1"))
case("OPTIONS of a path", [line(b"OPTIONS /id/a HTTP/1.1")], [204], GOES_ON,
     allow={"GET", "HEAD", "OPTIONS"})
case("OPTIONS of the server", [line(b"OPTIONS * HTTP/1.1")], [204], GOES_ON)
refused("GET of the server", 400, line(b"GET * HTTP/1.1"))

# The target.
refused("a target without a slash", 400, line(b"GET id/a HTTP/1.1"))
refused("a target that is only a query", 400, line(b"GET ?a=b HTTP/1.1"))
refused("a fragment", 400, line(b"GET /id/a#b HTTP/1.1"))
refused("a NUL in the path", 400, line(b"GET /id/a\0b HTTP/1.1"))
refused("a tab in the path", 400, line(b"GET /id/a\tb HTTP/1.1"))
refused("a delete character in the path", 400, line(b"GET /id/a\x7f HTTP/1.1"))
refused("a blank in the path", 400, line(b"GET /id/a b HTTP/1.1"))
refused("bytes above ASCII in the path", 400, line(b"GET /id/\xff\xfe HTTP/1.1"))
refused("UTF-8 that is not encoded in the path", 400, line("GET /id/ä HTTP/1.1".encode()))
refused("an end of line and a field in the path", 400, line(b"GET /id/a\r\nX-Evil: 1 HTTP/1.1"))
refused("an end of line and a field in the query", 400, line(b"GET /id/a?b\r\nX-Evil: 1 HTTP/1.1"))
good("the absolute form", line(b"GET http://x/id/a HTTP/1.1"), ids=["a"])
good("the absolute form with https and a port", line(b"GET HTTPS://x:1/id/a HTTP/1.1"), ids=["a"])
good("the absolute form of another host", line(b"GET http://y/id/a HTTP/1.1"), ids=["a"])
case("the absolute form without a path", [line(b"GET http://x HTTP/1.1")], [404], GOES_ON)
refused("the absolute form with another scheme", 400, line(b"GET ftp://x/id/a HTTP/1.1"))
refused("the absolute form with a scheme cut short", 400, line(b"GET http:/x HTTP/1.1"))
case("the root", [line(b"GET / HTTP/1.1")], [404], GOES_ON)
case("two slashes first", [line(b"GET //id/a HTTP/1.1")], [400], GOES_ON)
case("only slashes", [line(b"GET //// HTTP/1.1")], [400], GOES_ON)
case("an empty segment", [line(b"GET /id//a HTTP/1.1")], [400], GOES_ON)
case("a slash at the end", [line(b"GET /id/a/ HTTP/1.1")], [400], GOES_ON)
case("a path that goes up", [line(b"GET /x/../id/a HTTP/1.1")], [400], GOES_ON)
case("a path that stays", [line(b"GET /./id/a HTTP/1.1")], [400], GOES_ON)
case("an encoded path that goes up", [line(b"GET /x/%2e%2E/id/a HTTP/1.1")], [400], GOES_ON)
case("half an escape", [line(b"GET /id/% HTTP/1.1")], [400], GOES_ON)
case("an escape of one digit", [line(b"GET /id/%4 HTTP/1.1")], [400], GOES_ON)
case("an escape without digits", [line(b"GET /id/%zz HTTP/1.1")], [400], GOES_ON)
case("an escape of Unicode", [line(b"GET /id/%u0041 HTTP/1.1")], [400], GOES_ON)
case("an encoded NUL", [line(b"GET /id/a%00b HTTP/1.1")], [400], GOES_ON)
case("encoded bytes that are not UTF-8", [line(b"GET /id/%ff%fe HTTP/1.1")], [400], GOES_ON)
case("an encoded overlong slash", [line(b"GET /id/%c0%af HTTP/1.1")], [400], GOES_ON)
case("an encoded surrogate", [line(b"GET /id/%ed%a0%80 HTTP/1.1")], [400], GOES_ON)
case("a bad escape where there is no route", [line(b"GET /nowhere/%zz HTTP/1.1")], [400], GOES_ON)
case("a path that is not there", [line(b"GET /nowhere HTTP/1.1")], [404], GOES_ON)
case("a path that goes on behind a route", [line(b"GET /id/a/b/c HTTP/1.1")], [404], GOES_ON)

# Limits, with the default ones.
good("a target of 8,192 bytes", line(b"GET /id/" + b"a" * 8188 + b" HTTP/1.1"))
refused("a target of 8,193 bytes", 414, line(b"GET /id/" + b"a" * 8189 + b" HTTP/1.1"))
refused("a target of 60,000 bytes", 414, line(b"GET /id/" + b"a" * 60000 + b" HTTP/1.1"))
refused("a target that does not end", 414, b"GET /id/" + b"a" * 20000)
refused("a query of 9,000 bytes", 414, line(b"GET /id/a?" + b"a" * 9000 + b" HTTP/1.1"))
refused("16,000 slashes", 414, line(b"GET " + b"/" * 16000 + b" HTTP/1.1"))
case("8,000 slashes", [line(b"GET " + b"/" * 8000 + b" HTTP/1.1")], [400], GOES_ON)
case("4,000 segments", [line(b"GET " + b"/a" * 4000 + b" HTTP/1.1")], [404], GOES_ON)
good("3,000 ampersands", line(b"GET /id/a?" + b"&" * 3000 + b" HTTP/1.1"))
PADDED = GET + b"X-Padding: "
good("a head of 16,384 bytes", PADDED + b"a" * (16384 - len(PADDED) - 4) + b"\r\n\r\n")
refused("a head of 16,385 bytes", 431, PADDED + b"a" * (16385 - len(PADDED) - 4) + b"\r\n\r\n")
refused("a field of 60,000 bytes", 431, PADDED + b"a" * 60000 + b"\r\n\r\n")
refused("a field that does not end", 431, PADDED + b"a" * 20000)
refused("fields that do not end", 431, GET + b"X: y\r\n" * 5000)
good("100 fields", GET + b"".join(b"X-%d: y\r\n" % i for i in range(99)) + b"\r\n")
refused("101 fields", 431, GET + b"".join(b"X-%d: y\r\n" % i for i in range(100)) + b"\r\n")
refused("1,000 fields", 431, GET + b"X: y\r\n" * 1000 + b"\r\n")
MIB = 1024 * 1024
taken("a body of 1 MiB", POST + b"Content-Length: %d\r\n\r\n" % MIB + b"b" * MIB, body=b"b" * MIB)
refused("a body of 1 MiB and a byte, announced", 413,
        POST + b"Content-Length: %d\r\n\r\n" % (MIB + 1))
refused("a body of 1 MiB and a byte, sent", 413,
        POST + b"Content-Length: %d\r\n\r\n" % (MIB + 1) + b"b" * (MIB + 1))
taken("a chunk of 1 MiB", CHUNKED + b"100000\r\n" + b"b" * MIB + b"\r\n0\r\n\r\n", body=b"b" * MIB)
refused("a chunk of 1 MiB and a byte", 413, CHUNKED + b"100001\r\n" + b"b" * (MIB + 1))
refused("chunks of 1 MiB and a byte together", 413,
        CHUNKED + (b"80000\r\n" + b"b" * (MIB // 2) + b"\r\n") * 2 + b"1\r\nb\r\n0\r\n\r\n")
for length in (b"18446744073709551615", b"18446744073709551616", b"99999999999999999999",
               b"9" * 100):
    CASES.append(Case(f"a body of {length.decode()} bytes",
                      [POST + b"Content-Length: " + length + b"\r\n\r\n"], [{400, 413}], ENDS))
refused("a body of 2^63 - 1 bytes", 413, POST + b"Content-Length: 9223372036854775807\r\n\r\n")
refused("a body of 4 GiB", 413, POST + b"Content-Length: 4294967296\r\n\r\n")
refused("a body too large that looks like requests", 413,
        POST + b"Content-Length: 2000000\r\n\r\n" + (GET + b"\r\n") * 3000)

# Fields.
refused("a field without a colon", 400, GET + b"Broken\r\n\r\n")
refused("a field without a name", 400, GET + b": v\r\n\r\n")
refused("a blank before the colon", 400, GET + b"X-A : v\r\n\r\n")
refused("a tab before the colon", 400, GET + b"X-A\t: v\r\n\r\n")
refused("a blank before the first field", 400, b"GET /id/a HTTP/1.1\r\n Host: x\r\n\r\n")
refused("a folded field", 400, GET + b"X-A: a\r\n b\r\n\r\n")
refused("a field folded by a tab", 400, GET + b"X-A: a\r\n\tb\r\n\r\n")
refused("a field folded over nothing", 400, GET + b"X-A: a\r\n \r\n\r\n")
refused("a bare line feed between fields", 400, GET + b"X-A: a\nX-B: b\r\n\r\n")
refused("a bare line feed at the end of the head", 400, GET + b"\n")
refused("a bare carriage return in a value", 400, GET + b"X-A: a\rb\r\n\r\n")
refused("two carriage returns", 400, GET + b"X-A: a\r\r\n\r\n")
refused("a NUL in a value", 400, GET + b"X-A: a\0b\r\n\r\n")
refused("a control character in a value", 400, GET + b"X-A: a\x01b\r\n\r\n")
refused("a delete character in a value", 400, GET + b"X-A: a\x7fb\r\n\r\n")
refused("a NUL in a name", 400, GET + b"X\0A: v\r\n\r\n")
refused("a blank in a name", 400, GET + b"X A: v\r\n\r\n")
refused("a slash in a name", 400, GET + b"X/A: v\r\n\r\n")
refused("a bracket in a name", 400, GET + b"X[A]: v\r\n\r\n")
refused("quotation marks around a name", 400, GET + b"\"X-A\": v\r\n\r\n")
refused("bytes above ASCII in a name", 400, GET + b"X-\xc3\xa4: v\r\n\r\n")
good("bytes above ASCII in a value", GET + b"X-A: \xc3\xa4\xff\r\n\r\n")
good("a tab in a value", GET + b"X-A: a\tb\r\n\r\n")
good("an empty value", GET + b"X-A:\r\n\r\n")
good("a value of blanks", GET + b"X-A:    \t  \r\n\r\n")
good("a value of colons", GET + b"X-A" + b":" * 1000 + b"\r\n\r\n")
good("a name of each character that a token may have", GET + b"X!#$%&'*+-.^_`|~9: v\r\n\r\n")
good("odd cookies", GET + b"Cookie: a=b; c; =d; e==f;;\r\n\r\n")
good("an Accept that is not one", GET + b"Accept: ;q=,//;;=\r\n\r\n")
good("a Content-Type that is not one on GET", GET + b"Content-Type: /;/;=\r\n\r\n")
good("an Authorization of rubbish on an open path", GET + b"Authorization: \xff\xfe =,\r\n\r\n")
good("an offer to upgrade", GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
good("an offer of HTTP/2 in the clear",
     GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
     b"HTTP2-Settings: AAMAAABk\r\n\r\n")
good("an empty Connection", GET + b"Connection: \r\n\r\n")

# Host.
refused("no Host", 400, b"GET /id/a HTTP/1.1\r\n\r\n")
refused("two Hosts", 400, GET + b"Host: y\r\n\r\n")
refused("the same Host twice", 400, GET + b"Host: x\r\n\r\n")
refused("no Host beside the absolute form", 400, b"GET http://x/id/a HTTP/1.1\r\n\r\n")


def host(value):
    return b"GET /id/a HTTP/1.1\r\nHost:" + value + b"\r\n\r\n"


for value in (b" x", b"x", b" x:80", b" example.org.", b" 127.0.0.1:8080", b" [::1]",
              b" [::1]:8080",
              b" x:", b" a-b_c.d", b""):
    good(f"Host:{value.decode()}", host(value))
for value in (b" x y", b" x/y", b" x,y", b" a@b", b" x?y", b" x#y", b" x:abc", b" x:-1",
              b" x:80:80",
              b" [::1", b" ::1]", b" [::1]x", b" [x", b" x\\y", b" x%zz", b" \xff", b" <x>",
              b" []", b" x:123456", b" x;y", b" x*"):
    refused(f"Host:{value.decode('latin-1')}", 400, host(value))

# The length of the body.
for value in (b"5", b" 5 ", b"\t5", b"05", b"0000000005"):
    taken(f"Content-Length:{value.decode()!r}",
          POST + b"Content-Length:" + value + b"\r\n\r\nhello",
          body=b"hello")
for value in (b"", b" ", b"abc", b"-1", b"-5", b"+5", b"0x5", b"5,5", b"5, 5", b"5, 6", b"5;",
              b"5.0",
              b"1e3", b"5 5", b"\"5\"", b"\xef\xbc\x95", b"5\x0b"):
    refused(f"Content-Length:{value!r}", 400, POST + b"Content-Length:" + value + b"\r\n\r\nhello")
refused("Content-Length twice, the same", 400,
        POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello")
refused("Content-Length twice, the larger first", 400,
        POST + b"Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello")
refused("Content-Length twice, the smaller first", 400,
        POST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nhello")
refused("Content-Length before Transfer-Encoding", 400,
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
refused("Content-Length behind Transfer-Encoding", 400,
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")
refused("Content-Length: 0 beside Transfer-Encoding", 400,
        POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
taken("no body", POST + b"\r\n", body=b"")
taken("a body of no bytes", POST + b"Content-Length: 0\r\n\r\n", body=b"")
good("a body on GET", GET + b"Content-Length: 5\r\n\r\nhello")
good("chunks on GET", GET + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
taken("a body in pieces", POST + b"Content-Length: 10\r\n\r\n", b"hello", b"world",
      body=b"helloworld")
waits("a body that lacks a byte", POST + b"Content-Length: 6\r\n\r\nhello")
case("a body, and the beginning of a request", [POST + b"Content-Length: 3\r\n\r\nhelGET /i"],
     [TAKEN], WAITS, body=b"hel")
case("a body longer than announced", [POST + b"Content-Length: 3\r\n\r\nhello\r\n\r\n"],
     [TAKEN, 400], ENDS, body=b"hel")

# Transfer codings.
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
for value in (b" chunked", b"chunked", b" Chunked", b" CHUNKED ", b"\tchunked\t"):
    taken(f"Transfer-Encoding:{value.decode()!r}",
          POST + b"Transfer-Encoding:" + value + b"\r\n\r\n" + HELLO, body=b"hello")
for value in (b" identity", b" gzip", b" gzip, chunked", b" chunked, gzip", b" chunked, chunked",
              b" chunked,", b" ,chunked", b" xchunked", b" chunkedx", b" chun ked", b" chunked;a=b",
              b" \"chunked\"", b"", b" \xa0chunked"):
    CASES.append(Case(f"Transfer-Encoding:{value!r}",
                      [POST + b"Transfer-Encoding:" + value + b"\r\n\r\n" + HELLO], [{400, 501}],
                      ENDS))
refused("Transfer-Encoding with a vertical tab", 400,
        POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + HELLO)
refused("Transfer-Encoding with a blank before the colon", 400,
        POST + b"Transfer-Encoding : chunked\r\n\r\n" + HELLO)
refused("Transfer-Encoding twice", 400,
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO)
CASES.append(Case("Transfer-Encoding twice, one of them another", [
    POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + HELLO],
    [{400, 501}], ENDS))
refused("chunks in HTTP/1.0", 400,
        b"POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO)

# Chunks.
for size in (b"5", b"05", b"0000005", b"5;a", b"5;a=b", b"5;a=\"b c\"", b"5;a=b;c"):
    taken(f"a chunk's size: {size.decode()}", CHUNKED + size + b"\r\nhello\r\n0\r\n\r\n",
          body=b"hello")
taken("a chunk's size: a and A", CHUNKED + b"a\r\nhelloworld\r\nA\r\nhelloworld\r\n0\r\n\r\n",
      body=b"helloworld" * 2)
for size in (b"", b" ", b" 5", b"5 ", b"5\t", b"0x5", b"-5", b"-1", b"+5", b"5.", b"5,5", b"5_0",
             b"g",
             b"5g", b"h", b"\xef\xbc\x95", b"5\x00", b"5\x0b", b"5\r", b"5\n", b"5;\x00", b"5;a\nb",
             b"5;a\rb", b"5 5"):
    refused(f"a chunk's size: {size!r}", 400, CHUNKED + size + b"\r\nhello\r\n0\r\n\r\n")
for size in (b"ffffffffffffffff", b"7fffffffffffffff", b"10000000000000000", b"ffffffff",
             b"80000000",
             b"10000000", b"000000000000000000000005fffffff", b"fffffffffffffffffffffffff"):
    CASES.append(Case(f"a chunk's size: {size.decode()}",
                      [CHUNKED + size + b"\r\nhello\r\n0\r\n\r\n"],
                      [{400, 413}], ENDS))
CASES.append(Case("a chunk's size of 40,000 digits", [CHUNKED + b"0" * 40000 + b"5\r\nhello"],
                  [{400, 413, 431}], ENDS))
CASES.append(Case("a chunk's extension of 20,000 bytes", [CHUNKED + b"5;" + b"a" * 20000],
                  [{400, 413, 431}], ENDS))
taken("no chunk but the last", CHUNKED + b"0\r\n\r\n", body=b"")
taken("a last chunk of several zeros", CHUNKED + b"000\r\n\r\n", body=b"")
taken("a last chunk with an extension", CHUNKED + b"0;a=b\r\n\r\n", body=b"")
taken("two chunks", CHUNKED + b"5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", body=b"helloworld")
taken("a thousand chunks of one byte", CHUNKED + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n",
      body=b"x" * 1000)
refused("a chunk with more behind it than it says", 400, CHUNKED + b"3\r\nhello\r\n0\r\n\r\n")
refused("a chunk with less behind it than it says", 400, CHUNKED + b"7\r\nhello\r\n0\r\n\r\n")
refused("a chunk that ends in something else", 400, CHUNKED + b"5\r\nhelloXX0\r\n\r\n")
refused("a chunk that ends in a bare line feed", 400, CHUNKED + b"5\r\nhello\n0\r\n\r\n")
refused("a chunk that ends in a bare carriage return", 400, CHUNKED + b"5\r\nhello\r0\r\n\r\n")
refused("a size that ends in a bare line feed", 400, CHUNKED + b"5\nhello\r\n0\r\n\r\n")
# That it is broken may show only when more comes; a request that was hidden there is not answered.
HIDDEN = b"GET /id/hidden HTTP/1.1\r\nHost: x\r\n\r\n"
refused("a last chunk that ends in a bare line feed", 400,
        CHUNKED + b"5\r\nhello\r\n0\n\n" + HIDDEN)
refused("an end that is a bare line feed", 400, CHUNKED + b"5\r\nhello\r\n0\r\n\n" + HIDDEN)
refused("an end that is a bare carriage return", 400, CHUNKED + b"5\r\nhello\r\n0\r\n\r" + HIDDEN)
refused("an extension that hides a request behind a bare line feed", 400,
        CHUNKED + b"2;\nxx\r\n4c\r\n0\r\n\r\n" + HIDDEN + b"\r\n0\r\n\r\n")
waits("chunks without the last", CHUNKED + b"5\r\nhello\r\n")
waits("chunks without their end", CHUNKED + b"5\r\nhello\r\n0\r\n")

# Trailers are read, and are no fields.
for trailer in (b"X-Trailer: 1", b"Host: y", b"Authorization: Bearer x", b"X-Folded: 1\r\n 2"):
    taken(f"a trailer: {trailer.decode()!r}",
          CHUNKED + b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n\r\n",
          body=b"hello", absent=trailer.decode().partition(":")[0].lower())
taken("a trailer that was announced",
      POST + b"Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
      body=b"hello", absent="x-t")
refused("a trailer without a colon", 400, CHUNKED + b"5\r\nhello\r\n0\r\nBroken\r\n\r\n")
refused("a trailer with a blank before the colon", 400,
        CHUNKED + b"5\r\nhello\r\n0\r\nX : 1\r\n\r\n")
refused("a trailer that gives a length", 400,
        CHUNKED + b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n")
refused("a trailer that gives a coding", 400,
        CHUNKED + b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n")
refused("a trailer with a bare line feed", 400, CHUNKED + b"5\r\nhello\r\n0\r\nX: 1\nY: 2\r\n\r\n")
refused("a trailer with a NUL", 400, CHUNKED + b"5\r\nhello\r\n0\r\nX: \0\r\n\r\n")
CASES.append(Case("trailers of 20,000 bytes", [
    CHUNKED + b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 4000], [{400, 431}], ENDS))

# Several requests on one connection.


def ask(name):
    return b"GET /id/" + name.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"


case("two requests one after the other", [ask("a"), ask("b")], [GOOD] * 2, GOES_ON, ids=["a", "b"])
case("two requests at once", [ask("a") + ask("b")], [GOOD] * 2, GOES_ON, ids=["a", "b"])
case("a hundred requests at once", [b"".join(ask(f"n{i}") for i in range(100))], [GOOD] * 100,
     GOES_ON,
     ids=[f"n{i}" for i in range(100)])
case("requests at once, with bodies between them",
     [POST + b"Content-Length: 5\r\n\r\nhello" + ask("b") + CHUNKED + HELLO + ask("c")],
     [TAKEN, GOOD, TAKEN, GOOD], GOES_ON, ids=["b", "c"], body=b"hello")
case("a good request before a broken one", [ask("a") + b"broken\r\n\r\n"], [GOOD, 400], ENDS,
     ids=["a"])
case("a good request behind a broken one", [b"broken\r\n\r\n" + ask("a")], [400], ENDS)
case("good requests behind one whose lengths differ",
     [POST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nhello" + ask("a") * 3], [400], ENDS)
case("good requests behind both ways to give a length",
     [POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ask("a") * 3],
     [400], ENDS)
case("a good request behind a coding that is not known",
     [POST + b"Transfer-Encoding: gzip\r\n\r\n" + ask("a")], [501], ENDS)
case("a good request behind a broken chunk", [CHUNKED + b"zz\r\n" + ask("a")], [400], ENDS)
case("a good request behind a target that is too long",
     [line(b"GET /id/" + b"a" * 9000 + b" HTTP/1.1") + ask("a")], [414], ENDS)
case("a good request behind too many fields",
     [GET + b"X: y\r\n" * 200 + b"\r\n" + ask("a")], [431], ENDS)
case("requests behind Connection: close", [GET + b"Connection: close\r\n\r\n" + ask("b")], [GOOD],
     ENDS,
     ids=["a"])
case("Connection: close among others", [GET + b"Connection: keep-alive, close\r\n\r\n"], [GOOD],
     ENDS)
case("Connection: close in another case", [GET + b"connection: CLOSE\r\n\r\n"], [GOOD], ENDS)
case("Connection: close in the second of two fields",
     [GET + b"Connection: keep-alive\r\nConnection: close\r\n\r\n"], [GOOD], ENDS)

# HTTP/1.0.
OLD = b"GET /id/a HTTP/1.0\r\n"
case("HTTP/1.0 ends after the answer", [OLD + b"\r\n"], [GOOD], ENDS)
case("HTTP/1.0 may have a Host", [OLD + b"Host: x\r\n\r\n"], [GOOD], ENDS)
refused("HTTP/1.0 may not have two Hosts", 400, OLD + b"Host: x\r\nHost: x\r\n\r\n")
case("HTTP/1.0 goes on where it asks for that", [OLD + b"Connection: keep-alive\r\n\r\n"], [GOOD],
     GOES_ON)
case("HTTP/1.0 is not told to continue",
     [b"POST /echo HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", b"hello"],
     [TAKEN], ENDS, body=b"hello")

# Expectations.
case("100-continue", [POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", b"hello"],
     [100, TAKEN], GOES_ON, body=b"hello")
case("100-continue with chunks",
     [POST + b"Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n", HELLO],
     [100, TAKEN], GOES_ON, body=b"hello")
case("100-continue with the body at once",
     [POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello"], [TAKEN], GOES_ON,
     body=b"hello")
case("100-continue without a body", [GET + b"Expect: 100-continue\r\n\r\n"], [GOOD], GOES_ON)
refused("100-continue before a body that is too large", 413,
        POST + b"Content-Length: 2000000\r\nExpect: 100-continue\r\n\r\n")
refused("another expectation", 417, POST + b"Content-Length: 5\r\nExpect: 200-ok\r\n\r\nhello")
