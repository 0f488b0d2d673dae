"""Figures of one run, as a bench that has no table says them: a line each, or JSON for machines."""

import json
from collections.abc import Mapping

__all__ = ["say"]


def say(figures: Mapping[str, object], *, as_json: bool) -> None:
    """Print them."""
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):20} {value}")
