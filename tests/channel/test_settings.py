"""channel.toml."""

from pathlib import Path

import pytest

from angarium.channel.settings import MEANINGS, BadSettings, Settings, address


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "channel.toml"
    settings = Settings(
        title='The "news" \\ of today',
        language="fa",
        description="خبر\nو دیدگاه\x7f",
        address="https://news.example.org/",
        mirrors=("https://b.example/news/", "http://abc.onion/"),
        zone="Asia/Tehran",
        comments=True,
        theme="themes/ours",
    )
    settings.save(file)
    assert Settings.load(file) == settings
    assert set(MEANINGS) == set(Settings.__struct_fields__)
    Settings(title="News").save(file)
    assert Settings.load(file) == Settings(title="News")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "title"),
        ('title = ""', "title"),
        ('title = "a\\nb"', "title"),
        ('title = "a"\nlanguage = "xx"', "language is one of"),
        ('title = "a"\naddress = "ftp://x/"', "no address"),
        ('title = "a"\naddress = "https://x"', "with / at its end"),
        ('title = "a"\nmirrors = ["http://clear.example/"]', "no address"),
        ('title = "a"\ncomments = true', "comments need an address"),
        ('title = "a"\nzone = "Mars/Base"', "no time zone"),
        ('title = "a"\nzone = "../../etc/passwd"', "no time zone"),
        ('title = "a"\ncolour = "red"', "colour"),
        ('title = "a', "channel.toml"),
    ],
)
def test_bad_settings_say_why(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "channel.toml"
    file.write_text(text)
    with pytest.raises(BadSettings, match=why):
        Settings.load(file)


def test_missing_settings_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="angarium channel init"):
        Settings.load(tmp_path / "channel.toml")


def test_addresses_of_sites() -> None:
    assert address("https://a.example/news") == "https://a.example/news/"
    assert address("http://abc.onion/") == "http://abc.onion/"
    for bad in ("", "http://a.example/", "javascript:x", "https://", "https://u@a/", "https://a/?q", "https://a/ b/",
                "https://a:x/", "https://[/", 'https://a/">'):  # fmt: skip
        assert address(bad) == ""
