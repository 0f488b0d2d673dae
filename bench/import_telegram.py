"""How fast a Telegram export is taken over, and in how much memory: `python -m bench.import_telegram [--messages N]`.

An export is made as Telegram Desktop writes it, of messages of a few sentences with marks in them; then it is taken
over twice, each time by a process of its own whose largest size is asked of the kernel. The first is done without
pictures, to know what messages cost; the second with 10,000, each another, and as large as Telegram makes them.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC
from pathlib import Path
from typing import Any

from tests.channel.exports.make import JPEG, exported

SENTENCE = "گزارش ما از خیابان the square was full and nobody knew why площадь была полна until the evening came"
WORDS = SENTENCE.split()
PICTURE = 60_000
"""Octets of a picture."""


def export(folder: Path, messages: int, pictures: int) -> None:
    """Write an export of so many messages, so many of them with a picture."""
    (folder / "photos").mkdir(parents=True)
    every = messages // pictures if pictures else 0
    with (folder / "result.json").open("w", encoding="utf-8") as file:
        file.write('{\n "name": "Bench",\n "type": "public_channel",\n "id": 1234567,\n "messages": [')
        for number in range(1, messages + 1):
            picture = every and number % every == 0
            body = message(number, f"photos/photo_{number}.jpg" if picture else "")
            file.write(("," if number > 1 else "") + "\n" + exported(body))
            if picture:
                comment = number.to_bytes(4, "big") * 250
                segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
                scan = JPEG.index(b"\xff\xda") + 14
                body_ = (number.to_bytes(4, "big").replace(b"\xff", b"\xfe") * (PICTURE // 4))[: PICTURE - len(JPEG)]
                (folder / "photos" / f"photo_{number}.jpg").write_bytes(
                    JPEG[:20] + segment + JPEG[20:scan] + body_ + JPEG[scan:]
                )
        file.write("\n ]\n}")


def message(number: int, photo: str) -> dict[str, Any]:
    """A message of a few sentences."""
    said = [" ".join(WORDS[(number + at) % len(WORDS) :][:9]) for at in range(6)]
    entities = [
        {"type": "plain", "text": f"{said[0]} "},
        {"type": "bold", "text": said[1]},
        {"type": "plain", "text": f" {said[2]}\n{said[3]} "},
        {"type": "text_link", "text": said[4], "href": f"https://example.org/{number}"},
        {"type": "plain", "text": f" {said[5]} "},
        {"type": "hashtag", "text": f"#tag{number % 500}"},
    ]
    parts = [each["text"] if each["type"] == "plain" else each for each in entities]
    when = 1_400_000_000 + number * 60
    return {
        "id": number,
        "type": "message",
        "date": "2014-05-13T16:53:20",
        "date_unixtime": str(when),
        "from": "Bench",
        "from_id": "channel1234567",
        **({"photo": photo, "photo_file_size": PICTURE, "width": 24, "height": 16} if photo else {}),
        "text": parts,
        "text_entities": entities,
        "reactions": [{"type": "emoji", "count": number % 100, "emoji": "👍"}],
    }


def take(folder: Path, channel: Path) -> None:
    """Take the export over, and print what that took."""
    from angarium.channel.archive import Archive
    from angarium.channel.intake.run import Wanted, import_export
    from angarium.channel.intake.source import source
    from angarium.channel.media import Media

    began, used = time.monotonic(), time.process_time()
    channel.mkdir(exist_ok=True)
    with Archive(channel / "posts.db") as archive, source(folder) as files:
        wanted = Wanted(zone=UTC, now=int(time.time()))
        done = import_export(files, archive, Media(channel / "media"), wanted, lambda part, posts: None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds, cpu = time.monotonic() - began, time.process_time() - used
    print(
        json.dumps(
            {"new": done.new, "changed": done.changed, "same": done.same, "seconds": seconds, "cpu": cpu, "mib": peak}
        )
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--take", nargs=2, type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.take:
        take(*asked.take)
        return
    print("| export | MiB | run | new | changed | same | s | messages/s | CPU s | largest size, MiB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for pictures in (0, asked.pictures):
        with tempfile.TemporaryDirectory() as at:
            folder, channel = Path(at) / "export", Path(at) / "channel"
            export(folder, asked.messages, pictures)
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) >> 20
            for run in ("first", "second"):
                command = [sys.executable, "-m", "bench.import_telegram", "--take", str(folder), str(channel)]
                out = subprocess.run(command, capture_output=True, check=True, env=dict(os.environ)).stdout
                got = json.loads(out)
                rate = asked.messages / got["seconds"]
                name = f"{asked.messages} messages, {pictures} pictures"
                print(
                    f"| {name} | {size} | {run} | {got['new']} | {got['changed']} | "
                    f"{got['same']} | {got['seconds']:.1f} | {rate:.0f} | {got['cpu']:.1f} | {got['mib']:.0f} |"
                )


if __name__ == "__main__":
    main()
