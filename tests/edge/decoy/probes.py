"""What probers say to a web server to find out what it is: well-formed, malformed, in between. Bytes, no meaning."""

from collections.abc import Iterator

__all__ = ["CHANGED", "FILES", "probes"]

CHANGED = 1_700_000_000
WORDS = b"roses and tulips by the water wall, "
FILES = {
    "index.html": b"<!doctype html><title>Garden</title><p>Roses and tulips, and a good deal more of it.</p>\n",
    "long.html": b"<!doctype html>" + b"".join(WORDS + b"%d " % n for n in range(900)),
    "short.html": b"hi\n",
    ".css": b"no end, but a beginning",
    "style.css": b"body{color:green}\n",
    "app.js": b"let a=1\n",
    "photo.jpg": bytes(range(256)) * 40,
    "data.json": b"{}",
    "notes.txt": b"x" * 50_000,
    "empty.txt": b"",
    "noend": b"what kind is this",
    "font.woff2": b"woff",
    ".hidden": b"there all the same",
    "a b.html": b"<p>a name with a space in it",
    "dir/index.html": b"hello\n",
    "dir/deep/file.svg": b"<svg/>",
    "none/other.html": b"no index here, but this",
}

H = b"Host: h.example\r\n"
OK = b"\r\n\r\n"


def request(line: bytes, *headers: bytes, host: bytes = H, body: bytes = b"") -> bytes:
    return line + b"\r\n" + host + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


def targets() -> Iterator[bytes]:
    for name in FILES:
        yield b"/" + name.encode().replace(b" ", b"%20")
        yield b"/" + name.encode().replace(b" ", b"%20") + b"/"
        yield b"/" + name.encode().replace(b" ", b"%20") + b"?q=1"
    yield from (
        b"/",
        b"//",
        b"/.",
        b"/..",
        b"/./",
        b"/../",
        b"/...",
        b"/dir",
        b"/dir/",
        b"/dir/.",
        b"/dir/..",
        b"/dir/../",
    )
    yield from (
        b"/dir/deep",
        b"/dir/deep/",
        b"/dir?x=1",
        b"/dir#x",
        b"/dir?x#y",
        b"/dir?",
        b"/none",
        b"/none/",
        b"/none/?a",
    )
    yield from (
        b"/nope",
        b"/nope/",
        b"/nope.html",
        b"/nope/../style.css",
        b"/dir/./../style.css",
        b"//style.css",
        b"/a//b",
    )
    yield from (
        b"/%2e%2e/",
        b"/%2E%2E/%2e%2e",
        b"/dir/%2e%2e/style.css",
        b"/%73tyle.css",
        b"/style%2ecss",
        b"/dir%2findex.html",
    )
    yield from (
        b"/%00",
        b"/%",
        b"/%z",
        b"/%zz",
        b"/%2",
        b"/style.css%00.html",
        b"/style.css%20",
        b"/%3f",
        b"/%23",
        b"/?",
        b"/#",
        b"/#?",
    )
    yield from (
        b"/new",
        b"/mxdeliv",
        b"/box/AAAAAAAAAAAAAAAAAAAAAA",
        b"/delete",
        b"/password",
        b"/invite/abc",
        b"/generate_204",
    )
    yield from (
        b"/.well-known/autoconfig/mail/config-v1.1.xml",
        b"/.well-known/acme-challenge/x",
        b"/autodiscover/autodiscover.xml",
    )
    yield from (
        b"/.git/config",
        b"/wp-login.php",
        b"/admin",
        b"/robots.txt",
        b"/favicon.ico",
        b"/server-status",
        b"/.env",
        b"/index.php",
    )
    yield from (
        b"/" + b"a" * 300,
        b"/" + b"a/" * 400,
        b"/\xff\xfe",
        b"/d\xc3\xafr",
        b'/no"<pe>',
        b"/a'b",
        b"/a|b",
        b"/a\\b",
        b"/~x",
        b"/a;b",
    )
    yield from (
        b"/\x01",
        b"/\x7f",
        b"/a\tb",
        b"style.css",
        b"*",
        b"",
        b"?",
        b"#",
        b"@",
        b":80",
        b"h.example",
        b"h.example:443",
        b"%2f",
    )
    yield from (
        b"http://x.example/style.css",
        b"https://x.example/dir",
        b"http://x.example",
        b"http://x.example?a",
        b"http://x.example:80/dir",
    )
    yield from (
        b"http://[::1]/dir",
        b"http://[::1]:80/",
        b"http:///",
        b"http://x_y/",
        b"http://x y/",
        b"http:/x",
        b"ftp://x/",
        b"1http://x/",
    )
    yield from (
        b"http://u:p@x/",
        b"http://x.example:port/",
        b"http://x.example#a",
        b"HTTP://X.Example/dir",
        b"a+b-c.d://x/",
    )


