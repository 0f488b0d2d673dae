"""One ACME order from beginning to end, blocking: account, order, HTTP-01 proof, certificate.

What an authority or the network answers is translated into one sentence for the keeper: what happened, what to do.

RFC 8555, 6.7 (error types), 7.3 (accounts), 7.4 (orders), 8.3 (HTTP-01); RFC 7638 (account key).
"""

import datetime
from collections.abc import MutableMapping
from dataclasses import dataclass

import requests
from acme import challenges, client, errors, messages
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.jwa import ES256
from josepy.jwk import JWK, JWKEC

__all__ = ["AcmeError", "Order", "place"]

REQUEST_SECONDS = 30
"""Time for one request to the authority."""
ORDER_SECONDS = 180
"""Time for an order: some authorities look from several places, one after the other."""


NONCES = 3
"""How often an order is begun anew because the authority did not like a nonce."""


class AcmeError(Exception):
    """There is no certificate. Says in a sentence or two why, and what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of whom."""

    authority: str
    account: ec.EllipticCurvePrivateKey
    request: bytes
    """The signing request, in PEM."""
    email: str
    trust: str


def place(order: Order, proofs: MutableMapping[str, str]) -> bytes:
    """Get a certificate: the chain in PEM. While it runs, `proofs` (token to text) must be served over HTTP.

    Raises:
        AcmeError: see there.
    """
    try:
        return _place_again_if_asked(order, proofs)
    except errors.ValidationError as error:
        raise AcmeError(_advice_on_proofs(error)) from None
    except errors.IssuanceError as error:
        raise AcmeError(_advice(error.error, "")) from None
    except messages.Error as error:
        raise AcmeError(_advice(error, "")) from None
    except errors.TimeoutError:
        raise AcmeError("the authority did not come to an end in time; it is tried again later") from None
    except requests.exceptions.SSLError:
        raise AcmeError(
            f"the certificate of {order.authority} cannot be verified: if it is an authority of your own, "
            "name its root certificate in tls.acme_ca"
        ) from None
    except (requests.RequestException, OSError):
        raise AcmeError(
            f"{order.authority} cannot be reached: this machine needs a way out to it, or name another in tls.acme"
        ) from None
    except AcmeError:
        raise
    except Exception:  # the library takes what it reads for what it ought to be
        raise AcmeError(f"{order.authority} did not answer as an ACME directory does: check tls.acme") from None


def _place_again_if_asked(order: Order, proofs: MutableMapping[str, str]) -> bytes:
    """An authority may refuse a nonce at any time and be asked again (RFC 8555, 6.5); the library does so once."""
    for _ in range(NONCES):
        try:
            return _place(order, proofs)
        except messages.Error as error:
            if error.code != "badNonce":
                raise
    return _place(order, proofs)


def _place(order: Order, proofs: MutableMapping[str, str]) -> bytes:
    deadline = datetime.datetime.now() + datetime.timedelta(seconds=ORDER_SECONDS)  # noqa: DTZ005 - as acme compares it
    key = JWKEC(key=order.account)
    network = client.ClientNetwork(key, alg=ES256, user_agent="acme", timeout=REQUEST_SECONDS)
    if order.trust:
        network.verify_ssl = order.trust  # type: ignore[assignment]  # requests takes a path here too
    directory = client.ClientV2.get_directory(order.authority, network)
    authority = client.ClientV2(directory, network)
    _sign_in(authority, order.email)
    placed = authority.new_order(order.request)
    for authorization in placed.authorizations:
        if authorization.body.status != messages.STATUS_VALID:
            _prove(authority, authorization, key, proofs)
    return authority.finalize_order(authority.poll_authorizations(placed, deadline), deadline).fullchain_pem.encode()


def _sign_in(authority: client.ClientV2, email: str) -> None:
    """Make the account, or find the one of our key (RFC 8555, 7.3.1)."""
    if authority.external_account_required():
        raise AcmeError("the authority wants an account made elsewhere first: name another one in tls.acme")
    wish = messages.NewRegistration.from_data(email=email or None, terms_of_service_agreed=True)
    try:
        authority.new_account(wish)
    except errors.ConflictError as known:
        authority.net.account = messages.RegistrationResource(uri=known.location, body=messages.Registration())


def _prove(
    authority: client.ClientV2,
    authorization: messages.AuthorizationResource,
    key: JWK,
    proofs: MutableMapping[str, str],
) -> None:
    offered = [body for body in authorization.body.challenges if isinstance(body.chall, challenges.HTTP01)]
    if not offered:
        raise AcmeError("the authority does not offer to look at port 80 (HTTP-01): name another one in tls.acme")
    response, proof = offered[0].response_and_validation(key)
    proofs[offered[0].chall.encode("token")] = proof
    authority.answer_challenge(offered[0], response)


def _advice_on_proofs(error: errors.ValidationError) -> str:
    for authorization in error.failed_authzrs:
        for challenge in authorization.body.challenges:
            if challenge.error is not None:
                return _advice(challenge.error, authorization.body.identifier.value)
    return "the authority was not satisfied, and did not say with what"


def _advice(error: messages.Error, name: str) -> str:
    """What the keeper can do about an error (RFC 8555, 6.7), with the authority's own words."""
    name = name or "the domain"
    advice = {
        "dns": f"no address was found for {name}: make an A (and AAAA) record for it that points to this machine",
        "connection": f"nobody answered at port 80 of {name}: let that port through to this machine (firewall, "
        "router), and check that the domain points here",
        "unauthorized": f"another server answered at port 80 of {name}: check that the domain points here, and that no "
        "other web server runs on this machine",
        "caa": f"a CAA record of {name} forbids this authority: add it there, or name another one in tls.acme",
        "rateLimited": "the authority was asked too often for this domain; it is tried again later by itself",
        "rejectedIdentifier": f"the authority gives no certificate for {name}: check the spelling of names.domain",
        "invalidContact": "the authority does not take the address in tls.acme_email: correct it or leave it empty",
        "unsupportedContact": "the authority does not take the address in tls.acme_email: correct it or leave it empty",
        "serverInternal": "the authority has a fault of its own; it is tried again later by itself",
    }
    code = {"incorrectResponse": "unauthorized", "tls": "connection"}.get(error.code or "", error.code or "")
    said = f" (it says: {error.detail})" if error.detail else ""
    return advice.get(code, f"the authority refused: {error.description or error.typ}") + said
