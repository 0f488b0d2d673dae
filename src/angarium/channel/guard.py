"""Connections of a session to servers that mean us no good: none outlasts its time, wherever it waits, and none goes
to this machine's own network where a stranger names the address.

A server may send a header one octet a minute and stay within every timeout of a single read. So a clock beside shuts
the connection down. Names are looked up here, and the address that was judged is the one that is connected to; where a
proxy looks them up, only what is an address already can be judged.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy

__all__ = ["Guard", "guarded", "is_public", "leads_inside"]

NAT64 = IPv6Network("64:ff9b::/96")
OURS = ("localhost", ".localhost", ".local", ".internal")
"""Names, or ends of names, of this machine and its network."""


class Guard:
    """What the connections of a session may do. For one request at a time.

    Args:
        public: whether they may only go to addresses that all the world can reach.
    """

    def __init__(self, *, public: bool = False) -> None:
        self.public = public
        self.late = False
        """Whether the time was up."""
        self.forbidden = False
        """Whether one was to go where it may not."""
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None
        self._timer: threading.Timer | None = None

    def begin(self, seconds: float) -> None:
        """From now on there is so much time."""
        self.end()
        self.late = self.forbidden = False
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Time matters no more."""
        if self._timer is not None:
            self._timer.cancel()
        self.watch(None)

    def watch(self, connection: socket.socket | None) -> None:
        """The connection that is waited for now; None: none is."""
        held = None if connection is None else socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            if self._watched is not None:
                self._watched.close()
            self._watched = held
        if self.late:
            self._shut()

    def _shut(self) -> None:
        with self._lock:
            self.late = True
            if self._watched is not None:
                with contextlib.suppress(OSError):
                    self._watched.shutdown(socket.SHUT_RDWR)

    def address(self, name: str, port: int) -> str:
        """The address to connect to under a name. Raises OSError, also where that is forbidden."""
        found = [str(each[4][0]) for each in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)]
        allowed = [each for each in found if is_public(each)]
        if not allowed:
            self.forbidden = True
            raise OSError(f"{name} is an address of this network")
        return allowed[0]


def guarded(guard: Guard) -> requests.Session:
    """A session whose connections are guarded. It sends no names, passwords or cookies of anybody."""
    session = requests.Session()
    session.auth = _nobody
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.headers.update({"User-Agent": "angarium", "Accept-Encoding": "identity"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(guard))
    return session


def leads_inside(address: str) -> bool:
    """Whether a server's address is one of this machine or its network, as far as its name can be looked up here."""
    parts = urlsplit(address)
    try:
        found = socket.getaddrinfo(parts.hostname or "", None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return not any(is_public(str(each[4][0])) for each in found)


def is_public(address: str) -> bool:
    """Whether all the world can reach an IP address, or the one within it."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in NAT64:
            inner = IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _Adapter(HTTPAdapter):
    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: Any,
        proxies: Mapping[str, str] | None = None,
        cert: Any = None,
    ) -> Any:
        by_proxy = bool(select_proxy(request.url or "", dict(proxies or {})))
        if by_proxy and self._guard.public and _is_ours(urlsplit(request.url or "").hostname or ""):
            self._guard.forbidden = True
            raise requests.ConnectionError("an address of this network")
        pool = super().get_connection_with_tls_context(request, verify, dict(proxies or {}), cert)
        if not hasattr(pool.ConnectionCls, "guard"):
            pool.ConnectionCls = _connection(pool.ConnectionCls, self._guard, judged=not by_proxy)
        return pool


def _is_ours(name: str) -> bool:
    try:
        return not is_public(name)
    except ValueError:
        return name == OURS[0] or name.endswith(OURS[1:])


def _connection(kind: Any, guarding: Guard, *, judged: bool) -> Any:
    """Connections of a kind, guarded."""

    class Connection(kind):  # type: ignore[misc]
        guard = guarding
        _dns_host: str

        def _new_conn(self) -> socket.socket:
            name: str = self._dns_host
            if judged and self.guard.public:
                self._dns_host = self.guard.address(name, self.port)
            try:
                connection: socket.socket = super()._new_conn()
            finally:
                self._dns_host = name
            self.guard.watch(connection)
            return connection

        def request(self, *args: Any, **more: Any) -> None:
            if self.sock is not None:  # from before, and kept open
                self.guard.watch(self.sock)
            super().request(*args, **more)

    return Connection
