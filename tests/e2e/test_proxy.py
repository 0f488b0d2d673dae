"""The real core comes in through the relay's https port as through an HTTPS proxy, and by nothing else."""

import asyncio
import contextlib
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import cast

import msgspec
import pytest

from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import Trial, trial
from angarium.lab.core import Core, Event, binary, core
from angarium.lab.profile import Profile, join

NAME = "_relay.localhost"
CONNECTED = 4000
"""What the core calls it, in numbers."""
ONLY_HTTPS = """
[listen]
imaps = -1
imap = -1
submissions = -1
submission = -1
http = -1
smtp = -1
[messages]
rate_per_minute = 1000000
rate_burst = 100000
"""

OTHER_DOORS = ONLY_HTTPS.replace("http = -1", "http = 0\nsocks = 0\nshadowsocks = 0") + "[proxy]\nhttp = true\n"

Start = Callable[..., AbstractAsyncContextManager[Relay]]
Angarium = Callable[..., Awaitable[tuple[int, str, str]]]


@contextlib.asynccontextmanager
async def core_that_knows(directory: Path, name: str) -> AsyncIterator[Core]:
    """A core that finds this name at 127.0.0.1, in a mount namespace with an /etc/hosts of its own."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    hosts, wrapper = directory / "hosts", directory / "core"
    hosts.write_text(f"127.0.0.1 localhost {name}\n")
    inner = f'mount --bind "{hosts}" /etc/hosts && exec "{binary()}" "$@"'
    wrapper.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{inner}' core \"$@\"\n")
    wrapper.chmod(0o755)
    async with core(wrapper, directory / "accounts") as running:
        yield running


async def enter(app: Core, name: str, link: str, proxy: str) -> Profile:
    """Make an account for a person whose app has a proxy from its first moment on."""
    number = await app.call("add_account")
    config = {"displayname": name, "bot": "1", "proxy_url": proxy, "proxy_enabled": "1"}
    await app.call("batch_set_config", number, config)
    await app.call("add_transport_from_qr", number, link)
    (transport,) = await app.call("list_transports", number)
    transport = transport.get("param", transport)
    profile = Profile(app, number, transport["addr"], transport["password"])
    with profile.when("ImapInboxIdle") as online:
        await app.call("start_io", number)
        await online
    return profile


async def invited(angarium: Angarium, data: Path) -> tuple[str, str]:
    """A fresh invitation with ports where nobody listens, and a proxy."""
    status, said, _ = await angarium("invite", "--data", data, "--proxy", "--json")
    assert status == 0
    made = msgspec.json.decode(said)
    link = re.sub(r"&ip=\d+", "&ip=993", re.sub(r"&sp=\d+", "&sp=465", made["links"][0]))
    return link, made["proxy"]


async def talk(people: Trial, alice: Profile, bob: Profile, directory: Path) -> None:
    picture = directory / "picture.bin"
    picture.write_bytes(secrets.token_bytes(5_000_000))
    chat = await join(alice, bob)
    for _ in range(5):
        await people.send("texts", bob, chat, [alice])
    text = await people.send("file", bob, chat, [alice], picture)
    await people.ledger.complete("texts")
    await people.ledger.complete("file")
    assert people.file(alice, text).read_bytes() == picture.read_bytes()


async def test_two_people_whose_network_lets_https_through_and_nothing_else(
    start: Start, angarium: Angarium, tmp_path: Path
) -> None:
    data = tmp_path / "relay"
    async with (
        start(data, "--domain", NAME, settings=ONLY_HTTPS) as up,
        core_that_knows(tmp_path, NAME) as app,
        trial(app, up.ready.invitation, tmp_path) as people,
    ):
        assert [door.name for door in up.ready.listening] == ["https"]
        alice = await enter(app, "Alice", *(await invited(angarium, data)))
        bob = await enter(app, "Bob", *(await invited(angarium, data)))
        people.attend(alice)
        people.attend(bob)
        await asyncio.wait_for(talk(people, alice, bob, tmp_path), 60)

        # by the page that makes accounts, and autoconfig
        _, proxy = await invited(angarium, data)
        carol = await enter(app, "Carol", f"dcaccount:https://{NAME}:{up.port('https')}/new", proxy)
        people.attend(carol)
        await people.send("third", carol, await join(alice, carol), [alice])
        await asyncio.wait_for(people.ledger.complete("third"), 20)

        status, said, _ = await angarium("proxy", "list", "--data", data, "--json")
        assert (status, len(msgspec.json.decode(said))) == (0, 3)


async def test_a_pass_that_is_taken_back_is_cut_and_lets_nobody_in(
    start: Start, angarium: Angarium, tmp_path: Path
) -> None:
    data = tmp_path / "relay"
    async with start(data, "--domain", NAME, settings=ONLY_HTTPS), core_that_knows(tmp_path, NAME) as app:
        link, proxy = await invited(angarium, data)
        alice = await enter(app, "Alice", link, proxy)
        assert await alice.call("get_connectivity") == CONNECTED
        user = proxy.removeprefix("https://").partition(":")[0]

        async def gone() -> bool:
            return cast("int", await alice.call("get_connectivity")) < CONNECTED

        refused = asyncio.Event()

        def look(event: Event | None) -> None:
            if event is not None and "CONNECT" in str(event.fields.get("msg", "")):
                refused.set()

        with app.listening(alice.number, look):
            assert (await angarium("proxy", "revoke", user, "--data", data))[0] == 0
            await asyncio.wait_for(alice.until(gone), 10)
            await app.call("maybe_network")
            await asyncio.wait_for(refused.wait(), 20)
        assert await gone()


async def test_by_http_socks_and_shadowsocks(start: Start, angarium: Angarium, tmp_path: Path) -> None:
    data = tmp_path / "relay"
    async with (
        start(data, "--domain", NAME, settings=OTHER_DOORS) as up,
        core_that_knows(tmp_path, NAME) as app,
        trial(app, up.ready.invitation, tmp_path) as people,
    ):
        status, said, _ = await angarium("proxy", "new", "--data", data, "--json")
        assert status == 0
        made = msgspec.json.decode(said)
        doors = made["others"]
        assert [door.partition(":")[0] for door in doors] == ["http", "socks5", "ss"]
        link = f"dclogin:{{}}@{NAME}?p=a-long-password&v=1&ih={NAME}&ip=993&is=ssl&sh={NAME}&sp=465&ss=ssl&ic=3"
        names = ("alice.by.http", "bob.by.socks", "carol.by.ss")
        alice, bob, carol = [
            await enter(app, name, link.format(name), door) for name, door in zip(names, doors, strict=True)
        ]
        for person in (alice, bob, carol):
            people.attend(person)
        for name, sender, receiver in (("by socks", bob, alice), ("by shadowsocks", carol, alice)):
            await people.send(name, sender, await join(receiver, sender), [receiver])
            await asyncio.wait_for(people.ledger.complete(name), 20)
        assert (await angarium("proxy", "revoke", made["user"], "--data", data))[0] == 0

        async with asyncio.timeout(10):
            for each in (alice, bob, carol):
                while await each.call("get_connectivity") == CONNECTED:
                    await asyncio.sleep(0.05)
