"""The step of the posts: what is attached to them, then each one's page with its signature."""

from collections.abc import Iterator

from angarium.channel.archive import Packed
from angarium.channel.site import paths
from angarium.channel.site.ledger import mark
from angarium.channel.site.press import PostSheet, Press
from angarium.channel.site.run import PICTURE_STEPS, Run, batches

__all__ = ["write_media", "write_posts", "write_withdrawn"]

BATCH = 50
HERE_PICTURES, HERE_BATCHES = 4, 6
"""What takes about as long as starting a process."""


def write_media(run: Run) -> None:
    """Everything that is attached to posts. Raises PicturesMissing."""
    wanted = run.gallery.wanted(
        medium
        for number in run.catalogue.numbers
        if number in run.catalogue.illustrated
        for filed in run.read([number])
        for medium in filed.post.media
    )
    made = 0
    for making, (shown, laid) in run.room.run(Press.make, wanted, here=HERE_PICTURES):
        run.gallery.made(making, shown, laid)
        made += 1
        run.advance(PICTURE_STEPS)
    run.advance(PICTURE_STEPS * (run.catalogue.media - made))
    for number in run.catalogue.illustrated:
        notes = sorted(run.shown([number]).items())
        run.catalogue.marks[number] = mark(run.catalogue.marks[number], notes)


def write_posts(run: Run) -> None:
    """The page of each post, with its signature."""
    for sheets, laid in run.room.run(Press.posts, batches(_sheets(run), BATCH), here=HERE_BATCHES):
        for sheet, files in zip(sheets, laid, strict=True):
            run.ledger.record(files, sheet.made_from)
            run.advance()


def _sheets(run: Run) -> Iterator[PostSheet]:
    """Those that are not as they were."""
    commented = run.archive.commented()
    for packed, (number, newer, older) in zip(run.archive.packed(), run.catalogue.around(), strict=True):
        assert packed.number == number
        sheet = _sheet(run, packed, newer, older, commented=number in commented)
        path = paths.post(number)
        if run.ledger.keeps(path, sheet.made_from) and run.ledger.keeps(f"{path}.minisig", sheet.made_from):
            run.advance()
        else:
            answers = [sheet.answers.number] if sheet.answers else []
            yield sheet._replace(shown=run.shown([number, *answers]))


def _sheet(run: Run, packed: Packed, newer: int | None, older: int | None, *, commented: bool) -> PostSheet:
    post = packed.filed().post
    answers = run.archive.find(post.answers) if post.answers else None
    comments = run.archive.comments(packed.number) if commented else []
    made_from = mark(
        run.every,
        run.catalogue.marks[packed.number],
        (newer, older, run.authors[post.author].name if post.author in run.authors else ""),
        (answers.number, run.catalogue.marks[answers.number]) if answers else None,
        comments,
    )
    return PostSheet(
        packed,
        paths.post(newer) if newer is not None else "",
        paths.post(older) if older is not None else "",
        answers,
        comments,
        {},
        made_from,
    )


def write_withdrawn(run: Run) -> None:
    """What stands where a post was withdrawn."""
    made_from = mark(run.every, "withdrawn")
    for number in run.archive.withdrawn():
        if not run.ledger.keeps(paths.post(number), made_from):
            run.ledger.put(paths.post(number), run.pages.withdrawn(number), made_from)
