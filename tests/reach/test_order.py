"""What the keeper is told about an authority's refusals."""

import pytest
from acme import challenges, errors, messages

from angarium.reach.order import _advice, _advice_on_proofs


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("dns", "make an A (and AAAA) record"),
        ("connection", "let that port through"),
        ("tls", "let that port through"),
        ("unauthorized", "another server answered"),
        ("incorrectResponse", "another server answered"),
        ("caa", "a CAA record of relay.example forbids"),
        ("rateLimited", "tried again later by itself"),
        ("rejectedIdentifier", "names.domain"),
        ("invalidContact", "tls.acme_email"),
        ("serverInternal", "tried again later by itself"),
        ("badCSR", "the authority refused"),
    ],
)
def test_every_refusal_says_what_to_do_and_keeps_the_authoritys_words(code: str, hint: str) -> None:
    error = messages.Error.with_code(code, detail="their own words")
    advice = _advice(error, "relay.example")
    assert hint in advice
    assert advice.endswith("(it says: their own words)")


def test_a_refusal_of_a_kind_we_do_not_know_is_told_too() -> None:
    assert "urn:example:new" in _advice(messages.Error.from_json({"type": "urn:example:new"}), "relay.example")


def test_of_several_proofs_the_one_that_failed_is_told() -> None:
    def authorization(name: str, error: messages.Error | None) -> messages.AuthorizationResource:
        challenge = messages.ChallengeBody(chall=challenges.HTTP01(token=b"t"), uri="", error=error)
        named = messages.Identifier(typ=messages.IDENTIFIER_FQDN, value=name)
        return messages.AuthorizationResource(body=messages.Authorization(identifier=named, challenges=[challenge]))

    failed = authorization("wrong.example", messages.Error.with_code("dns"))
    error = errors.ValidationError([authorization("right.example", None), failed])
    assert "wrong.example" in _advice_on_proofs(error)
    assert "did not say" in _advice_on_proofs(errors.ValidationError([authorization("right.example", None)]))
