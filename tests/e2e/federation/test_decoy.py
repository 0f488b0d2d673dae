"""Relays whose https ports are decoys write to each other over HTTPS all the same."""

import asyncio
import http.client
import ssl
from typing import Any

from angarium.lab.profile import join

EXPECTED = "nginx/1.22.1"


def ask(address: str, headers: list[tuple[str, str]]) -> tuple[int, str]:
    """What a stranger hears who brings a message: status and software."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(address, 443, context=context, timeout=20)
    connection.putrequest("POST", "/mxdeliv")
    for name, value in headers:
        connection.putheader(name, value)
    connection.putheader("Content-Length", "3")
    connection.endheaders(b"abc")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader("Server", "")


async def test_mail_between_two_decoys(world: Any, tmp_path: Any) -> None:
    garden = tmp_path / "garden"
    garden.mkdir()
    settings = f'[decoy]\nfolder = "{garden}"\n'  # apps come by 993 and 465, which are named; 25 is not
    one = await world.relay("one.example", settings=settings)
    assert one.up
    assert "smtp" not in {door.name for door in one.up.ready.listening}
    two = await world.relay("two.example", settings=settings)
    alice, bob = await world.enter("Alice", one), await world.enter("Bob", two)
    chat = await join(alice, bob)
    for _ in range(3):
        await world.trial.send("texts", bob, chat, [alice])
    await asyncio.wait_for(world.trial.ledger.complete("texts"), 60)

    def to(*recipients: str) -> list[tuple[str, str]]:
        return [("X-MAIL-FROM", "a@evil.example"), *(("X-MAIL-TO", recipient) for recipient in recipients)]

    for headers in ([], to(), to("nobody1234@one.example"), to(bob.address), [("X-MAIL-TO", alice.address)]):
        assert await asyncio.to_thread(ask, one.address, headers) == (404, EXPECTED)
    # who knows an address here, and brings nothing that can be delivered, hears that this is a relay
    assert await asyncio.to_thread(ask, one.address, to(alice.address)) == (400, "")
