"""The lab's sites as nginx serves them: each is what the table says it is, and as the relay's decoy would have it."""

import json
import sys

import pytest

from angarium.lab.censor.enclosure import enclosed, missing
from angarium.lab.censor.gardens import TWINS
from angarium.lab.censor.sites import DECOYS, LIKES, STOCK, Site

LACKING = missing()

MOVED = "HTTP/1.1 301 Moved Permanently"


def expected(one: Site) -> list[str]:
    """What is seen of a site: its page, which key signs, port 80, and who offers HTTP/2."""
    page = "HTTP/1.1 403 Forbidden" if one.sort.serves == "nothing" else "HTTP/1.1 200 OK"
    cipher = f"ECDHE-{'RSA' if one.sort.key == 'RSA' else 'ECDSA'}-AES256-GCM-SHA384"
    newer = "TLSv1.3 h2" if one.http2 else f"TLSv1.3 http/1.1, {page}"
    return [f"TLSv1.3 None, {page}", cipher, page if one.clear else MOVED, newer]


@pytest.mark.skipif(LACKING is not None, reason=f"this machine lacks {LACKING}")
async def test_sites_are_what_they_are_said_to_be() -> None:
    async with enclosed(sys.executable, "-m", "tests.lab.censor.inside", "sites") as process:
        said, complaints = await process.communicate()
    assert said, complaints.decode()
    seen: dict[str, list[str]] = json.loads(said)
    places = [(one.address, one) for one in STOCK]
    places += list(zip(LIKES, DECOYS, strict=True)) + [(address, DECOYS[0]) for address in TWINS]
    assert set(seen) == {address for address, _ in places}
    for address, one in places:
        *kinds, octets = seen[address]
        assert [kind.partition(", \0")[0] for kind in kinds] == expected(one), one.name
        alone = 800 if one.sort.key == "RSA" else 400
        assert (int(octets) > alone) is one.chained, one.name
