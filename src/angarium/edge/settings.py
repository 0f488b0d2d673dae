"""The settings of the listeners and of what a peer may do to them. `apps/config.py` assembles them into one file.

Sizes are bytes, times are seconds.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

__all__ = ["Decoy", "Limits", "Listen"]

MAIL = ("imaps", "imap", "submissions", "submission", "smtp")
Port = Annotated[int, Meta(ge=-1, le=65535)]


class Listen(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the relay listens. A port of 0 means what `ports` says (for mail, where there is a decoy: off); -1: off."""

    addresses: Annotated[
        list[str], Meta(description="IP addresses to listen on; empty: all of this machine, IPv4 and IPv6.")
    ] = []
    ports: Annotated[
        Literal["standard", "high", "any"],
        Meta(
            description="What a port of 0 means: the standard one, or where that may not be had a high one"
            " (10993 for 993); the high one from the start; or any free one. Once chosen it stays."
        ),
    ] = "standard"
    imaps: Annotated[Port, Meta(description="IMAP over TLS (993).")] = 0
    imap: Annotated[Port, Meta(description="IMAP with STARTTLS (143).")] = 0
    submissions: Annotated[Port, Meta(description="Submission over TLS (465).")] = 0
    submission: Annotated[Port, Meta(description="Submission with STARTTLS (587).")] = 0
    https: Annotated[Port, Meta(description="Pages, and by ALPN IMAP and submission too (443).")] = 0
    more: Annotated[
        list[Annotated[int, Meta(ge=1, le=65535)]],
        Meta(description="More ports on which the https door is open too."),
    ] = []
    clear: Annotated[
        bool,
        Meta(
            description="Take on the https door also what begins in clear there: IMAP and submission with STARTTLS, and"
            " what the http and socks doors take. Where there is a decoy, see decoy.clear."
        ),
    ] = True
    greet_imap: Annotated[
        list[Annotated[int, Meta(ge=1, le=65535)]],
        Meta(
            description="Ports of the https door where who says nothing for a moment is greeted in IMAP, with STARTTLS."
        ),
    ] = []
    greet_smtp: Annotated[
        list[Annotated[int, Meta(ge=1, le=65535)]],
        Meta(description="The same for submission. Invitations show the first port of each, where there are both."),
    ] = []
    http: Annotated[Port, Meta(description="Only redirects to https, and answers ACME challenges (80).")] = 0
    smtp: Annotated[Port, Meta(description="Mail from other relays, with STARTTLS (25).")] = 0
    socks: Annotated[
        Port, Meta(description="SOCKS5 for who has a pass (1080): name, password and goal go in clear.")
    ] = -1
    shadowsocks: Annotated[
        Port,
        Meta(description="EXPERIMENTAL: Shadowsocks for who has a pass (8388). The Great Firewall blocks its start."),
    ] = -1

    def as_web_site(self) -> "Listen":
        """The same without the ports of mail, but for those that are set to a number."""
        return replace(self, **{name: -1 for name in MAIL if not getattr(self, name)})


class Limits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one peer may cost, and what the relay may take of the machine."""

    workers: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Processes that serve IMAP and submission; more than one helps only where there are as many"
            " cores. Linux only.",
        ),
    ] = 1
    connections: Annotated[
        int,
        Meta(
            ge=1, description="Connections held at once, all kinds together. Each worker holds an equal part at most."
        ),
    ] = 16_000
    handshakes: Annotated[
        int,
        Meta(
            ge=1,
            description="TLS handshakes under way at once; more wait at the door. Each worker does an equal part.",
        ),
    ] = 512
    handshake_seconds: Annotated[float, Meta(gt=0, description="Time for a TLS handshake.")] = 30
    login_seconds: Annotated[float, Meta(gt=0, description="Time from connecting to a successful login.")] = 60
    command_seconds: Annotated[
        float, Meta(gt=0, description="Time between two commands of an SMTP session (RFC 5321, 4.5.3.2.7: 300).")
    ] = 300
    idle_seconds: Annotated[
        float, Meta(gt=0, description="Silence after which an IMAP session is ended (RFC 3501, 5.4: 1800).")
    ] = 1860
    write_seconds: Annotated[float, Meta(gt=0, description="Time a peer may leave our bytes unread.")] = 120
    line_bytes: Annotated[int, Meta(ge=1000, description="Longest command line of SMTP.")] = 4096
    imap_line_bytes: Annotated[int, Meta(ge=8192, description="Longest command line of IMAP.")] = 65_536
    imap_depth: Annotated[int, Meta(ge=2, le=100, description="Deepest nesting of parentheses in IMAP.")] = 16
    errors: Annotated[int, Meta(ge=1, description="Protocol errors after which a connection is ended.")] = 20
    http_body_bytes: Annotated[int, Meta(ge=1024, description="Longest body of an HTTP request to a page.")] = 65_536
    breath_bytes: Annotated[
        int,
        Meta(
            description="Bytes sent to an app on one connection, after which it is made to connect again: 14336 against"
            " a censor that lets 16 KB pass, headers counted; 8192 or more. 0: no limit. On Linux only."
        ),
    ] = 0
    breath_doors: Annotated[
        tuple[Literal["imaps", "imap", "submissions", "submission", "https"], ...],
        Meta(description="The doors where that holds; empty: all."),
    ] = ()
    hold_bytes: Annotated[
        int,
        Meta(
            ge=1_048_576,
            description="Unfinished mail from other relays held in memory at once, all together."
            " Workers have none: it comes to the first process.",
        ),
    ] = 268_435_456

    def breath(self, door: str) -> int:
        """`breath_bytes` where they hold; 0 at other doors."""
        return self.breath_bytes if not self.breath_doors or door in self.breath_doors else 0


class Decoy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An ordinary web site for everybody who does not know the secret path: what a censor sees who knocks. Ports of
    mail are listened on only where the section [listen] sets them to a number.
    """

    folder: Annotated[
        str,
        Meta(description="Folder with the site's files (index.html and what belongs to it)."),
    ] = ""
    site: Annotated[
        str,
        Meta(
            description="Or a site that strangers' requests are handed to: https://… or http://…, with nothing behind"
            " host and port."
        ),
    ] = ""
    empty: Annotated[
        bool,
        Meta(
            description="Or no site at all: what nginx says whose folder is empty. Without any of the three there is no"
            " decoy."
        ),
    ] = False
    mail_alpn: Annotated[
        bool,
        Meta(
            description="Take IMAP and submission by ALPN on the https port, which no web server does: whoever probes"
            " for it sees that this is more than a web site. Without it, apps come in by the proxy or other ports."
        ),
    ] = False
    clear: Annotated[
        bool,
        Meta(
            description="Do on the https port what listen.clear and the lists of ports to greet on say, which no web"
            " server does either."
        ),
    ] = False

    @property
    def wanted(self) -> bool:
        """Whether there is one."""
        return bool(self.folder or self.site or self.empty)