def lines() -> Iterator[bytes]:
    for target in targets():
        yield request(b"GET " + target + b" HTTP/1.1")
    for method in (
        b"HEAD",
        b"POST",
        b"PUT",
        b"DELETE",
        b"OPTIONS",
        b"TRACE",
        b"CONNECT",
        b"PATCH",
        b"PROPFIND",
        b"FOO",
        b"F_O-O",
        b"PRI",
    ):
        for target in (b"/", b"/style.css", b"/nope", b"/dir", b"/none/", b"*", b"h.example:443", b"/mxdeliv", b"/new"):
            yield request(method + b" " + target + b" HTTP/1.1")
    for method in (b"get", b"Get", b"G3T", b"", b" GET", b"GET\t", b"G" * 100, b"GET/", b"\x00"):
        yield request(method + b" / HTTP/1.1")
    for version in (
        b"HTTP/1.0",
        b"HTTP/1.2",
        b"HTTP/1.10",
        b"HTTP/1.100",
        b"HTTP/0.9",
        b"HTTP/2.0",
        b"HTTP/2",
        b"HTTP/11.1",
        b"HTTP/3.0",
    ):
        yield request(b"GET / " + version)
        yield request(b"GET /nope " + version)
    for version in (
        b"HTTP/1.",
        b"HTTP/1",
        b"HTTP/",
        b"HTTP",
        b"HTTX/1.1",
        b"http/1.1",
        b"HTTP/1.1 ",
        b"HTTP/1.1  x",
        b"HTTP/1.x",
        b" HTTP/1.1",
    ):
        yield request(b"GET / " + version)
    yield from (
        b"GET /\r\n",
        b"GET /nope\r\n",
        b"GET /dir\r\n",
        b"GET /style.css\n",
        b"HEAD /\r\n",
        b"POST /\r\n",
        b"GET / \r\n",
        b"GET  /\r\n",
    )
    yield from (
        b"GET / HTTP/1.1\n" + b"Host: h\n\n",
        b"\r\n\r\nGET / HTTP/1.1\r\n" + H + b"\r\n",
        b"\n\nGET / HTTP/1.0\n\n",
        b"GET / HTTP/1.0\r\n\r\n",
    )
    yield from (
        b"GET / HTTP/1.1\r\r\n",
        b"GET / HTTP/1.1\rX",
        b"\rX",
        b"GET",
        b"GET ",
        b"GET /",
        b"GET / H",
        b"GET / HTTP/1.1\r\nHost",
        b"G\x00",
    )
    yield from (
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"SSH-2.0",
        b"EHLO probe\r\n",
        b"EHLO",
        b"a001 CAPABILITY\r\n",
        b"* OK\r\n",
        b"\x05\x01\x00",
        b"\x04\x01",
    )
    yield from (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"\x00" * 64,
        b"\xff" * 64,
        bytes(range(256)),
        b"{}",
        b"<?xml?>",
    )


