"""Two peers in namespaces of an enclosure, and what passes between them, as JSON.

`python -m tests.bench.two_peers`, in the enclosure.
"""

import asyncio
import json
import smtplib
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from angarium.lab.censor.enclosure import RESOLVER, WORK, furnish
from angarium.lab.censor.names import names
from angarium.lab.censor.relay import relay
from angarium.lab.censor.topology import Ground, within
from angarium.lab.clients import Imap, Submission
from angarium.lab.mails import mark_of, sealed
from bench.peers.stack import IMAPS, SMTP, SUBMISSIONS
from bench.reach import PEER

HOSTS = {"_one.example": "192.0.2.10", "_two.example": "192.0.2.20"}
ONE, TWO = HOSTS
PATIENCE = 30.0
REPORT = """\
From: <mailer-daemon@{domain}>\r
Auto-Submitted: auto-replied\r
Content-Type: multipart/report; report-type=delivery-status; boundary=part\r
\r
--part\r
\r
It was not delivered.\r
--part--\r
"""


async def brought(sender: str, receiver: str) -> bool:
    """Whether what somebody submits at one peer is in the other's mailbox soon."""
    domains = [person.partition("@")[2] for person in (sender, receiver)]
    submission = await Submission.connect(HOSTS[domains[0]], SUBMISSIONS)
    imap = await Imap.connect(HOSTS[domains[1]], IMAPS)
    await submission.login(sender, "whatever it is")
    await imap.login(receiver, "whatever it is")
    await imap.select()
    await submission.send(sender, [receiver], sealed(sender, "mark"))
    async with asyncio.timeout(PATIENCE):
        await imap.idle()
    ((_, message),) = await imap.fetch_new()
    for client in (submission, imap):
        client.abort()
    return mark_of(message) == "mark"


def said(work: Callable[[smtplib.SMTP], object], *, secure: bool = True) -> int:
    """What a stranger gets for an answer at the door for other relays."""
    with smtplib.SMTP(HOSTS[TWO], SMTP, timeout=PATIENCE) as door:
        if secure:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            door.starttls(context=context)
        try:
            work(door)
        except smtplib.SMTPRecipientsRefused as refused:
            ((code, _),) = refused.recipients.values()
            return code
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code
        return 250


def passed() -> dict[str, object]:
    """From the first peer's host: mail both ways, and what the second one answers strangers."""
    ann, bob = f"ann123456@{ONE}", f"bob123456@{TWO}"
    clear = f"From: <{ann}>\r\nSubject: x\r\n\r\nclear words\r\n"
    return {
        "there": asyncio.run(brought(ann, bob)),
        "back": asyncio.run(brought(bob, ann)),
        "without TLS": said(lambda door: door.sendmail(ann, [bob], sealed(ann, "mark")), secure=False),
        "in clear": said(lambda door: door.sendmail(ann, [bob], clear)),
        "a report": said(lambda door: door.sendmail("", [bob], REPORT.format(domain=ONE))),
        "for elsewhere": said(lambda door: door.sendmail(ann, [f"eve@{ONE}"], sealed(ann, "mark"))),
    }


async def main() -> None:
    """Start both, and tell what passed."""
    furnish()
    ground = Ground()
    for name, host in ({"names": RESOLVER} | HOSTS).items():
        ground.add(name, "outside", [host])
    asked = within("names", partial(socket.socket, socket.AF_INET, socket.SOCK_DGRAM))
    asked.bind((RESOLVER, 53))
    async with AsyncExitStack() as running:
        running.enter_context(names(asked, {name: [host] for name, host in HOSTS.items()}))
        for name, host in HOSTS.items():
            up = relay(name, command=PEER, directory=WORK / name, domain=name, address=host, site=str(WORK))
            await running.enter_async_context(up)
        done = await asyncio.to_thread(within, ONE, passed)
    sys.stdout.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
