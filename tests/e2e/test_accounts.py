"""How accounts come and go, as the app and its person see it."""

import asyncio
import json
import secrets
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from angarium.apps.check.links import fresh, site
from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import Trial
from angarium.lab.clients import Imap, Refused
from angarium.lab.core import Core, CoreError, binary, core
from angarium.lab.profile import join, new_profile
from angarium.mail.invitation import Login, parse

Start = Callable[..., AbstractAsyncContextManager[Relay]]
Mails = Callable[[Relay, str, str], Awaitable[list[bytes]]]
Angarium = Callable[..., Awaitable[tuple[int, str, str]]]
Web = Callable[..., Awaitable[tuple[int, str]]]


def login_of(link: str) -> Login:
    parsed = parse(link)
    assert isinstance(parsed, Login)
    return parsed


async def may_enter(up: Relay, address: str, password: str) -> bool:
    imap = await Imap.connect("127.0.0.1", up.port("imaps"))
    try:
        await imap.login(address, password)
    except Refused:
        return False
    finally:
        imap.abort()
    return True


async def test_a_deleted_account_is_gone_at_once_and_its_name_is_never_given_out_again(
    people: Trial, up: Relay, web: Web
) -> None:
    ada, ben = await people.enter("Ada"), await people.enter("Ben")
    chat = await join(ada, ben)
    await people.send("before", ben, chat, [ada])
    await people.ledger.complete("before")

    form = {"name": ada.address, "password": ada.password, "sure": "yes"}
    status, _ = await web(up, "POST", "/delete", urlencode({**form, "password": "a wrong password"}))
    assert status == 403
    assert await may_enter(up, ada.address, ada.password)
    status, _ = await web(up, "POST", "/delete", urlencode(form))
    assert status == 200

    assert not await may_enter(up, ada.address, ada.password)
    assert not await may_enter(up, ada.address, "another password")
    with ben.when("MsgFailed") as failed:
        await ben.say(chat, "is anybody there?")
        event = await failed
    assert "no such address" in (await ben.call("get_message", event.fields["msgId"]))["error"]


async def test_a_duress_password_cuts_the_phone_off_and_opens_an_empty_mailbox(
    people: Trial, apps: Core, up: Relay, web: Web, mails: Mails
) -> None:
    link = fresh(up.ready.invitation)
    ada, ben = await new_profile(apps, "Ada", link), await people.enter("Ben")
    people.attend(ada)
    await ada.call("set_config", "bcc_self", "1")  # as with a second device: what was fetched stays on the relay
    chat = await join(ada, ben)
    text = await people.send("before", ben, chat, [ada])
    await people.ledger.complete("before")
    assert await mails(up, ada.address, ada.password)
    form = {"name": ada.address, "password": ada.password, "second": "give me that", "again": "give me that"}
    status, _ = await web(up, "POST", "/password", urlencode({**form, "do": "set"}))
    assert status == 200

    phone = await Imap.connect("127.0.0.1", up.port("imaps"))
    await phone.login(ada.address, ada.password)
    await phone.select()
    idling = asyncio.create_task(phone.idle())
    forced = await new_profile(apps, "Forced", link.replace(ada.password, quote("give me that")))
    people.attend(forced)
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(idling, 5)
    assert await mails(up, ada.address, "give me that") == []
    assert not await may_enter(up, ada.address, ada.password)

    async def told() -> bool:
        return "authentication failed" in await ada.call("get_connectivity_html")

    await ada.call("stop_io")  # a phone that is taken up again; else the core waits a while before it tries
    await ada.call("start_io")
    await ada.until(told)
    assert text in await ada.texts()  # the phone's own copy is out of the relay's reach

    watching = await Imap.connect("127.0.0.1", up.port("imaps"))
    await watching.login(ada.address, "give me that")
    await watching.select()
    arriving = asyncio.create_task(watching.idle())
    await ben.say(chat, "sealed to the new key")
    await asyncio.wait_for(arriving, 60)
    assert len(await watching.fetch_new()) == 1
    watching.abort()


