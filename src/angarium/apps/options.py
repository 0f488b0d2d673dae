"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from angarium.apps.home import Home, HomeError, default_path

__all__ = ["Data", "Json", "existing"]

Data = Annotated[
    Path | None,
    Parameter(
        name="--data",
        env_var="ANGARIUM_DATA",
        help="The relay's data directory [default: ~/.local/share/angarium, or /var/lib/angarium for root].",
    ),
]

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, for machines.")]


def existing(data: Path | None) -> Home:
    """The data directory of a relay that was started before. Raises HomeError."""
    home = Home(data or default_path())
    if not home.made:
        raise HomeError(f"there is no relay in {home.path} yet. Start one with: angarium up --data {home.path}")
    return home