def headers() -> Iterator[bytes]:
    get, css = b"GET / HTTP/1.1", b"GET /style.css HTTP/1.1"
    for host in (
        b"",
        b"Host:\r\n",
        b"Host: \r\n",
        b"Host: a b\r\n",
        b"Host: a/b\r\n",
        b"Host: a..b\r\n",
        b"Host: a\r\nHost: b\r\n",
        b"Host: A.B:99\r\n",
    ):
        yield request(b"GET /dir HTTP/1.1", host=host)
    for host in (
        b"Host: [::1]:443\r\n",
        b"Host: h.example.\r\n",
        b"host:h\r\n",
        b"HOST : h\r\n",
        b"Host: h\x00\r\n",
        b"Host: \xff\r\n",
        b"Host: a@b\r\n",
        b"Host: :80\r\n",
    ):
        yield request(b"GET /dir HTTP/1.1", host=host)
    for odd in (
        b"Foo",
        b"Foo:",
        b": x",
        b"Foo Bar: x",
        b" folded",
        b"\tfolded",
        b"X_y: 1",
        b"\xff: 2",
        b"X: \x00",
        b"X: \x01",
        b"X: a\rb",
        b"X: a\r",
        b"X\x7f: 1",
        b"X@: 1",
    ):
        yield request(get, odd)
    for kept in (b"close", b"Close", b"keep-alive", b"Keep-Alive, Upgrade", b"upgrade", b"close, keep-alive", b"x"):
        yield request(get, b"Connection: " + kept)
        yield request(b"GET /nope HTTP/1.0", b"Connection: " + kept)
    for since in (
        b"Tue, 14 Nov 2023 22:13:20 GMT",
        b"Tue, 14 Nov 2023 22:13:21 GMT",
        b"Tue, 14 Nov 2023 22:13:19 GMT",
        b"Tuesday, 14-Nov-23 22:13:20 GMT",
        b"Tue Nov 14 22:13:20 2023",
        b"14 Nov 2023 22:13:20 GMT",
        b"x,14 Nxx 2023 22:13:20",
        b"Tue, 14 Jan 2023 22:13:20 GMT",
        b"Tue, 30 Feb 2023 22:13:20 GMT",
        b"Tue, 14 Nov 2023 24:13:20 GMT",
        b"Tue, 14 Nov 99999 22:13:20 GMT",
        b"Tue, 14 Nov 0000 22:13:20 GMT",
        b"x",
        b"",
    ):
        yield request(get, b"If-Modified-Since: " + since)
        yield request(get, b"If-Unmodified-Since: " + since)
        yield request(css, b"Range: bytes=0-1", b"If-Range: " + since)
    tag = b'"6553f100-12"'
    for match in (tag, b"W/" + tag, b"*", b'"x"', b'"x", ' + tag, b'"x",' + tag, b""):
        yield request(css, b"If-None-Match: " + match)
        yield request(css, b"If-Match: " + match)
        yield request(css, b"Range: bytes=0-1", b"If-Range: " + match)
        yield request(css, b"If-None-Match: " + match, b"If-Modified-Since: x")
    for spans in (
        b"0-3",
        b"0-",
        b"-5",
        b"5",
        b"17-17",
        b"18-",
        b"100-200",
        b"3-1",
        b"0-0,-1",
        b"0-1,3-4",
        b"0-3, 5-6",
        b"-0",
        b"",
        b"x",
        b"0-x",
        b"-",
        b"0-999999",
        b"0-17,0-17",
        b"0-9223372036854775807",
        b"0-9223372036854775808",
        b"0-1,99999999999999999999-",
        b"-" + b"9" * 5000,
        b"000000000000000000000000-1",
    ):
        yield request(css, b"Range: bytes=" + spans)
    yield from (
        request(css, b"Range: BYTES=0-1"),
        request(css, b"Range: octets=0-1"),
        request(css, b"Range: bytes = 0-1"),
        request(b"HEAD /style.css HTTP/1.1", b"Range: bytes=0-1"),
    )
    yield from (
        request(b"GET /notes.txt HTTP/1.1", b"Range: bytes=100-40000"),
        request(b"GET /nope HTTP/1.1", b"Range: bytes=0-1"),
        request(b"GET /empty.txt HTTP/1.1", b"Range: bytes=0-0"),
    )
    for coding in (
        b"gzip",
        b"deflate, gzip",
        b"gzip;q=0",
        b"gzip;q=0.5",
        b"gzip;q=0.000",
        b"br",
        b"*",
        b"xgzip",
        b"GZIP",
        b"deflate,gzip;q=1",
        b"gzip, br",
        b"identity",
    ):
        yield request(get, b"Accept-Encoding: " + coding)
        yield request(b"GET /nope HTTP/1.1", b"Accept-Encoding: " + coding)
    for path in (b"/long.html", b"/short.html", b"/style.css", b"/none/", b"/dir", b"/notes.txt"):
        yield request(b"GET " + path + b" HTTP/1.1", b"Accept-Encoding: gzip")
        yield request(b"HEAD " + path + b" HTTP/1.1", b"Accept-Encoding: gzip")
        yield request(b"POST " + path + b" HTTP/1.1", b"Accept-Encoding: gzip")
    yield from (
        request(get, b"Accept-Encoding: gzip", b"Via: x"),
        request(b"GET / HTTP/1.0", b"Accept-Encoding: gzip"),
        request(get, b"Accept-Encoding: gzip", b"Range: bytes=0-3"),
    )
    for agent in (
        b"Mozilla/4.0 (compatible; MSIE 6.0; Windows)",
        b"Chrome/1",
        b"Mozilla/5.0 (X11) Gecko/2010 Chrome/1",
        b"Opera/9 MSIE 7.0",
        b"curl/8",
    ):
        yield request(b"GET /nope HTTP/1.1", b"User-Agent: " + agent)
        yield request(b"POST / HTTP/1.1", b"User-Agent: " + agent)


