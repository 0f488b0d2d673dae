"""The announcement for a channel that was left: where it went, for its readers there, in its own language.

Pure. It names the ways to go on reading in the order in which they are given, and the key by which readers know
whatever comes from the new place; it is signed with that key, as everything that comes after it.
"""

import io

import segno
from msgspec import Struct

from angarium.channel.words import line

__all__ = ["LANGUAGES", "Farewell", "picture", "text"]

WORDS = {
    "en": (
        "{title} has moved.",
        "From today on we publish in a place of our own, which nobody but us can close.",
        "In your app: install Delta Chat (get.delta.chat), then scan the picture with it, or open this link:",
        "On the web, without an account:",
        "Copies of it, should that be blocked:",
        "This message is signed. The key of our channel, which signs all that we publish:",
        "The signature is in the file {name}. It is checked with minisign:",
    ),
    "fa": (
        "{title} جابه‌جا شد.",
        "از امروز در جای خودمان منتشر می‌کنیم؛ جایی که جز ما کسی نمی‌تواند آن را ببندد.",
        "در گوشی: Delta Chat را نصب کنید (get.delta.chat)، بعد تصویر را با آن اسکن کنید یا این پیوند را باز کنید:",
        "در وب، بدون نیاز به حساب کاربری:",
        "نسخه‌های دیگر آن، اگر مسدود شد:",
        "این پیام امضا شده است. کلید کانال ما، که هر چه منتشر می‌کنیم با آن امضا می‌شود:",
        "امضا در پروندهٔ {name} است و با minisign بررسی می‌شود:",
    ),
    "ar": (
        "انتقلت {title} إلى مكان آخر.",
        "ننشر من اليوم في مكان نملكه، لا يستطيع أحد غيرنا إغلاقه.",
        "في هاتفك: ثبّت Delta Chat ‏(get.delta.chat)، ثم امسح الصورة به أو افتح هذا الرابط:",
        "على الويب، من دون حساب:",
        "نسخ أخرى منه إن حُجب:",
        "هذه الرسالة موقّعة. مفتاح قناتنا الذي نوقّع به كل ما ننشره:",
        "التوقيع في الملف {name}، ويُتحقّق منه ببرنامج minisign:",
    ),
    "ru": (
        "«{title}» теперь в другом месте.",
        "С сегодняшнего дня мы публикуем на своей площадке, закрыть которую не может никто, кроме нас.",
        "В телефоне: установите Delta Chat (get.delta.chat) и отсканируйте им картинку или откройте эту ссылку:",
        "В браузере, без учётной записи:",
        "Копии на случай, если её заблокируют:",
        "Это сообщение подписано. Ключ нашего канала, которым мы подписываем всё, что публикуем:",
        "Подпись в файле {name}, проверить её можно программой minisign:",
    ),
}
LANGUAGES = tuple(WORDS)
ISOLATE, END = "\u2068", "\u2069"
PIXELS = 1200
"""At least as wide as a picture is that Telegram shows to the edges of a phone."""


class Farewell(Struct, frozen=True, kw_only=True):
    """Where a channel went."""

    title: str
    invitation: str = ""
    """The link that subscribes in the app; empty: there is none."""
    address: str = ""
    """Where the site is read; empty: it has no address of its own."""
    mirrors: tuple[str, ...] = ()
    key: str
    """The public key, as minisign has it, in a line."""

    def __post_init__(self) -> None:
        if not (self.invitation or self.address or self.mirrors):
            raise ValueError("there is nowhere to send readers")


def text(farewell: Farewell, language: str, name: str) -> str:
    """What readers are told.

    Args:
        farewell: where the channel went.
        language: one of `LANGUAGES`.
        name: what the file with the text is called; its signature's name ends in `.minisig`.
    """
    moved, ours, app, web, copies, signed, check = WORDS[language]
    title = f"{ISOLATE}{line(farewell.title)}{END}" if language in ("fa", "ar") else line(farewell.title)
    parts = [moved.format(title=title), ours]
    if farewell.invitation:
        parts.append(f"{app}\n{farewell.invitation}")
    if farewell.address:
        parts.append(f"{web}\n{farewell.address}")
    if farewell.mirrors:
        parts.append("\n".join([copies, *farewell.mirrors]))
    parts.append(f"{signed}\n{farewell.key}")
    parts.append(f"{check.format(name=f'{name}.minisig')}\nminisign -Vm {name} -P {farewell.key}")
    return "\n\n".join(parts) + "\n"


def picture(farewell: Farewell) -> bytes:
    """A PNG with the QR code of the first way to go on reading.

    Raises:
        ValueError: its link is too long for a QR code.
    """
    target = farewell.invitation or farewell.address or farewell.mirrors[0]
    code = segno.make(target, error="m", micro=False)
    side, _ = code.symbol_size(border=4)
    out = io.BytesIO()
    code.save(out, kind="png", border=4, scale=-(-PIXELS // side))
    return out.getvalue()
