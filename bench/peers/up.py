"""The peer as a relay that the lab's censor can be tried with: on the reference's ports, in the foreground.

    angarium lab censor --relay '.venv/bin/python -m bench.peers.up --domain {domain} --pages {site}' --way domain

Root only, and for a network namespace of the lab: it listens on every address (993, 465, 143, 587, 443 for pages, IMAP
and submission by ALPN, 80, which leads to 443, and 25 for other relays, which it finds by DNS). Says where it listens
in one line of JSON, as `angarium up --json` does, and ends on SIGTERM with all that it has started. What of the
reference is not there: mail between relays by HTTPS (`/mxdeliv`), looking whether other relays signed what they bring
(a name that begins with an underscore, as in the lab, has published no key), and accounts by `/new`. Pages are those of
a folder, and autoconfig.
"""

import argparse
import json
import signal
import sys
from pathlib import Path

from bench.peers.debounce import NotFound
from bench.peers.stack import CONFIGURATIONS, HTTPS, IMAP, IMAPS, SMTP, SUBMISSION, SUBMISSIONS, Place, missing, stack

EVERYWHERE = "0.0.0.0"
DOORS = {
    "imaps": IMAPS,
    "submissions": SUBMISSIONS,
    "https": HTTPS,
    "imap": IMAP,
    "submission": SUBMISSION,
    "smtp": SMTP,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Postfix, Dovecot and nginx as a chatmail relay has them.")
    parser.add_argument("--domain", required=True)
    parser.add_argument("--configuration", choices=list(CONFIGURATIONS), default="reference")
    parser.add_argument("--pages", type=Path, help="folder of the site that it shows")
    given = parser.parse_args()
    if why := missing(public=True):
        sys.stderr.write(f"the peer cannot be run: {why}\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        place = Place(EVERYWHERE, given.domain, public=True, pages=given.pages)
        with stack(CONFIGURATIONS[given.configuration], place):
            listening = [{"name": name, "port": port} for name, port in DOORS.items()]
            print(json.dumps({"invitation": f"dcaccount:{given.domain}", "listening": listening}), flush=True)
            signal.pause()
    except (NotFound, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