def bodies() -> Iterator[bytes]:
    for path in (b"/", b"/nope", b"/dir", b"/mxdeliv", b"/new"):
        post = b"POST " + path + b" HTTP/1.1"
        yield request(post, b"Content-Length: 3", body=b"abc" + request(b"GET /style.css HTTP/1.1"))
        yield request(post, b"Content-Length: 0")
        yield request(post, b"Content-Length: 3000000", body=b"abc")
        yield request(post, b"Content-Length: 300", body=b"abc")
        yield request(
            post, b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n" + request(b"GET /style.css HTTP/1.1")
        )
        yield request(post, b"Expect: 100-continue", b"Content-Length: 3")
    get = b"GET / HTTP/1.1"
    for length in (b"x", b"-1", b"+3", b" 3", b"3 ", b"0x3", b"99999999999999999999", b"", b"3,3"):
        yield request(get, b"Content-Length: " + length, body=b"abc")
    yield from (
        request(get, b"Content-Length: 3", b"Content-Length: 3", body=b"abc"),
        request(get, b"Content-Length: 3", b"Transfer-Encoding: chunked"),
    )
    for coding in (b"chunked", b"Chunked", b"gzip", b"gzip, chunked", b"identity", b""):
        yield request(get, b"Transfer-Encoding: " + coding, body=b"0\r\n\r\n")
    yield request(b"GET / HTTP/1.0", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")
    for chunks in (
        b"zz\r\n",
        b"3\r\nab",
        b"3;x=y\r\nabc\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b"-3\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"0\r\nTrailer: x\r\n\r\n",
    ):
        yield request(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=chunks)
    yield request(get, b"Transfer-Encoding: chunked", body=b"zz\r\n")
    yield from (
        request(get, b"Expect: 100-continue", b"Content-Length: 3"),
        request(get, b"Expect: x"),
        request(get, b"Expect: 100-continue"),
    )
    for one in (
        b"If-Match: x",
        b"If-Modified-Since: x",
        b"Expect: x",
        b"Authorization: x",
        b"Range: x",
        b"User-Agent: x",
        b"Cookie: x",
        b"Referer: x",
        b"Upgrade: x",
    ):
        yield request(get, one, one)
    for upgrade in (
        (b"Upgrade: websocket", b"Connection: Upgrade"),
        (b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
    ):
        yield request(get, *upgrade)


def large() -> Iterator[bytes]:
    for size in (900, 1010, 8150, 8170, 8178, 8179, 8192, 8300, 20_000):
        yield request(b"GET /" + b"a" * size + b" HTTP/1.1")
        yield request(b"GET / HTTP/1.1", b"X: " + b"a" * size)
    for count in (5, 7, 8, 9, 20):
        yield request(b"GET / HTTP/1.1", *(b"X: " + b"a" * 4000 for _ in range(count)))
    yield request(b"GET / HTTP/1.1", *(b"X-%d: y" % n for n in range(300)))
    yield b"G" * 10_000
    yield b"GET /" + b"a" * 10_000
    yield b"GET / HTTP/1.1\r\nX: " + b"a" * 10_000


def together() -> Iterator[bytes]:
    yield request(b"GET / HTTP/1.1") * 3
    yield request(b"GET /style.css HTTP/1.1") + request(b"HEAD /nope HTTP/1.1") + request(b"GET /dir HTTP/1.1")
    yield request(b"GET / HTTP/1.1") + b"\r\n\r\n" + request(b"GET /nope HTTP/1.1")
    yield request(b"GET / HTTP/1.1", b"Connection: close") * 2
    yield request(b"GET / HTTP/1.1") + b"nonsense\r\n\r\n"
    yield request(b"GET / HTTP/1.0") * 2
    yield request(b"POST / HTTP/1.1", b"Content-Length: 3", body=b"abc") * 3


def probes() -> list[bytes]:
    """All of them."""
    return [*lines(), *headers(), *bodies(), *large(), *together()]