async def test_the_app_tells_of_a_wrong_password(up: Relay, apps: Core) -> None:
    link = fresh(up.ready.invitation)
    await new_profile(apps, "Ada", link)
    number = await apps.call("add_account")
    wrong = link.replace(login_of(link).password, "not the password of Ada")
    with pytest.raises(CoreError, match=r"(?i)authentication"):
        await apps.call("add_transport_from_qr", number, wrong)


@pytest.mark.parametrize("release", ["newest", "oldest"])
async def test_the_app_tells_when_its_password_opens_its_account_no_more(
    start: Start, tmp_path: Path, release: str, request: pytest.FixtureRequest
) -> None:
    program = request.getfixturevalue("oldest_core") if release == "oldest" else binary()
    async with core(program, tmp_path / "core") as app:
        async with start(tmp_path / "before") as up:
            ada = await new_profile(app, "Ada", fresh(up.ready.invitation))
            await ada.call("set_config", "bot", "0")  # bots are told nothing
            await ada.call("stop_io")
        after = tmp_path / "after"  # the keeper began anew, at the same place, and somebody else took the name
        after.mkdir(0o700)
        shutil.copy(tmp_path / "before" / "ports.json", after)
        async with start(after) as up:
            assert await may_enter(up, ada.address, "somebody else's password")
            await ada.call("start_io")

            async def told() -> bool:
                if release == "oldest":  # by a message, after the second failure; newer apps have their status page
                    return any("Cannot login as" in text for text in await ada.texts())
                return "authentication failed" in await ada.call("get_connectivity_html")

            await ada.until(told)


async def test_a_relay_for_the_invited_takes_nobody_else(
    start: Start, apps: Core, angarium: Angarium, web: Web, tmp_path: Path
) -> None:
    data = tmp_path / "relay"
    async with start(data, "--registration", "invite", settings="") as up:
        status, out, err = await angarium("invite", "--uses", "2", "--expires", "7d", "--json", "--data", data)
        assert (status, err) == (0, "")
        made = json.loads(out)
        assert made["uses"] == 2
        link = made["links"][0]
        token = login_of(link).password.partition(".")[0]

        stranger = link.replace(token + ".", "")
        with pytest.raises(CoreError):
            await new_profile(apps, "Stranger", stranger)
        ada = await new_profile(apps, "Ada", fresh(link))
        ben = await new_profile(apps, "Ben", fresh(link))
        with pytest.raises(CoreError):
            await new_profile(apps, "Third", fresh(link))
        await join(ada, ben)  # the two are in, and stay in
        for profile in (ada, ben):
            await profile.call("stop_io")
        assert await may_enter(up, ada.address, ada.password)


async def test_an_invitation_by_the_page_makes_one_account(
    start: Start, angarium: Angarium, web: Web, tmp_path: Path
) -> None:
    data = tmp_path / "relay"
    async with start(data, "--registration", "invite", settings="") as up:
        _, out, _ = await angarium("invite", "--uses", "1", "--json", "--data", data)
        token = login_of(json.loads(out)["links"][0]).password.partition(".")[0]
        status, said = await web(up, "POST", "/new")
        assert status == 403
        assert json.loads(said)["reason"]
        status, said = await web(up, "POST", f"/new?t={token}")
        assert status == 200
        account = json.loads(said)
        assert await may_enter(up, account["email"], account["password"])
        status, said = await web(up, "POST", f"/new?t={token}")
        assert status == 403
        assert "used up" in json.loads(said)["reason"]


async def test_eight_devices_at_once_make_one_account(up: Relay) -> None:
    domain = site(up.ready.invitation).name
    address, password = f"{secrets.token_hex(6)}@{domain}", secrets.token_hex(11)
    assert all(await asyncio.gather(*(may_enter(up, address, password) for _ in range(8))))
    assert not await may_enter(up, address, password + "x")
