"""What a keeper asks of a relay, whether it runs or not: a running one answers, else its data directory does.

Each command says what it takes to answer one of its questions from the store; refuses to know what is asked.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from angarium.apps.home import Home, HomeError
from angarium.edge.control import NotRunning, ask
from angarium.reach.names import BadName
from angarium.store.directory import DirectoryInUse
from angarium.store.interfaces import StoreError
from angarium.store.sealed import Sealed
from angarium.store.store import Store, open_sqlite

__all__ = ["Offline", "answered", "stored"]

Offline: TypeAlias = Callable[[Home, str, Mapping[str, Any]], Awaitable[Any]]
"""Answers a question, with these details, where no relay runs. Raises HomeError, Refusal."""


async def answered(home: Home, question: str, details: Mapping[str, Any], offline: Offline) -> Any:
    """The answer of the relay that runs on a data directory, or of `offline`. Raises HomeError, Refusal."""
    try:
        return await ask(home.control, question, **details)
    except NotRunning:
        return await offline(home, question, details)


@asynccontextmanager
async def stored(home: Home) -> AsyncIterator[Store]:
    """The store of a relay that does not run.

    Raises:
        HomeError: it cannot be opened, or fails meanwhile; or what the relay is called makes no sense.
    """
    try:
        store = open_sqlite(home.path, Sealed(home.root_key()))
    except DirectoryInUse:
        raise HomeError("a relay is just starting or ending on this data directory: try again in a moment") from None
    except StoreError as error:
        raise HomeError(f"{error} ({home.path})") from None
    try:
        yield store
    except StoreError as error:
        raise HomeError(f"{error} ({home.path})") from None
    except BadName as error:
        raise HomeError(str(error)) from None
    finally:
        await store.close()
