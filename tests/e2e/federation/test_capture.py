"""What somebody sees who watches the wire between two relays: no envelope, no address, no subject.

Who looks searches as the examiner of a seized disk does, in every encoding; that the wire is seen at all is shown by
what TLS does not hide, the name of the relay that is called.
"""

import pytest

from angarium.lab.capture import capture, permitted
from angarium.lab.profile import join
from angarium.lab.seizure.encodings import Known
from angarium.lab.seizure.hunter import Hunter
from tests.e2e.federation.conftest import World

pytestmark = pytest.mark.alone

BY_SMTP = """\
[federation.routes]
"here.example" = { transport = "smtp" }
"there.example" = { transport = "smtp" }
"""
ENVELOPE = ("X-MAIL-FROM", "X-MAIL-TO", "MAIL FROM", "RCPT TO", "Message-ID", "Subject", "multipart/encrypted")


@pytest.mark.skipif(not permitted(), reason="needs the right to open a packet socket")
@pytest.mark.parametrize(("settings", "port"), [("", 443), (BY_SMTP, 25)], ids=["https", "smtp"])
async def test_the_wire_shows_no_envelope(world: World, settings: str, port: int) -> None:
    here = await world.relay("here.example", settings=settings)
    there = await world.relay("there.example", settings=settings)
    with capture() as taken:
        ada, ben = await world.enter("Ada", here), await world.enter("Ben", there)
        chat = await join(ada, ben)
        back = await ada.call("create_chat_by_contact_id", await ada.call("lookup_contact_id_by_addr", ben.address))
        for _ in range(3):
            await world.trial.send("texts", ben, chat, [ada])
            await world.trial.send("texts", ada, back, [ben])
        await world.trial.ledger.complete("texts")
    assert taken.dropped == 0
    doors = {(here.address, port), (there.address, port)}
    wire = [one for one in taken.segments() if {one.source, one.target} & doors]
    assert {one.target for one in wire} >= doors, "both relays call each other"
    streams: dict[object, bytes] = {}
    for one in wire:
        key = (one.source, one.target)
        streams[key] = streams.get(key, b"") + one.payload
    seen = b"\n".join(streams.values())
    assert len(seen) > 6 * 2_000, "the texts went this way"
    assert b"there.example" in seen, "the wire is seen: TLS does not hide whom it calls"
    people = [word for who in (ada, ben) for word in (who.address, who.address.partition("@")[0], who.password)]
    known = [Known("of a person", word) for word in people] + [Known("of an envelope", word) for word in ENVELOPE]
    assert Hunter(known).hunt(seen) == set()
