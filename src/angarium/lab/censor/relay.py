"""A relay in the lab: anything that a command line starts, in a namespace of its own, and the ways into it.

The command may hold {data}, {domain}, {address} and {https}. It is up when it has said `Ready` in a line of JSON, as
`angarium up --json` does; or, where an invitation was given beside it, when its port for IMAP answers.
"""

import asyncio
import contextlib
import os
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from angarium.lab.censor.nginx import PAIR
from angarium.lab.censor.topology import through, within
from angarium.mail.invitation import ALPHABET, Login, Security, Way, invitation, parse

__all__ = ["DISGUISED", "OURS", "SCHEMES", "WAYS", "Entry", "NoSuchWay", "Relay", "RelayFailed", "opened", "relay"]

OURS = shlex.join((sys.executable, "-m", "angarium", "up", "--json", "--acme=")) + " --data {data} --domain {domain}"
"""The relay this lab belongs to."""
DISGUISED = " --decoy {site} --tls-cert {pair}/cert --tls-key {pair}/key"
"""... behind a decoy."""
SETTINGS = """\
[messages]
rate_per_minute = 1000000
rate_burst = 100000
[listen]
https = {https}
"""
"""Ours may be written to as fast as we can, and listens where the scenario says. More of the section may follow."""
STANDARD = {"imaps": 993, "submissions": 465, "https": 443, "imap": 143, "submission": 587}
START = 60.0
STOP = 10.0
SCHEMES = {"proxy": "https", "http": "http", "socks": "socks5", "ss": "ss"}
"""Ways in by a proxy of the app, which is the relay itself: how the link begins that has the app use it."""
OPENED = {"http": "[proxy]\nhttp = true\n", "socks": "socks = 1080\n", "ss": "shadowsocks = {port}\nhttp = -1\n"}
"""What a keeper of ours sets for those that are off as a rule."""
SHADOWSOCKS = 8388
WAYS = (
    *("domain", "invitation", "ip", "spare", "443", "port", "starttls", "front"),
    *SCHEMES,
    "decoy",
)
"""What `Relay.entry` knows: the domain alone; the link the relay prints; its address instead of its name; another name;
the pages' port by ALPN; that one on another port; STARTTLS; another host that leads there; the proxy of the app, by
HTTPS, by HTTP in clear, by SOCKS5, by Shadowsocks; and, for probes, none, with a decoy in front of all."""


class RelayFailed(Exception):
    """It did not start; the text says what it said."""


class NoSuchWay(Exception):
    """The relay does not offer this way in."""


class Door(msgspec.Struct, frozen=True):
    """A port it listens on."""

    name: str
    port: int


class Ready(msgspec.Struct, frozen=True):
    """What a relay says of itself once it listens."""

    invitation: str
    listening: list[Door] = []
    proxy: str = ""
    """Address of its proxy for the app, `https://user:password@host:port`, if it has one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody needs to get in: a link to scan, and settings of the app."""

    link: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay that is up."""

    domain: str
    address: str
    ready: Ready
    process: asyncio.subprocess.Process
    proxies: Sequence[str] = ()
    """Links that make it the app's proxy."""

    def port(self, name: str) -> int:
        """The port of the door of that name."""
        return next((door.port for door in self.ready.listening if door.name == name), STANDARD[name])

    def entry(self, way: str, *, other: str = "", port: int | None = None) -> Entry:
        """One person's way in, of WAYS; `other` is the host for those that need one, `port` where its proxy is sought
        if not where the link says. Raises NoSuchWay.
        """
        https = self.port("https")
        match way:
            case "domain" | "decoy":
                return Entry(f"dcaccount:{self.domain}")
            case "invitation":
                return Entry(_another(self.ready.invitation))
            case "ip":
                return self._login(self.address, self.port("imaps"), self.port("submissions"), "ssl")
            case "spare":
                return self._login(other, self.port("imaps"), self.port("submissions"), "ssl")
            case "443" | "port":
                return self._login(self.domain, https, https, "ssl")
            case "front":
                return self._login(other, 443, 443, "ssl")
            case "starttls":
                return self._login(self.domain, self.port("imap"), self.port("submission"), "starttls")
        for link in self.proxies:
            if way in SCHEMES and link.startswith(f"{SCHEMES[way]}:"):
                plain = self._login(self.domain, self.port("imaps"), self.port("submissions"), "ssl")
                url = link if port is None else f"{link.rpartition(':')[0]}:{port}"
                return Entry(plain.link, {"proxy_enabled": "1", "proxy_url": url})
        raise NoSuchWay(way)

    def _login(self, host: str, imap: int, smtp: int, security: Security) -> Entry:
        way = Way(host, imap, security, smtp, security, None, verified=False, named=host.startswith("_"))
        return Entry(invitation(self.domain, way, token=None, choose=_choose))


