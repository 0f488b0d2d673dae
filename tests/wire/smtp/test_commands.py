"""The arguments of commands: what is read, and the reply for what is not."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.smtp.commands import Mail, parse_hello, parse_mail, parse_nothing, parse_recipient
from angarium.wire.smtp.errors import Refusal


def refused(argument: str, command: str = "mail") -> tuple[int, str]:
    with pytest.raises(Refusal) as raised:
        _ = parse_mail(argument) if command == "mail" else parse_recipient(argument, utf8=False, hostname="x")
    return raised.value.reply.code, raised.value.reply.enhanced


@pytest.mark.parametrize(
    ("argument", "mail"),
    [
        ("FROM:<anna@relay.example>", Mail("anna@relay.example", None, False)),
        ("from: <anna@relay.example>", Mail("anna@relay.example", None, False)),
        ("FROM:<>", Mail("", None, False)),
        ("FROM:<anna@relay.example> BODY=8BITMIME SMTPUTF8", Mail("anna@relay.example", None, True)),
        ("FROM:<anna@relay.example> size=1000 body=7bit", Mail("anna@relay.example", 1000, False)),
        ("FROM:<anna@relay.example> AUTH=<> ", Mail("anna@relay.example", None, False)),
        ("FROM:<آنا@relay.example> SMTPUTF8", Mail("آنا@relay.example", None, True)),
        ("FROM:<@a.example,@b.example:anna@relay.example>", Mail("anna@relay.example", None, False)),
        ('FROM:<"an>na x"@relay.example> SIZE=1', Mail('"an>na x"@relay.example', 1, False)),
        (r'FROM:<"an\"na"@relay.example>', Mail(r'"an\"na"@relay.example', None, False)),
        ("FROM:<anna@[IPv6:::1]>", Mail("anna@[IPv6:::1]", None, False)),
        ("FROM:<anna@127.0.0.2>", Mail("anna@127.0.0.2", None, False)),
    ],
)
def test_mail(argument: str, mail: Mail) -> None:
    assert parse_mail(argument) == mail


@pytest.mark.parametrize(
    ("argument", "code", "enhanced"),
    [
        ("", 501, "5.5.4"),
        ("anna@relay.example", 501, "5.5.4"),
        ("TO:<anna@relay.example>", 501, "5.5.4"),
        ("FROM:anna@relay.example", 501, "5.5.4"),
        ("FROM:<anna@relay.example", 501, "5.5.4"),
        ("FROM:<anna@relay.example>>", 501, "5.5.4"),
        ("FROM:<anna@relay.example>SIZE=1", 501, "5.5.4"),
        ('FROM:<"anna@relay.example>', 501, "5.5.4"),
        ("FROM:<anna>", 501, "5.1.7"),
        ("FROM:<anna relay@example>", 501, "5.1.7"),
        ("FROM:<anna@relay.example> SIZE", 501, "5.5.4"),
        ("FROM:<anna@relay.example> SIZE=x", 501, "5.5.4"),
        ("FROM:<anna@relay.example> SIZE=-1", 501, "5.5.4"),
        ("FROM:<anna@relay.example> SIZE=" + "1" * 21, 501, "5.5.4"),
        ("FROM:<anna@relay.example> SIZE=1 SIZE=1", 501, "5.5.4"),
        ("FROM:<anna@relay.example> BODY=BINARYMIME", 501, "5.5.4"),
        ("FROM:<anna@relay.example> SMTPUTF8=yes", 501, "5.5.4"),
        ("FROM:<anna@relay.example> =", 501, "5.5.4"),
        ("FROM:<anna@relay.example> RET=HDRS", 555, "5.5.4"),
        ("FROM:<آنا@relay.example>", 553, "5.6.7"),
    ],
)
def test_mail_refused(argument: str, code: int, enhanced: str) -> None:
    assert refused(argument) == (code, enhanced)


def test_recipients() -> None:
    def read(argument: str) -> str:
        return parse_recipient(argument, utf8=True, hostname="relay.example")

    assert read("TO:<bob@elsewhere.example>") == "bob@elsewhere.example"
    assert read("to: <بهار@elsewhere.example>") == "بهار@elsewhere.example"
    assert read("TO:<Postmaster>") == "Postmaster@relay.example"


@pytest.mark.parametrize(
    ("argument", "code", "enhanced"),
    [
        ("TO:<>", 501, "5.1.3"),
        ("TO:<bob>", 501, "5.1.3"),
        ("FROM:<bob@relay.example>", 501, "5.5.4"),
        ("TO:<bob@relay.example> NOTIFY=NEVER", 555, "5.5.4"),
        ("TO:<بهار@elsewhere.example>", 553, "5.6.7"),
    ],
)
def test_recipients_refused(argument: str, code: int, enhanced: str) -> None:
    assert refused(argument, "rcpt") == (code, enhanced)


@pytest.mark.parametrize("argument", ["", "a b", "x" * 256, "a\tb"])
def test_hello_refused(argument: str) -> None:
    with pytest.raises(Refusal):
        parse_hello(argument)


def test_hello() -> None:
    for argument in ("localhost", "[127.0.0.1]", "[IPv6:::1]", "phone", "_x"):
        parse_hello(argument)


def test_nothing() -> None:
    parse_nothing("")
    with pytest.raises(Refusal):
        parse_nothing("x")


@given(st.text() | st.from_regex(r"\A(FROM|TO): ?<[^\r\n]{0,30}>( [A-Z=0-9a-z]{0,20}){0,3}\Z"))
def test_only_refusals_escape(argument: str) -> None:
    for parse in (parse_mail, lambda text: parse_recipient(text, utf8=True, hostname="x"), parse_hello):
        with contextlib.suppress(Refusal):
            parse(argument)
