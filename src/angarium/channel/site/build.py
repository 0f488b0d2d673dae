"""A channel's site is written: what changed since the last time, the manifest last.

Everything is laid beside the site first: what is attached, posts, lists, the search, the front page, the lists of
files, the manifest with its signature. Then it takes its place in the same order, so that nothing that a reader or a
copy finds leads to what is not there yet; and only then is removed what nothing names any more. A run that was killed
has left the site as it was, or finds out the next time how far it came.

Posts are read as they are needed: the memory it takes grows with each by what the catalogue keeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from angarium.channel import proof
from angarium.channel.newsroom import Newsroom
from angarium.channel.site import feeds, paths
from angarium.channel.site.ledger import Ledger
from angarium.channel.site.lists import write_lists
from angarium.channel.site.posts import write_media, write_posts, write_withdrawn
from angarium.channel.site.press import Setup
from angarium.channel.site.pressroom import Pressroom
from angarium.channel.site.run import Progress, Run
from angarium.channel.site.search import write_search
from angarium.channel.successor import Handover

__all__ = ["Built", "build"]

FRONT_POSTS = 20
PINNED_POSTS = 5
FEED_POSTS = 30
NOTE = "manifest"


@dataclass(frozen=True, slots=True)
class Built:
    """What a run did."""

    posts: int
    written: int
    removed: int
    serial: int


def build(
    newsroom: Newsroom,
    to: Path,
    *,
    now: int,
    progress: Progress = lambda done, of: None,
    processes: int | None = None,
) -> Built:
    """Write the site of a channel to the folder `to`, at the time `now` in seconds since 1970.

    `progress` is told how many steps are done and how many there are; `processes` is a Pressroom's.

    Raises:
        BadSettings, KeyMissing, ArchiveError: the channel's folder is incomplete or damaged.
        BadTheme, PicturesMissing, LedgerError: what their texts say.
        OSError: something could not be read or written.
    """
    settings, key, handovers = newsroom.settings(), newsroom.keys.load(), newsroom.keys.handovers()
    to.mkdir(parents=True, exist_ok=True)
    with newsroom.archive() as archive, Ledger(newsroom.ledger, to) as ledger:
        with archive.reading():
            authors = {author.slug: author for author, _ in archive.authors()}
            theme = newsroom.folder / settings.theme if settings.theme else None
            setup = Setup(ledger.folder, settings, theme, key, authors)
            with Pressroom(setup, processes) as room:
                run = Run(newsroom, archive, ledger, room, setup, progress)
                write(run, handovers)
            manifest = write_manifest(run, now)
        archive.put_note(NOTE, manifest.text())  # before anybody can read it: the next one follows on it
        ledger.place()
        ledger.finish()
        return Built(len(run.catalogue.numbers), ledger.written, ledger.removed, manifest.serial)


def write(run: Run, handovers: Sequence[Handover]) -> None:
    """Everything but the manifest: what is led to comes before what leads there."""
    for path, source in run.room.press.theme.loose().items():
        run.ledger.put_file(path, source)
    write_media(run)
    write_posts(run)
    write_withdrawn(run)
    write_lists(run)
    write_search(run)
    write_rest(run, handovers)


def write_rest(run: Run, handovers: Sequence[Handover]) -> None:
    """How all is checked, feeds, the front page."""
    ledger, pages, numbers = run.ledger, run.pages, run.catalogue.numbers
    for handover in handovers:
        for path, content in handover.files().items():
            ledger.put(path, content)
    ledger.put(paths.PROOF, pages.proof(handovers))
    items = [pages.item(filed) for filed in run.read(numbers[:FEED_POSTS])]
    name = str(handovers[0].old if handovers else run.key.public)
    ledger.put(feeds.FEED, feeds.atom(run.settings, name, items))
    ledger.put(feeds.JSON_FEED, feeds.json_feed(run.settings, name, items))
    latest, pinned = run.read(numbers[:FRONT_POSTS]), run.archive.pinned()[:PINNED_POSTS]
    shown = run.shown(filed.number for filed in (*latest, *pinned))
    ledger.put(paths.FRONT, run.room.press.showing(shown).front(latest, pinned))


def write_manifest(run: Run, now: int) -> proof.Manifest:
    """The lists of all files, and the manifest, anew if anything is not as it was the last time."""
    lists, laid, files, largest = [], [], 0, 0
    for folder, entries in run.ledger.folders():
        named = [entry for entry in entries if not entry.path.startswith(proof.OWN)]
        if named:
            content = proof.listed(proof.Line(entry.digest.hex(), entry.path) for entry in named)
            place = proof.list_name(folder)
            laid.append(run.ledger.staging.lay(place, content))
            lists.append(proof.Line(laid[-1].digest.hex(), place))
            files += len(named)
            largest = max(largest, *(entry.size for entry in named))
    run.ledger.record(laid, b"")
    last, settings = _last(run), run.settings
    manifest = proof.Manifest(
        channel=settings.title,
        serial=last.serial if last else now,
        made=last.made if last else datetime.fromtimestamp(now, UTC).isoformat(),
        key=run.key.public,
        previous=last.previous if last else None,
        address=settings.address,
        mirrors=settings.mirrors,
        largest=largest,
        files=files,
        lists=tuple(sorted(lists, key=lambda line: line.path)),
    )
    if last and manifest != last:
        manifest = replace(
            manifest,
            serial=max(last.serial + 1, now),
            made=datetime.fromtimestamp(now, UTC).isoformat(),
            previous=(last.serial, proof.digest(last.text().encode())),
        )
    text = manifest.text().encode()
    run.ledger.put(proof.SIGNATURE, run.key.sign(text, f"serial:{manifest.serial}").encode())
    run.ledger.put(proof.MANIFEST, text)
    return manifest


def _last(run: Run) -> proof.Manifest | None:
    """The manifest before, wherever it was written to; where that was forgotten, the one in the site's folder."""
    kept = run.archive.note(NOTE)
    try:
        return proof.parse(kept or (run.ledger.folder / proof.MANIFEST).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, proof.BadManifest):
        return None
