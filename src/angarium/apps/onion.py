"""The relay's onion service: which doors it leads to, and the way that invitations show."""

from collections.abc import Collection, Iterable, Mapping

from angarium.apps.home import Home
from angarium.apps.ways import open_ways, ways
from angarium.edge.doors import STANDARD, Door
from angarium.mail.invitation import Way
from angarium.reach.onion import Onion, program
from angarium.reach.settings import Onion as Settings

__all__ = ["onion_way", "only_within", "publish"]

MAIL = ("imaps", "submissions")
LED_TO = (*MAIL, "https")
PROXIES = ("socks", "shadowsocks")
"""Led to as well where they are open: what goes in clear there does not on this way."""
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def only_within(settings: Settings, ports: Mapping[str, int], *, alpn: bool) -> Collection[str]:
    """Doors that tor alone is to lead to: those for apps, where strangers are to find none.

    `ports` are those listened on; `alpn`: see `ways`.
    """
    if not settings.enabled or alpn:
        return ()
    return [name for name in MAIL if name not in ports]


async def publish(settings: Settings, home: Home, doors: Iterable[Door]) -> Onion | None:
    """tor for these doors, not yet running; None where the settings want none.

    Raises:
        OnionError: it is wanted, and cannot be.
    """
    if not settings.enabled:
        return None
    ports: dict[int, tuple[str, int]] = {}
    for door in doors:
        if door.name in (*LED_TO, *PROXIES):
            ports.setdefault(STANDARD[door.name][0], (EVERYWHERE.get(door.address, door.address), door.port))
    onion = Onion(program(settings.tor), home.onion, home.tor, ports, settings.torrc)
    await onion.check()
    return onion


def onion_way(onion: Onion | None, led_to: Collection[str], *, alpn: bool = True) -> Way | None:
    """How an app with Tor as its proxy comes in; None: it cannot. The certificate need not be checked: the address is
    the proof. `led_to` are the doors at hand; `alpn`: see `ways`.
    """
    ports = {door: STANDARD[door][0] for door in LED_TO if door in led_to}
    if onion is None or not onion.address or not (alpn or open_ways(ports)):
        return None
    way = ways(onion.address, ports, verified=False, alpn=alpn)[0]
    return Way(way.host, way.imap_port, "ssl", way.smtp_port, "ssl", way.https_port, verified=False, kind="onion")
