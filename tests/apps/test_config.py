"""The configuration: the sample is true, and every mistake is told with its line and what was expected."""

import re
from pathlib import Path

import msgspec
import pytest

from angarium.apps.config import Config, ConfigError, load, parse, sample
from angarium.mail.settings import Retention, Route


def uncommented(text: str) -> str:
    """The sample with every default switched on."""
    return "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines()[3:])


def test_the_sample_says_the_defaults() -> None:
    assert parse(sample(), "sample") == Config()
    assert parse(uncommented(sample()), "sample") == Config()


def test_every_setting_is_described_in_the_sample() -> None:
    lines = sample().splitlines()
    for section in msgspec.structs.fields(Config):
        assert f"[{section.name}]" in lines
        for setting in msgspec.structs.fields(section.type):
            at = next(n for n, line in enumerate(lines) if line.startswith(f"# {setting.name} = "))
            assert len(lines[at - 1]) > 15, f"{section.name}.{setting.name} is not explained"


def test_a_setting_is_read() -> None:
    assert parse("[retention]\nmessage_days = 3\n", "f").retention == Retention(message_days=3)


def test_a_route_is_read_and_written() -> None:
    route = {"relay.example": Route(via="192.0.2.7:8443", transport="https"), "[::1]": Route()}
    text = '[federation.routes]\n"relay.example" = { via = "192.0.2.7:8443", transport = "https" }\n"[::1]" = {}\n'
    assert parse(text, "f").federation.routes == route
    assert parse(sample({"federation.routes": route}), "sample").federation.routes == route


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "f:1: not TOML: expected '=' after a key"),
        ("\n\n[accounts\n", "f:3: not TOML: expected ']'"),
        (
            "[limits]\nbreath_bytes = 8191",
            "f:2: limits.breath_bytes: expected 0, or at least 8192: a login and a text must fit",
        ),
        ("[retention]\nquota = 3", "f:2: retention.quota: expected `int` >= 1048576, found 3"),
        ("[retention]\n\nquuota=4", "f:3: there is no setting retention.quuota; did you mean retention.quota?"),
        ("[push]\nzzz=4", "f:2: there is no setting push.zzz; expected one of url"),
        ("\nretention = 4", "f:2: retention: expected a [section], got `int`, found 4"),
        (
            '[accounts]\nregistration="opn"',
            'f:2: accounts.registration: expected one of "open", "invite", "closed", found "opn"',
        ),
        ("[tls]\n[nothing]\n", "f:2: there is no setting nothing; expected one of names, tls"),
        ('[tls]\ncert="a"\n', "f:2: tls.cert: expected tls.key to be given too"),
        ('[proxy]\nallow=["nine.example"]\n', 'f:2: proxy.allow: expected HOST:PORT, found "nine.example"'),
        ('[proxy]\nallow=["127.1:993"]\n', 'f:2: proxy.allow: expected HOST:PORT, found "127.1:993"'),
        (
            "[listen]\ngreet_imap=[443]\nclear=false\n",
            (
                "f:2: listen.greet_imap: expected none: nothing in clear is taken on the https door"
                " (listen.clear, decoy.clear)"
            ),
        ),
        (
            '[listen]\ngreet_smtp=[443]\n[decoy]\nfolder="/srv/site"\n',
            (
                "f:2: listen.greet_smtp: expected none: nothing in clear is taken on the https door"
                " (listen.clear, decoy.clear)"
            ),
        ),
        (
            "[listen]\ngreet_imap=[443]\ngreet_smtp=[444, 443]\n",
            "f:3: listen.greet_smtp: port 443 stands in listen.greet_imap: one port can greet in one way only",
        ),
        ('[decoy]\nfolder="site"\n', 'f:2: decoy.folder: expected a path from the root on, found "site"'),
        ('[decoy]\nsite="https://a.example/b"\n', "f:2: decoy.site: expected https://HOST or http://HOST:PORT, found"),
        ('[decoy]\nsite="http://a"\nfolder="/b"\n', "f:2: decoy.site: expected one of decoy.folder, decoy.site and"),
        ('[decoy]\nempty=true\nfolder="/b"\n', "f:2: decoy.empty: expected one of decoy.folder, decoy.site and"),
        ("[listen]\nmore=[0]\n", "f:2: listen.more: expected `int` >= 1"),
        ("[listen]\naddresses=[1]\n", "f:2: listen.addresses: expected `str`, got `int`"),
        ("retention.quota=1", "f:1: retention.quota: expected `int` >= 1048576, found 1"),
        ('[names]\naliases=["a.example", "b c"]', "f:2: names.aliases: expected a domain name or an IP address"),
        ('[dns]\nservers=["192.0.2.1:53", "dns.example"]', "f:2: dns.servers: expected an IP address, with or without"),
        ("[accounts]\nname_min_length=20\nname_max_length=10", "f:2: accounts.name_min_length: expected at most"),
        ("[retention]\nquota_low_percent = 99", "f:2: retention.quota_low_percent: expected at most"),
        ('[federation]\ndeny=["a b"]', "f:2: federation.deny: expected a domain, an IP address or *.domain, found"),
        ('[federation.routes]\n"a b" = {}', "f:1: federation.routes: expected a domain name or an IP address"),
        (
            '[names]\n[federation]\nroutes = { "a.b" = { vai = "x" } }',
            "f:2: there is no setting federation.routes.vai",
        ),
        ('[federation.routes]\n"a.b" = { transport = "x" }', 'f:1: federation.routes.transport: expected one of "any"'),
        (
            '[federation]\nroutes = { "a.b" = { via = "x:99999" } }',
            "f:2: federation.routes: expected a host and",
        ),
        (
            '[federation]\nroutes = { "a.b" = { via = "http://x" } }',
            "f:1: federation.routes.via: expected `str`",
        ),
        ("[messages]\nmax_size = 600000000", "f:2: messages.max_size: expected at most retention.quota"),
        ("[federation]\nqueue_bytes = 70000", "f:2: federation.queue_bytes: expected at least messages.max_size"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, "f")
    assert str(error.value).startswith(said)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: cannot be read"):
        load(tmp_path / "no.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "latin.toml")


def test_what_the_keepers_guide_shows_can_be_read() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "keeper.md").read_text()
    shown = re.findall(r"^```toml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    assert shown
    for text in shown:
        assert parse(text, "keeper.md") != Config()
