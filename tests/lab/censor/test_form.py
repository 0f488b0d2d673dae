"""What of an answer may be compared between sites."""

from angarium.lab.censor.form import form, shape

PAGE = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: text/html\r\nContent-Length: %d\r\n"
    b'Last-Modified: %s\r\nConnection: keep-alive\r\nETag: "%s"\r\nAccept-Ranges: bytes\r\n\r\n%s'
)
ONE = PAGE % (3, b"Mon, 03 Aug 2026 10:00:00 GMT", b"6a1-3", b"abc")
OTHER = PAGE % (5, b"Tue, 11 Feb 2025 01:02:03 GMT", b"67b-5", b"abcde")


def test_pages_of_two_sites_have_one_form() -> None:
    assert form(ONE) == form(OTHER) != ONE
    assert form(ONE) == form(ONE + ONE)  # asked for twice


def test_servers_have_their_own() -> None:
    assert form(ONE) != form(OTHER.replace(b"text/html", b"text/html; charset=utf-8"))
    assert form(ONE) != form(OTHER.replace(b'ETag: "', b'ETag: W/"'))
    assert form(ONE) != form(OTHER.replace(b"Connection: keep-alive\r\n", b""))


def test_what_a_server_says_of_itself_is_left_whole_but_for_where_a_site_is() -> None:
    missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"
    assert form(missing) == missing
    moved = b"HTTP/1.1 301 Moved Permanently\r\nContent-Length: 1\r\nLocation: https://%s/a\r\n\r\n%s"
    assert form(moved % (b"a.example", b"x")) == form(moved % (b"b.example:8443", b"x"))
    assert form(moved % (b"a.example", b"x")) != form(moved % (b"a.example", b"y"))
    assert form(b"* OK ready\r\n") == b"* OK ready\r\n"


def test_records_of_a_page_are_full_or_not() -> None:
    tickets = [(23, 250), (23, 250)]
    assert shape([*tickets, (23, 16_401), (23, 16_401), (23, 99)], ONE, 2) == shape(
        [*tickets, (23, 16_401), (23, 7_000)], OTHER, 2
    )
    assert shape([*tickets, (23, 900)], ONE, 2) != shape([*tickets, (23, 400), (23, 500)], ONE, 2)
    assert shape([*tickets, (23, 900)], ONE, 2) != shape([(23, 234), (23, 250), (23, 900)], ONE, 2)
    assert shape([(23, 900), (21, 26)], ONE, 0) != shape([(23, 900)], ONE, 0)
    assert shape([(23, 900)], b"HTTP/1.1 404 Not Found\r\n\r\n", 0) == "[(23, 900)]"
