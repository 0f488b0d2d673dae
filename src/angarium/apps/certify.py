"""Which certificate a relay shows: the keeper's files, an authority's, or its own; chosen once, at the start."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import date
from pathlib import Path

from angarium.reach.acme import Acme
from angarium.reach.certificate import Certificates, SelfSigned
from angarium.reach.names import Names
from angarium.reach.settings import Tls

__all__ = ["Certified", "certify"]


class Certified:
    """The certificate of the moment, and what keeps it good."""

    def __init__(self, certificates: Certificates, *, own: SelfSigned | None, acme: Acme | None, given: bool) -> None:
        self._certificates = certificates
        self._own = own
        self._acme = acme
        self._given = given

    @property
    def verified(self) -> bool:
        """Whether apps can check it, or will as soon as the authority has answered."""
        return self._acme is not None or (self._given and not self._certificates.self_signed)

    @property
    def pin(self) -> bytes | None:
        """What other relays know its key by, where they cannot ask an authority for it."""
        return None if self.verified else self._certificates.pin

    @property
    def kind(self) -> str:
        """Where it comes from, and what is wrong with it, if anything is."""
        if self._given:
            kind = "from the keeper's files"
        elif self._certificates.self_signed:
            kind = "self-signed"
        else:
            kind = "from the authority"
        problem = self._certificates.problem or (self._acme.problem if self._acme else "")
        return f"{kind} ({problem})" if problem else kind

    @property
    def files(self) -> tuple[Path, Path]:
        """Where it is, and where its private key is."""
        return self._certificates.files

    @property
    def expires(self) -> int:
        """Its last day, in days since 1970-01-01 UTC."""
        return self._certificates.expires

    def context(self, *alpn: str, minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        """The TLS context of the moment, offering these protocols (`Certificates.context`)."""
        return self._certificates.context(*alpn, minimum=minimum)

    def source(
        self, *alpn: str, minimum: ssl.TLSVersion, ciphers: str = "", disguised: bool = False
    ) -> Callable[[], ssl.SSLContext]:
        """What gives the one of the moment each time, quicker (`Certificates.source`)."""
        return self._certificates.source(*alpn, minimum=minimum, ciphers=ciphers, disguised=disguised)

    def challenge(self, token: str) -> str | None:
        """What an authority is to read on port 80 (RFC 8555, 8.3), while it is asked for a certificate."""
        return self._acme.challenge(token) if self._acme else None

    async def run(self) -> None:
        """Follow the files, renew in time, until cancelled."""
        async with asyncio.TaskGroup() as running:
            running.create_task(self._certificates.run())
            for keeping in (self._own, self._acme):
                if keeping is not None:
                    running.create_task(keeping.run())


def certify(tls: Tls, directory: Path, names: Names, *, today: Callable[[], date]) -> Certified:
    """The certificate that the settings ask for, ready to be shown. Raises CertificateError."""
    if tls.cert:
        return Certified(Certificates(Path(tls.cert), Path(tls.key)), own=None, acme=None, given=True)
    asked = bool(tls.acme) and names.ordinary
    own = SelfSigned(directory, names.certifiable if asked else names.all, today=today, stopgap=asked)
    own.renew()
    certificates = Certificates(own.cert, own.key)
    acme = None
    if asked:
        acme = Acme(
            tls.acme,
            names.certifiable,
            directory,
            email=tls.acme_email,
            trust=tls.acme_ca,
            installed=certificates.refresh,
        )
    return Certified(certificates, own=own, acme=acme, given=False)
