"""A site that requests are handed to: it answers each path with octets of its own, and `/said` with the request."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

__all__ = ["ANSWERS", "serving"]

PAGE = b"<!doctype html><title>Elsewhere</title>" + b"<p>Roses and tulips by the water wall." * 40
ANSWERS = {
    "/": b"HTTP/1.1 200 OK\r\nDate: x\r\nServer: other/1\r\nContent-Type: text/html; charset=utf-8\r\n"
    b'Content-Length: %d\r\nETag: "abc"\r\nAccept-Ranges: bytes\r\nX-Site: 1\r\nConnection: close\r\n\r\n%b'
    % (len(PAGE), PAGE),
    "/unknown": b"HTTP/1.0 200 Fine\r\nContent-Type: text/plain\r\n\r\nuntil it ends",
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n"
    b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
    "/gone": b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 22\r\n\r\n"
    b"<h1>nothing here</h1>\r\n",
    "/moved": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%(port)d/there?a=b\r\nContent-Length: 0\r\n\r\n",
    "/away": b"HTTP/1.1 301 Moved\r\nLocation: https://else.example/\r\nContent-Length: 0\r\n\r\n",
    "/same": b'HTTP/1.1 304 Not Modified\r\nETag: "abc"\r\nLast-Modified: Thu, 01 Jan 1970 00:00:01 GMT\r\n\r\n',
    "/empty": b"HTTP/1.1 204 No Content\r\nX-Site: 1\r\n\r\n",
    "/part": b"HTTP/1.1 206 Partial Content\r\nContent-Type: image/png\r\nContent-Range: bytes 0-2/9\r\n"
    b"Content-Length: 3\r\n\r\nabc",
    "/packed": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\nVary: Accept-Encoding\r\n"
    b"Content-Length: 30\r\n\r\n" + b"x" * 30,
    "/broken": b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\ncut off",
    "/nonsense": b"this is no HTTP\r\n\r\n",
    "/mute": b"",
    "/error": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nRetry-After: 9\r\n\r\nlater",
    "/own": b"HTTP/1.1 299 Something Else\r\nX-Accel-Buffering: no\r\nKeep-Alive: 5\r\nContent-Length: 2\r\n\r\nhi",
}


@contextlib.contextmanager
def serving() -> Iterator[int]:
    """Serve; the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as server:
        port: int = server.getsockname()[1]

        def one(sock: socket.socket) -> None:
            with sock, contextlib.suppress(OSError):
                said = b""
                while b"\r\n\r\n" not in said:
                    said += sock.recv(65_536) or b"\r\n\r\n"
                head, _, body = said.partition(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                wanted = next((int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0)
                while len(body) < wanted:
                    body += sock.recv(65_536)
                method, target, *_ = [*lines[0].split(" "), "", ""]
                if target == "/slow":
                    time.sleep(2)
                answer = ANSWERS.get(target.partition("?")[0], ANSWERS["/gone"])
                if target == "/said":
                    told = "\n".join([lines[0], *sorted(line.lower() for line in lines[1:])]).encode() + b"\n" + body
                    answer = (
                        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(told) + told
                    )
                if target == "/moved":
                    answer = answer % {b"port": port}
                sock.sendall(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" and answer else answer)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield port
        finally:
            server.shutdown(socket.SHUT_RDWR)
