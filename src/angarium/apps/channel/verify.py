"""`angarium channel verify`: whether a copy of a site is what its channel signed."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from angarium.apps.channel.mirror import Key
from angarium.apps.channel.options import complaining
from angarium.channel.minisign import BadKey, PublicKey
from angarium.channel.verification import Refused
from angarium.channel.verification import verify as check

__all__ = ["verify"]


def verify(
    folder: Annotated[Path, Parameter(help="The folder of the copy, such as on a stick.")], /, *, key: Key = ""
) -> int:
    """Check a copy of a site, every file of it, where it lies; nothing is changed.

    Without `--key` it is only said whether the copy fits together, and whose it says it is.

    Exit status: 0 it is as it was signed; 1 it is not; 2 it could not be tried.
    """
    with complaining(BadKey, OSError):
        try:
            manifest = check(folder, PublicKey.parse(key) if key else None)
        except Refused as error:
            sys.stderr.write(f"angarium: refused: {error}\n")
            return 1
    sys.stdout.write(
        f"{manifest.channel}: serial number {manifest.serial} of {manifest.made}, {manifest.files} files\n"
    )
    if not key:
        sys.stdout.write(f"signed by {manifest.key}: compare this with what you were told\n")
    return 0
