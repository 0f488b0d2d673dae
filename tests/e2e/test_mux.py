"""The real core waits to be greeted on ports that take everything, and so says neither a name nor ALPN in clear."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import trial
from angarium.lab.core import Core
from angarium.lab.profile import join

Start = Callable[..., AbstractAsyncContextManager[Relay]]


async def test_starttls_after_a_silence(
    start: Start, apps: Core, tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    imap, smtp = unused_tcp_port_factory(), unused_tcp_port_factory()
    settings = f"[listen]\nmore = [{imap}, {smtp}]\ngreet_imap = [{imap}]\ngreet_smtp = [{smtp}]\n"
    settings += "imaps = -1\nimap = -1\nsubmissions = -1\nsubmission = -1\nhttp = -1\nsmtp = -1\n"
    link = f"dclogin:alice.in.silence@127.0.0.1?p=a-long-password&v=1&ih=127.0.0.1&ip={imap}&is=starttls"
    link += f"&sh=127.0.0.1&sp={smtp}&ss=starttls&ic=3"
    async with start(tmp_path / "relay", settings=settings) as up, trial(apps, link, tmp_path) as people:
        assert {door.port for door in up.ready.listening} >= {imap, smtp}
        alice, bob = await people.enter("Alice"), await people.enter("Bob")
        await people.send("text", bob, await join(alice, bob), [alice])
        await asyncio.wait_for(people.ledger.complete("text"), 30)
        for each in (alice, bob):
            await each.call("stop_io")
