"""The least that a server in Python does for a visit over TLS: no relay that is written in it is quicker than this.

    python -m bench.barest PORT CERTIFICATE KEY ANSWER

One epoll; accept, `SSLContext.wrap_socket`, the handshake, one read, the octets of a file whatever was asked, and the
goodbye. Nothing is looked at, limited, timed or remembered, and there is no event loop. For `bench/decoy.py --floor`.
"""

import contextlib
import select
import socket
import ssl
import sys
from pathlib import Path

from angarium.edge.decoy.hello import CIPHERS, PROTOCOLS
from angarium.reach.disguise import disguise


def serve(port: int, certificate: str, key: str, answer: bytes) -> None:
    """Serve for ever."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(list(PROTOCOLS))
    disguise(context)
    listening = socket.create_server(("127.0.0.1", port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.setblocking(False)
    epoll = select.epoll()
    epoll.register(listening.fileno(), select.EPOLLIN)
    begun: dict[int, socket.socket] = {}
    shaken: dict[int, ssl.SSLSocket] = {}
    while True:
        for fd, _ in epoll.poll():
            if (tls := shaken.get(fd)) is not None:
                with contextlib.suppress(OSError):
                    tls.read(16_384)
                    tls.send(answer)
                    tls.unwrap()
                del shaken[fd]
                tls.close()
            elif (connected := begun.get(fd)) is not None:
                try:
                    if not isinstance(connected, ssl.SSLSocket):
                        connected = context.wrap_socket(connected, server_side=True, do_handshake_on_connect=False)
                        begun[fd] = connected
                    connected.do_handshake()
                    shaken[fd] = connected
                    del begun[fd]
                except ssl.SSLWantReadError:
                    pass
                except OSError:  # gone
                    begun.pop(fd).close()
            else:
                accepted, _ = listening.accept()
                accepted.setblocking(False)
                begun[accepted.fileno()] = accepted
                epoll.register(accepted.fileno(), select.EPOLLIN)


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]).read_bytes())
