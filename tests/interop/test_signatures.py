"""What OpenDKIM thinks of our signatures, on every shape of encrypted mail: both are good, by keys it finds in DNS.

The messages are brought to Postfix by hand here, so that what is judged is the signatures and nothing else.
"""

import smtplib

from angarium.apps.home import Home
from angarium.apps.signing import signing_keys
from angarium.mail.signer import Signer
from tests.interop.conftest import ENCRYPTED, Letters, Ours
from tests.interop.foreign import MX, PATIENCE, Foreign, judged


async def test_both_are_good(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    signer, author = Signer(signing_keys(Home(ours.data))), f"somebody@{ours.domain}"
    marks = {}
    with smtplib.SMTP(postfix.address, MX, local_hostname=f"mx.{ours.domain}", timeout=PATIENCE) as smtp:
        smtp.starttls()
        for like in ENCRYPTED:
            message, marks[like] = letter(author, like)
            smtp.sendmail(author, ["someone@foreign.test"], await signer.sign(message), mail_options=["BODY=8BITMIME"])
    for like, mark in marks.items():
        verdicts = judged(postfix.arrived("someone@foreign.test", mark))
        assert verdicts == [("pass", ours.domain, "rsa-sha256"), ("pass", ours.domain, "ed25519-sha256")], like


async def test_a_changed_message_is_not(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    author = f"somebody@{ours.domain}"
    message, mark = letter(author)
    signed = await Signer(signing_keys(Home(ours.data))).sign(message)
    with smtplib.SMTP(postfix.address, MX, local_hostname=f"mx.{ours.domain}", timeout=PATIENCE) as smtp:
        smtp.starttls()
        smtp.sendmail(author, ["someone@foreign.test"], signed.replace(b"\r\nSubject: [...]", b"\r\nSubject: [....]"))
    said = judged(postfix.arrived("someone@foreign.test", mark))
    assert [verdict for verdict, _, _ in said] == ["fail", "fail"]
