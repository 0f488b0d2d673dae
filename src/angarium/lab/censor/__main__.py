"""One run, in its enclosure: the job comes in a line of JSON, and what came of it goes out in one.

Ends when its input does, so that nothing goes on when whoever started it is gone.
"""

import asyncio
import os
import sys
import threading

import msgspec

from angarium.lab.censor.relay import RelayFailed
from angarium.lab.censor.report import Job
from angarium.lab.censor.trial import trial


def main() -> None:
    """Run, tell, and exit: 0, or 1 where the lab itself failed."""
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    threading.Thread(target=_orphaned, daemon=True).start()
    try:
        run = asyncio.run(trial(job))
    except (RelayFailed, OSError) as error:
        sys.exit(str(error))
    sys.stdout.write(msgspec.json.encode(run).decode() + "\n")


def _orphaned() -> None:
    while os.read(0, 4096):  # not sys.stdin, whose lock would be held at the end
        pass
    os._exit(1)


main()
