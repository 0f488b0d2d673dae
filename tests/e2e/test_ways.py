"""Somebody who has an account already learns other ways to it: what the page gives out, and what the real core makes
of each kind of code where an account exists.
"""

import asyncio
import contextlib
import html
import http.client
import re
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest

from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import trial
from angarium.lab.core import Core, CoreError
from angarium.lab.profile import Profile, join, new_profile
from tests.e2e.test_proxy import CONNECTED, NAME, core_that_knows

FRONT = "127.0.62.1"
FAST = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n"

Start = Callable[..., AbstractAsyncContextManager[Relay]]
Angarium = Callable[..., Awaitable[tuple[int, str, str]]]


async def codes(up: Relay, person: Profile, path: str = "ways") -> list[str]:
    """Every code that the page shows to who has this account, in order."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    form = urlencode({"name": person.address, "password": person.password})

    def ask() -> str:
        connection = http.client.HTTPSConnection("127.0.0.1", up.port("https"), context=context, timeout=20)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"{urlsplit(up.ready.page).path}{path}", form, kind)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status == 200, text
        return text

    text = await asyncio.to_thread(ask)
    return [html.unescape(code) for code in re.findall(r'<code dir="ltr">([^<]+)</code>', text)]


async def server(person: Profile) -> str:
    """The one host by which the core looks for the relay."""
    (transport,) = await person.call("list_transports")
    transport = transport.get("param", transport)
    assert transport["addr"] == person.address
    return cast("str", transport["imapServer"])


@contextlib.asynccontextmanager
async def front(to: str, ports: str) -> AsyncIterator[None]:
    words = ("front", "run", "--to", to, "--listen", FRONT, "--ports", ports)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "angarium", *words), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    assert await asyncio.wait_for(process.stdout.readline(), 60)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_an_account_that_there_is_learns_a_front_and_keeps_its_chats(
    start: Start, angarium: Angarium, apps: Core, tmp_path: Path
) -> None:
    data = tmp_path / "relay"
    async with start(data, settings=FAST) as up, trial(apps, up.ready.invitation, tmp_path) as people:
        alice = await new_profile(apps, "Alice", up.ready.invitation)
        said = msgspec.json.decode((await angarium("invite", "--data", data, "--json"))[1])
        bob = await new_profile(apps, "Bob", said["links"][0])
        people.attend(alice)
        people.attend(bob)
        chat = await join(alice, bob)
        await people.send("before", bob, chat, [alice])
        await asyncio.wait_for(people.ledger.complete("before"), 30)

        ports = ",".join(str(up.port(name)) for name in ("https", "imaps", "submissions"))
        async with front("127.0.0.1", ports):
            assert (await angarium("front", "add", FRONT, "--ports", ports, "--data", data))[0] == 0
            links = [code for code in await codes(up, bob) if f"&ih={FRONT}&" in code]
            assert len(links) == 1
            assert (await bob.call("check_qr", links[0]))["kind"] == "login"
            dead = re.sub(r"&(ip|sp)=\d+", r"&\1=1", links[0])
            with pytest.raises(CoreError):
                await bob.call("add_transport_from_qr", dead)
            assert await server(bob) == "127.0.0.1"  # what does not get through changes nothing
            with bob.when("ImapInboxIdle") as online:
                await bob.call("add_transport_from_qr", links[0])
                await asyncio.wait_for(online, 30)
            assert await server(bob) == FRONT
            await people.send("after", bob, chat, [alice])
            await people.send("back", alice, await alice.call("create_chat_by_contact_id", await known(alice)), [bob])
            await asyncio.wait_for(people.ledger.complete("after"), 30)
            await asyncio.wait_for(people.ledger.complete("back"), 30)
        for person in (alice, bob):
            await person.remove()


async def known(person: Profile) -> int:
    """The one contact that a profile has."""
    (contact,) = await person.call("get_contact_ids", 0, None)
    return cast("int", contact)


async def test_an_account_that_there_is_takes_the_relay_for_its_proxy(
    start: Start, angarium: Angarium, tmp_path: Path
) -> None:
    """The relay gets a decoy, and no port of mail is left: what was an account before comes in by the proxy."""
    data = tmp_path / "relay"
    async with core_that_knows(tmp_path, NAME) as app:
        people: list[Profile] = []
        async with start(data, "--domain", NAME, settings=FAST) as up:
            for name in ("Alice", "Bob"):
                said = msgspec.json.decode((await angarium("invite", "--data", data, "--json"))[1])
                link = re.sub(r"&(ih|sh)=[^&]+", rf"&\1={NAME}", said["links"][0])
                people.append(await new_profile(app, name, link))
            alice, bob = people
            chat = await join(alice, bob)
            before = [await each.call("list_transports") for each in people]
            for each in people:
                await each.call("stop_io")
        async with (
            start(data, "--domain", NAME, "--decoy", "default") as up,
            trial(app, up.ready.invitation, tmp_path) as under_way,
        ):
            assert {door.name for door in up.ready.listening} == {"https", "http"}
            users = []
            for each in people:
                proxy, servers, *_ = await codes(up, each)
                found = await each.call("check_qr", proxy)
                assert (found["kind"], found["host"], found["port"]) == ("proxy", NAME, up.port("https"))
                await each.call("set_config_from_qr", proxy)
                assert await each.call("get_config", "proxy_url") == proxy
                assert await each.call("get_config", "proxy_enabled") == "1"
                assert await each.call("list_transports") == before.pop(0)
                users.append(proxy.split(":")[1].strip("/"))
                with each.when("ImapInboxIdle") as online:
                    await each.call("add_transport_from_qr", servers)  # the ports that it had are shut
                    await asyncio.wait_for(online, 60)
                assert await server(each) == NAME
                under_way.attend(each)
            await under_way.send("by the proxy", bob, chat, [alice])
            await asyncio.wait_for(under_way.ledger.complete("by the proxy"), 30)

            async def gone() -> bool:
                return cast("int", await bob.call("get_connectivity")) < CONNECTED

            assert (await angarium("proxy", "revoke", users[1], "--data", data))[0] == 0
            await asyncio.wait_for(bob.until(gone), 10)
            assert await alice.call("get_connectivity") == CONNECTED


async def test_a_code_for_somebody_new_adds_a_second_account(
    start: Start, angarium: Angarium, apps: Core, tmp_path: Path
) -> None:
    """So a person who is in already needs a code of their own account."""
    data = tmp_path / "relay"
    async with start(data, settings=FAST) as up:
        alice = await new_profile(apps, "Alice", up.ready.invitation)
        said: Any = msgspec.json.decode((await angarium("invite", "--data", data, "--json"))[1])
        await alice.call("add_transport_from_qr", said["links"][0])
        assert len(await alice.call("list_transports")) == 2
        await alice.remove()
