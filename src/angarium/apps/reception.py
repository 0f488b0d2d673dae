"""How mail of other relays comes in: the rooms of that side, built from the settings.

Both doors, `smtp` and `POST /mxdeliv` on `https`, lead to the same checks and share one hold.
"""

import contextlib
import ssl
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from angarium.apps.config import Config
from angarium.edge.hold import Hold
from angarium.edge.mx import MxSite
from angarium.edge.mxdeliv import PATH, addressed, mxdeliv
from angarium.edge.pages.exchange import Inlet, Request
from angarium.edge.settings import Listen
from angarium.mail.checks.peers import Peers
from angarium.mail.checks.signed import Signed
from angarium.mail.incoming import Incoming
from angarium.reach.resolver import Resolver
from angarium.store.interfaces import StoreError
from angarium.store.store import Store
from angarium.wire.address import Address, AddressError

__all__ = ["Reception"]


class Reception:
    """The side of a relay that other relays see."""

    def __init__(
        self,
        config: Config,
        store: Store,
        local: Callable[[str], bool],
        today: Callable[[], int],
        on_delivered: Callable[[Sequence[str]], None],
        hostname: str,
    ) -> None:
        """`hostname`: what the relay calls itself; addresses in brackets. The others as for `Incoming`."""
        self._config = config
        self._hostname = hostname
        self._local = local
        self._mailboxes = store.mailboxes
        self.hold = Hold(max(config.limits.hold_bytes, 2 * config.messages.max_size))
        self.resolver = Resolver(config.dns.servers)
        self.signed = Signed(self.resolver.texts)
        self.incoming = Incoming(
            config.messages,
            config.retention,
            store.mailboxes,
            store.marks,
            Peers(config.federation.allow, config.federation.deny),
            self.signed.verdict,
            local,
            today,
            on_delivered,
        )

    @property
    def listen(self) -> Listen:
        """Where to listen: behind a decoy at no port of mail that was not asked for, without federation not at smtp."""
        listen = self._config.listen.as_web_site() if self._config.decoy.wanted else self._config.listen
        return listen if self._config.federation.enabled else replace(listen, smtp=-1)

    def mx(self, tls: Callable[[], ssl.SSLContext | None]) -> MxSite:
        """What the smtp door serves."""
        config = self._config
        return MxSite(self._hostname, config.limits, config.messages, self.incoming, self.hold, tls)

    def inlets(self) -> Mapping[str, Inlet]:
        """What the https door takes from other relays."""
        if not self._config.federation.enabled:
            return {}
        return {PATH: mxdeliv(self.incoming, self._config.messages, self.hold)}

    async def known(self, request: Request) -> bool:
        """Whether a request brings mail for somebody who has an account here."""
        if not self._config.federation.enabled:
            return False
        names = []
        for recipient in addressed(request):
            with contextlib.suppress(AddressError):
                to = Address.parse(recipient)
                names += [to.name] if self._local(to.domain) else []
        with contextlib.suppress(StoreError):
            return bool(names and await self._mailboxes.usage(names))
        return False
