"""What is remembered of parsing is what parsing gives."""

import pytest

from angarium.wire.imap.items import fetch_items
from angarium.wire.imap.reader import Limits, Malformed, Reader
from angarium.wire.imap.remembered import LONGEST, remembered
from angarium.wire.stream import Parser, Stream

PREFETCH = b"(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE)])"


def run(parser: Parser[object], stream: Stream | None = None, rest: bytes = b"") -> object:
    try:
        while True:
            next(parser)
            if stream is not None:
                stream.feed(rest)
                rest = b""
    except StopIteration as done:
        return done.value


def test_the_same_words_are_the_same_items_and_what_follows_is_left() -> None:
    for text in (PREFETCH, PREFETCH + b" (CHANGEDSINCE 7)", PREFETCH, b"FAST", b"(FLAGS BODY.PEEK[])"):
        reader, again = Reader.of(text), Reader.of(text)
        assert run(fetch_items(reader)) == run(fetch_items.__wrapped__(again))  # type: ignore[attr-defined]
        assert reader.ahead == again.ahead
    first, second = (run(fetch_items(Reader.of(PREFETCH))) for _ in range(2))
    assert first is second


def test_what_is_malformed_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(Malformed):
            run(fetch_items(Reader.of(b"(UID NOTHING)")))


def test_a_literal_goes_on_beyond_the_line_and_is_read_anew() -> None:
    for name in (b"DATE", b"FROM"):
        stream = Stream()
        reader = Reader(stream, Limits(), lambda _text: None)
        begun = reader.begin(1000)
        stream.feed(b"BODY.PEEK[HEADER.FIELDS ({4}\r\n")
        run(begun)
        items = run(fetch_items(reader), stream, name + b")]\r\n")
        assert isinstance(items, tuple)
        assert items[0].fields == {name.lower()}


def test_what_is_long_is_not_kept() -> None:
    read = []

    @remembered
    def all_of_it(reader: Reader) -> Parser[bytes]:
        yield from ()
        read.append(1)
        return reader.rest()

    for text in (b"a" * LONGEST, b"a" * LONGEST, b"b" * (LONGEST + 1), b"b" * (LONGEST + 1)):
        assert run(all_of_it(Reader.of(text))) == text
    assert len(read) == 3