@contextlib.asynccontextmanager
async def relay(
    namespace: str, *, command: str, directory: Path, domain: str, address: str, https: int = 443, link: str = "",
    proxy: str = "", settings: str = "", site: str = "", pair: Path = PAIR,
) -> AsyncIterator[Relay]:  # fmt: skip
    """Run a relay until the context ends. `link` and `proxy` count where it does not tell its own; `settings` are more
    of ours; `site` is what its decoy shows, by the certificate in `pair`.

    Raises:
        RelayFailed: see there.
    """
    _prepare(directory, https, settings)
    places = {"data": str(directory), "domain": domain, "address": address, "https": str(https)}
    places |= {"site": site, "pair": str(pair)}
    words = [word.format_map(places) for word in shlex.split(command)]
    errors = directory.with_suffix(".log")
    with errors.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *through(namespace),
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        try:
            ready = await asyncio.wait_for(_ready(process, namespace, address, link.format_map(places)), START)
        except (TimeoutError, msgspec.DecodeError):
            said = errors.read_bytes()[-1000:].decode(errors="replace").strip()
            raise RelayFailed(f"the relay did not start: {said or 'it said nothing'}") from None
        if command.startswith(OURS):
            proxies = await _passes(directory)
        else:
            proxies = [link for link in (ready.proxy or proxy.format_map(places),) if link]
        yield Relay(domain, address, ready, process, proxies)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _passes(directory: Path) -> list[str]:
    """A pass for the proxies of a relay of ours, as a link for each of them. Raises RelayFailed."""
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "angarium", "proxy", "new", "--json", "--data", str(directory)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaint = await asking.communicate()
    if asking.returncode:
        raise RelayFailed(f"it gives out no pass for its proxy: {complaint.decode(errors='replace').strip()}")
    made = msgspec.json.decode(said)
    return [made["link"], *made["others"]]


def opened(way: str, port: int | None) -> str:
    """What is set so that a relay of ours offers a way, lines of its settings; `port` for those that need one."""
    return OPENED.get(way, "").format(port=port or SHADOWSOCKS)


def _prepare(directory: Path, https: int, settings: str) -> None:
    directory.mkdir(mode=0o700)
    (directory / "angarium.toml").write_text(SETTINGS.format(https=https) + settings)


async def _ready(process: asyncio.subprocess.Process, namespace: str, address: str, link: str) -> Ready:
    if not link:
        assert process.stdout is not None
        return msgspec.json.decode(await process.stdout.readline(), type=Ready)
    while not await asyncio.to_thread(within, namespace, lambda: _answers(address)):  # noqa: ASYNC110 (nobody tells us)
        await asyncio.sleep(0.2)
    return Ready(link)


def _answers(address: str) -> bool:
    try:
        socket.create_connection((address, STANDARD["imaps"]), 1).close()
    except OSError:
        return False
    return True


def _another(link: str) -> str:
    """The same invitation for another person: a `dclogin:` link gets a new name and password."""
    login = parse(link)
    if not isinstance(login, Login):
        return link
    given = dict(parse_qsl(link.partition("?")[2], keep_blank_values=True))
    domain = quote(login.address.rpartition("@")[2], safe="")
    return f"dclogin:{_choose(9)}@{domain}?{urlencode(given | {'p': _choose(22)}, quote_via=quote)}"


def _choose(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
