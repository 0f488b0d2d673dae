"""Python's imaplib and imapclient, which read responses their own way, through whole sessions over TLS."""

import asyncio
import imaplib
import re
from typing import TYPE_CHECKING, Any

import imapclient  # type: ignore[import-untyped]
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.edge.imap.conftest import Relay

LOGIN = ("alice1234@relay.example", "correct horse battery")


async def in_a_thread(work: "Callable[[], Any]") -> Any:
    return await asyncio.wait_for(asyncio.to_thread(work), 60)


def make_client(relay: "Relay") -> imapclient.IMAPClient:
    return imapclient.IMAPClient("127.0.0.1", relay.port, ssl_context=relay.client, timeout=30)


@pytest.mark.parametrize("relay", ["memory", "sqlite"], indirect=True)
async def test_imaplib(relay: "Relay") -> None:
    loop = asyncio.get_running_loop()

    def deliver() -> None:
        asyncio.run_coroutine_threadsafe(relay.deliver(), loop).result(30)

    def session() -> None:
        imap = imaplib.IMAP4_SSL("127.0.0.1", relay.port, ssl_context=relay.client, timeout=30)
        assert "XCHATMAIL" not in imap.capabilities
        imap.login(*LOGIN)
        assert imap.select() == ("OK", [b"0"])
        deliver()
        imap.noop()
        assert imap.response("EXISTS")[1] == [b"0", b"1"]
        assert imap.search(None, "UNSEEN") == ("OK", [b"1"])
        fetched: Any = imap.fetch("1", "(UID FLAGS BODY.PEEK[])")[1]
        [(head, body), tail] = fetched
        assert re.fullmatch(rb"1 \(UID 1 FLAGS \(\) BODY\[\] \{%d\}" % len(relay.mail), head)
        assert (body, tail) == (relay.mail, b")")
        assert imap.append("INBOX", "(\\Seen)", None, relay.mail)[0] == "OK"
        assert imap.uid("SEARCH", "SEEN") == ("OK", [b"2"])
        assert imap.create("Archive/2024")[0] == "OK"
        assert imap.list()[1] == [
            b'(\\HasNoChildren) "/" "INBOX"',
            b'(\\HasChildren) "/" "Archive"',
            b'(\\HasNoChildren) "/" "Archive/2024"',
        ]
        assert imap.uid("MOVE", "2", "Archive/2024")[0] == "OK"
        assert imap.status("Archive/2024", "(MESSAGES UIDNEXT UNSEEN)")[1] == [
            b'"Archive/2024" (MESSAGES 1 UIDNEXT 2 UNSEEN 0)'
        ]
        assert imap.store("1", "+FLAGS", "\\Deleted")[1] == [b"1 (UID 1 FLAGS (\\Deleted))"]
        assert imap.expunge()[1][-1] == b"1"
        assert imap.getquotaroot("INBOX")[0] == "OK"
        assert imap.namespace()[1] == [b'(("" "/")) NIL NIL']
        assert imap.close()[0] == "OK"
        assert imap.logout()[0] == "BYE"

    await in_a_thread(session)
    await relay.quiet()


async def test_imaplib_with_starttls_and_authenticate(relay: "Relay") -> None:
    def session() -> None:
        imap = imaplib.IMAP4("127.0.0.1", relay.plain_port, timeout=30)
        assert {"STARTTLS", "LOGINDISABLED"} <= set(imap.capabilities)
        with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
            imap.login(*LOGIN)
        imap.starttls(relay.client)
        assert "STARTTLS" not in imap.capabilities
        imap.authenticate("PLAIN", lambda _: "\0".join(("", *LOGIN)).encode())
        assert imap.select()[0] == "OK"
        imap.logout()

    await in_a_thread(session)


async def test_imaplib_with_a_wrong_password(relay: "Relay") -> None:
    def session() -> None:
        imap = imaplib.IMAP4_SSL("127.0.0.1", relay.port, ssl_context=relay.client, timeout=30)
        imap.login(*LOGIN)
        imap.logout()
        imap = imaplib.IMAP4_SSL("127.0.0.1", relay.port, ssl_context=relay.client, timeout=30)
        with pytest.raises(imaplib.IMAP4.error, match=r"AUTHENTICATIONFAILED.*authentication"):
            imap.login(LOGIN[0], "not this one at all")
        imap.shutdown()

    await in_a_thread(session)


@pytest.mark.parametrize("relay", ["memory", "sqlite"], indirect=True)
async def test_imapclient(relay: "Relay") -> None:
    loop = asyncio.get_running_loop()

    def deliver() -> None:
        asyncio.run_coroutine_threadsafe(relay.deliver(), loop).result(30)

    def session() -> None:
        imap = make_client(relay)
        imap.login(*LOGIN)
        assert {b"XCHATMAIL", b"IDLE", b"MOVE"} <= set(imap.capabilities())
        imap.enable("CONDSTORE")
        assert imap.select_folder("INBOX")[b"EXISTS"] == 0
        imap.idle()
        deliver()
        assert imap.idle_check(timeout=30) == [(1, b"EXISTS")]
        imap.idle_done()
        [uid] = imap.search(["UNSEEN"])
        data = imap.fetch([uid], ["ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[]"])[uid]
        assert data[b"BODY[]"] == relay.mail
        assert data[b"RFC822.SIZE"] == len(relay.mail)
        assert data[b"ENVELOPE"].subject == b"[...]"
        assert [part[1] for part in data[b"BODYSTRUCTURE"][0]] == [b"pgp-encrypted", b"octet-stream"]
        assert imap.add_flags([uid], ["\\Seen", "Work"]) == {uid: (b"\\Seen", b"Work")}
        assert imap.set_flags([uid], ["\\Flagged"]) == {uid: (b"\\Flagged",)}
        name = "\u041f\u0440\u0438\u0432\u0435\u0442 & Co"
        imap.create_folder(name)
        imap.copy([uid], name)
        imap.rename_folder(name, "Plain")
        assert [folder for _, _, folder in imap.list_folders()] == ["INBOX", "Plain"]
        assert imap.folder_status("Plain")[b"MESSAGES"] == 1
        [quota] = imap.get_quota()
        assert quota.usage > 0
        imap.delete_messages([uid])
        imap.expunge([uid])
        assert imap.search() == []
        imap.delete_folder("Plain")
        imap.unselect_folder()
        imap.logout()

    await in_a_thread(session)
    await relay.quiet()
