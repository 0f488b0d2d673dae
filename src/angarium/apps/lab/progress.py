"""A bar for what takes minutes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

__all__ = ["progress"]


class Tell(Protocol):
    """Is told which part is done, and what goes on."""

    def __call__(self, part: float, doing: str) -> None: ...


@contextmanager
def progress(*, quiet: bool) -> Iterator[Tell]:
    """A bar of what is done, what goes on, and how long is left; nothing where nobody looks."""
    console = Console(stderr=True)
    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def tell(part: float, doing: str) -> None:
            bar.update(task, completed=part, description=doing)

        yield tell
