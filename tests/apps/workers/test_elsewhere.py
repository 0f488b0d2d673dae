"""Mail for another relay that a worker has taken: committed, sent and answered for by the first process."""

import secrets
import socket
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import Relay, relay
from angarium.lab.clients import Imap, Refused, Submission
from angarium.lab.mails import mark_of, sealed

HERE, THERE = "127.0.78.1", "127.0.78.2"
PASSWORD = "a password of some length"
SETTINGS = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n[limits]\nworkers = 3\n"


def may_bind_low_ports() -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.78.250", 443))
        except OSError:
            return False
    return True


async def entered(up: Relay, host: str, name: str) -> Imap:
    imap = await Imap.connect(host, up.port("imaps"))
    await imap.login(f"{name}@{host}", PASSWORD)
    await imap.select(everything=True)
    return imap


@pytest.mark.skipif(not may_bind_low_ports(), reason="needs ports below 1024")
async def test_what_the_other_relay_says_reaches_who_submitted_through_any_process(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir(0o700)
        (tmp_path / name / "angarium.toml").write_text(SETTINGS)
    async with (
        relay(tmp_path / "here", ("--listen", HERE)) as here,
        relay(tmp_path / "there", ("--listen", THERE)) as there,
    ):
        ben = await entered(there, THERE, "ben-and-his-phone")
        marks = []
        for number in range(8):  # each by its own process, as it falls
            name = f"sender-number-{number}"
            submission = await Submission.connect(HERE, here.port("submissions"))
            await submission.login(f"{name}@{HERE}", PASSWORD)
            mark = secrets.token_hex(8)
            with pytest.raises(Refused, match="550"):
                await submission.send(f"{name}@{HERE}", [f"nobody-at-all@{THERE}"], sealed(f"{name}@{HERE}", mark))
            marks.append(secrets.token_hex(8))
            await submission.send(
                f"{name}@{HERE}", [f"ben-and-his-phone@{THERE}"], sealed(f"{name}@{HERE}", marks[-1], size=400_000)
            )
        found: list[str] = []
        while len(found) < len(marks):
            while mails := await ben.fetch_new():
                found += [mark_of(mail) for _, mail in mails]
            if len(found) < len(marks):
                await ben.idle()
        assert sorted(found) == sorted(marks)
