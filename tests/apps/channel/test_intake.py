"""`angarium channel import`, as it is typed."""

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from angarium.apps.channel.intake import intake
from angarium.edge.control import Refusal
from tests.channel.exports.make import HERE, JPEG


def test_import_says_what_came_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert intake(str(HERE / "telegram"), channel=tmp_path / "room") == 0
    said = capsys.readouterr().out
    assert "The Morning Post: 33 new posts, 0 changed, 0 as they were." in said
    assert "2 files are not in the export" in said
    assert intake(str(HERE / "telegram" / "result.json"), channel=tmp_path / "room", json=True) == 0
    assert json.loads(capsys.readouterr().out)["same"] == 33


def test_import_says_where_it_breaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "result.json").write_text(
        '{"name": "x",\n "type": "public_channel", "id": 5,\n "messages": [{"id": 1]}'
    )
    with pytest.raises(SystemExit) as ended:
        intake(str(tmp_path), channel=tmp_path / "room")
    assert ended.value.code == 2
    assert "result.json, line 3, column 23: ] closes what was not opened" in capsys.readouterr().err


def test_a_feed_is_a_file_or_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert intake(str(HERE / "rss.xml"), channel=tmp_path, json=True) == 0
    assert json.loads(capsys.readouterr().out)["new"] == 2
    handler = partial(SimpleHTTPRequestHandler, directory=str(HERE))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        assert intake(f"{address}/rss.xml", channel=tmp_path, json=True) == 0
        assert json.loads(capsys.readouterr().out)["same"] == 2
        with pytest.raises(Refusal, match="cannot be fetched"):
            intake(f"{address}/none.xml", channel=tmp_path)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_pictures_of_a_feed_come_along_if_they_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        entry = f'<title>x</title><enclosure url="{address}/a.jpg" type="image/jpeg"/><pubDate>2024-01-01</pubDate>'
        (tmp_path / "feed.xml").write_text(f"<rss><channel><item>{entry}</item></channel></rss>")
        (tmp_path / "a.jpg").write_bytes(JPEG)
        assert intake(str(tmp_path / "feed.xml"), channel=tmp_path / "a", pictures=True) == 0
        assert "1 pictures lie at addresses of this network" in capsys.readouterr().out
        assert intake(f"{address}/feed.xml", channel=tmp_path / "b", pictures=True) == 0
        assert capsys.readouterr().out == "Untitled: 1 new posts, 0 changed, 0 as they were.\n"
        assert len(list((tmp_path / "b" / "media").glob("??/*"))) == 1
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_options_that_cannot_be(tmp_path: Path) -> None:
    for more in ({"zone": "Nowhere/At_all"}, {"pins": -1}, {"largest": 0}):
        with pytest.raises(Refusal):
            intake(str(HERE / "telegram"), channel=tmp_path, **more)
