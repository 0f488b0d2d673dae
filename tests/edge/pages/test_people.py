"""The pages for people, handler by handler: what they show in which mode, and what they never do."""

import html
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest

from angarium.edge.pages.exchange import Handler, Request, Response
from angarium.edge.pages.language import LANGUAGES
from angarium.edge.pages.router import pages
from angarium.mail.invitation import Login, parse
from angarium.store.interfaces import StoreFull, WrongPassword

ENGLISH = LANGUAGES["en"].words
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
VOID = {"br", "hr", "img", "input", "link", "meta"}


class Page(HTMLParser):
    """A page taken apart; balanced, or the test fails."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        assert response.content_type == "text/html; charset=utf-8"
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.source = response.body.decode()
        self.feed(self.source)
        self.close()
        assert self.open == []
        self.text = " ".join(self.text.replace("\xa0", " ").split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def says(self, key: str) -> bool:
        return ENGLISH[key].partition("{")[0].strip() in self.text


async def get(handler: Handler, path: str, query: str = "") -> Response:
    return await handler(Request("GET", path, query))


async def post(handler: Handler, path: str = "/delete", **fields: str) -> Response:
    return await handler(Request("POST", path, "", FORM, urlencode(fields).encode()))


@pytest.fixture
def relay(http_relay: Any) -> Any:
    return http_relay


async def test_an_open_relay_invites_everybody(relay: Any) -> None:
    page = Page(await get(pages(relay.site()), "/"))
    assert page.says("title")
    assert not page.says("one_person")
    assert not page.says("sees_unverified")
    assert "dcaccount:relay.example" in page.text
    assert {"class": "button", "href": "dcaccount:relay.example"} in page.all("a")


async def test_a_bare_relay_gives_a_fresh_invitation_at_every_look(relay: Any) -> None:
    relay.bare()
    handler = pages(relay.site())
    first, second = Page(await get(handler, "/")), Page(await get(handler, "/"))
    links = [link for page in (first, second) for link in re.findall(r"dclogin:\S+", page.text)]
    assert links == relay.links
    assert len(set(links)) == 2
    assert first.says("one_person")
    assert first.says("one_person_why")
    assert first.says("sees_unverified")
    assert await relay.store.accounts.count() == 0


@pytest.mark.parametrize(("registration", "words"), [("invite", "need"), ("closed", "closed")])
async def test_a_relay_that_is_not_open_says_so(relay: Any, registration: str, words: str) -> None:
    relay.registration = registration
    page = Page(await get(pages(relay.site()), "/"))
    assert page.says(words)
    assert page.says(f"{words}_why")
    assert page.all("img") == []
    assert relay.links == []


async def test_looking_at_a_personal_invitation_does_not_use_it_up(relay: Any) -> None:
    relay.registration = "invite"
    await relay.store.invitations.add("to_ken-1", uses=1, expires_day=20_000)
    handler = pages(relay.site())
    for method in ("GET", "HEAD", "GET"):
        response = await handler(Request(method, "/invite/to_ken-1"))
        assert response.status == 200
        assert Page(response).says("token")
    assert relay.links[-1] == "dcaccount:https://relay.example/new?t=to_ken-1"
    made = await handler(Request("POST", "/new", "t=to_ken-1"))
    assert made.status == 200
    gone = await get(handler, "/invite/to_ken-1")
    assert gone.status == 404
    assert Page(gone).says("void")


async def test_a_personal_invitation_of_a_bare_relay_is_for_one(relay: Any) -> None:
    relay.bare()
    relay.registration = "invite"
    await relay.store.invitations.add("tok", uses=2, expires_day=20_000)
    page = Page(await get(pages(relay.site()), "/invite/tok"))
    assert page.says("one_person")
    assert page.says("token")
    assert not page.says("one_person_why")
    link = parse(relay.links[-1])
    assert isinstance(link, Login)
    assert link.password.startswith("tok.")


@pytest.mark.parametrize("token", ["", "unknown", "a.b", "a%20b", "x" * 129, "é", "<script>"])
async def test_a_token_that_is_none_is_void(relay: Any, token: str) -> None:
    relay.registration = "invite"
    response = await get(pages(relay.site()), f"/invite/{token}")
    assert response.status == 404
    assert Page(response).says("void")
    assert relay.asked == (["unknown"] if token == "unknown" else [])


async def test_a_closed_relay_takes_no_token(relay: Any) -> None:
    relay.registration = "closed"
    await relay.store.invitations.add("tok", uses=1, expires_day=20_000)
    assert Page(await get(pages(relay.site()), "/invite/tok")).says("closed")


async def test_an_account_is_deleted_in_two_steps(relay: Any) -> None:
    handler = pages(relay.site())
    owner = await relay.store.accounts.create("nine.chars", "a password", day=20_000)
    assert Page(await get(handler, "/delete")).says("delete_why")
    asked = Page(await post(handler, name=" nine.chars ", password="a password"))
    assert asked.says("sure")
    assert "nine.chars@relay.example" in asked.text
    assert await relay.store.accounts.count() == 1
    hidden = {str(field["name"]): str(field["value"]) for field in asked.all("input")}
    done = Page(await post(handler, **hidden))
    assert done.says("done")
    assert "nine.chars@relay.example" in done.text
    assert await relay.store.accounts.count() == 0
    assert owner.name == "nine.chars"


async def test_a_wrong_password_deletes_nothing_and_is_told_kindly(relay: Any) -> None:
    handler = pages(relay.site())
    await relay.store.accounts.create("nine.chars", "a password", day=20_000)
    for name in ("nine.chars@relay.example", "nobody.here"):
        response = await post(handler, name=name, password="another password", sure="yes")
        page = Page(response)
        assert response.status == 403
        assert page.says("error_match")
        assert page.all("input")[0]["value"] == name
        assert "another password" not in page.source
    assert await relay.store.accounts.count() == 1


@pytest.mark.parametrize(
    "fields", [{}, {"name": "x"}, {"password": "x"}, {"name": " ", "password": "x", "sure": "yes"}]
)
async def test_both_fields_are_needed(relay: Any, fields: dict[str, str]) -> None:
    response = await post(pages(relay.site()), **fields)
    assert response.status == 400
    assert Page(response).says("error_empty")


async def test_what_is_typed_is_text(relay: Any) -> None:
    evil = "\"><script>alert(1)</script>'{name}&amp;"
    page = Page(await post(pages(relay.site()), name=evil, password=evil))
    assert page.all("script") == []
    assert f"{evil}@relay.example" in page.text
    assert [field["value"] for field in page.all("input")] == [f"{evil}@relay.example", evil, "yes"]


@pytest.mark.parametrize("path", ["/delete", "/password"])
async def test_a_body_that_is_no_form_is_refused(relay: Any, path: str) -> None:
    response = await pages(relay.site())(Request("POST", path, "", {"content-type": "text/json"}, b"{}"))
    assert response.status == 415


SECOND = {"name": "nine.chars", "password": "a password", "second": "give me that", "again": "give me that"}


async def test_a_second_password_is_set_and_empties_the_account(relay: Any) -> None:
    handler = pages(relay.site())
    accounts = relay.store.accounts
    await accounts.create("nine.chars", "a password", day=20_000)
    asked = Page(await get(handler, "/password"))
    assert asked.says("second_why")
    assert [field["name"] for field in asked.all("input")] == list(SECOND)
    response = await post(handler, "/password", do="set", **SECOND)
    assert response.status == 200
    done = Page(response)
    assert done.says("second_set")
    assert "nine.chars@relay.example" in done.text
    assert "give me that" not in done.source
    assert not (await accounts.login("nine.chars", "a password", day=20_000)).emptied
    assert (await accounts.login("nine.chars", "give me that", day=20_000)).emptied


async def test_a_second_password_is_taken_away_and_nobody_is_told_whether_there_was_one(relay: Any) -> None:
    handler = pages(relay.site())
    await relay.store.accounts.create("nine.chars", "a password", day=20_000)
    without = await post(handler, "/password", do="remove", name="nine.chars", password="a password")
    for second in ("give me that", "another one"):  # set, and replaced
        last = await post(handler, "/password", do="set", **(SECOND | {"second": second, "again": second}))
        assert Page(last).says("second_set")
    removed = await post(handler, "/password", do="remove", name="nine.chars", password="a password")
    assert removed.body == without.body
    assert Page(removed).says("second_removed")
    with pytest.raises(WrongPassword):
        await relay.store.accounts.login("nine.chars", "another one", day=20_000)


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"name": ""}, 400, "error_empty"),
        ({"password": ""}, 400, "error_empty"),
        ({"again": "give me thaT"}, 400, "second_twice"),
        ({"second": "a password", "again": "a password"}, 400, "second_same"),
        ({"second": "8 chars.", "again": "8 chars."}, 400, "second_short"),
        ({"second": "x" * 1025, "again": "x" * 1025}, 403, "second_other"),
        ({"password": "another password"}, 403, "second_match"),
        ({"name": "nobody.here"}, 403, "second_match"),
    ],
)
async def test_a_second_password_that_will_not_do_changes_nothing(
    relay: Any, changed: dict[str, str], status: int, error: str
) -> None:
    await relay.store.accounts.create("nine.chars", "a password", day=20_000)
    fields = SECOND | changed
    response = await post(pages(relay.site()), "/password", do="set", **fields)
    page = Page(response)
    assert response.status == status
    assert page.says(error)
    assert page.all("input")[0]["value"] == fields["name"]
    assert not any(field.get("value") for field in page.all("input")[1:])
    with pytest.raises(WrongPassword):
        await relay.store.accounts.login("nine.chars", fields["second"][:1000] + "!", day=20_000)
    assert not (await relay.store.accounts.login("nine.chars", "a password", day=20_000)).emptied


async def test_the_second_password_deletes_an_account_too(relay: Any) -> None:
    handler = pages(relay.site())
    await relay.store.accounts.create("nine.chars", "a password", day=20_000)
    await post(handler, "/password", do="set", **SECOND)
    done = Page(await post(handler, name="nine.chars", password="give me that", sure="yes"))
    assert done.says("done")
    assert await relay.store.accounts.count() == 0


async def test_a_relay_with_a_full_disk_sets_no_second_password(relay: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object, **__: object) -> None:
        raise StoreFull("no room")

    monkeypatch.setattr(relay.store.accounts, "set_duress", full)
    response = await post(pages(relay.site()), "/password", do="set", **SECOND)
    assert response.status == 503
    assert Page(response).says("second_other")


@pytest.mark.parametrize("path", ["/nothing", "//", "/a/b/c", "*", "/invite", "/new/", "/..", "relative"])
async def test_there_is_nothing_elsewhere(relay: Any, path: str) -> None:
    response = await get(pages(relay.site()), path)
    assert response.status == 404
    assert Page(response).says("lost")


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("path", ["/", "/delete", "/password", "/ways", "/lost", "/invite/none"])
async def test_every_page_speaks_every_language(relay: Any, code: str, path: str) -> None:
    relay.bare()
    response = await get(pages(relay.site()), path, f"lang={code}")
    page, language = Page(response), LANGUAGES[code]
    assert page.all("html") == [{"lang": code, "dir": language.direction}]
    assert ("Content-Language", code) in response.headers
    own = {str(attributes["href"]) for attributes in page.all("a")} - {"https://get.delta.chat/", *relay.links}
    assert {"?lang=en", "?lang=fa", "?lang=ar", "?lang=ru"} <= own
    assert all(address.endswith(f"?lang={code}") for address in own if not address.startswith("?")), own
    assert not re.search(r"\{\w*\}", page.text)
    for key, words in LANGUAGES["en"].words.items():
        assert code == "en" or "{" in words or html.escape(words) not in page.source, key


async def test_a_page_asks_for_nothing_else(relay: Any) -> None:
    page = Page(await get(pages(relay.site()), "/"))
    assert [link["href"] for link in page.all("link")] == ["data:,"]
    assert all(str(image["src"]).startswith("data:image/png;base64,") for image in page.all("img"))
    assert not {tag for tag, _ in page.elements} & {"script", "iframe", "object", "embed", "video", "audio", "base"}
    assert not [attributes for _, attributes in page.elements if "style" in attributes]
