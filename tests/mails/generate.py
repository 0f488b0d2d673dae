"""Writes the mails beside it: `python tests/mails/generate.py`. Each file is named after what it proves.

`encrypted/` must pass the encryption rule, `clear/` must be refused by it, `malformed/` cannot be read without doubt.
`app/` is not written here: two releases of the apps' core sent these, from throwaway profiles.
The OpenPGP messages are real ones, made by Sequoia; the hostile ones are made out of real ones. Keys are thrown away.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

from pysequoia import Cert, Profile, Tsk, encrypt
from pysequoia.packet import PacketPile

HERE = Path(__file__).parent
ME = "alice1234@relay.example"
TAGS = {"Tag.PKESK": 1, "Tag.SKESK": 3, "Tag.SEIP": 18}
TEXT = b"Content-Type: text/plain\r\n\r\nDid you hear the riders of the king? " + b"They carry it on. " * 60
BOUNDARY = "18bd9c1f0a4f2c57_3ec8b1f0d6a94e12_a1b2c3d4e5f60718"


def certificate(profile: Profile) -> Cert:
    return Tsk.generate(ME, profile=profile).extract_certificate()


def sealed(*profiles: Profile, text: bytes = TEXT, passwords: tuple[str, ...] = ()) -> bytes:
    """A real encrypted message, not armoured."""
    return bytes(
        encrypt(text, recipients=[certificate(each) for each in profiles], passwords=[*passwords], armor=False)
    )


def bodies(data: bytes) -> list[tuple[int, bytes]]:
    """A message's packets as (tag, body)."""
    return [(TAGS[str(packet.tag)], bytes(packet.body)) for packet in PacketPile.from_bytes(data)]


def new(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def old(tag: int, body: bytes) -> bytes:
    return bytes([0x80 | tag << 2 | 1]) + len(body).to_bytes(2, "big") + body


def partial(tag: int, body: bytes, power: int = 9) -> bytes:
    """A packet in parts of 2**power octets."""
    size = 1 << power
    out = bytes([0xC0 | tag])
    while len(body) >= size:
        out += bytes([0xE0 | power]) + body[:size]
        body = body[size:]
    return out + bytes([0xFF]) + len(body).to_bytes(4, "big") + body


def crc24(data: bytes) -> bytes:
    crc = 0xB704CE
    for octet in data:
        crc ^= octet << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return (crc & 0xFFFFFF).to_bytes(3, "big")


def armour(data: bytes, *, kind: str = "MESSAGE", headers: tuple[str, ...] = (), crc: bool = True) -> str:
    text = base64.b64encode(data).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    if crc:
        lines.append("=" + base64.b64encode(crc24(data)).decode())
    return "\n".join([f"-----BEGIN PGP {kind}-----", *headers, "", *lines, f"-----END PGP {kind}-----", ""])


def mail(
    content: str,
    *,
    content_type: str = f'multipart/encrypted; protocol="application/pgp-encrypted"; boundary="{BOUNDARY}"',
    extra: str = "",
    sender: str = f"From: <{ME}>",
) -> bytes:
    """A mail with the outer header the app writes; LF in the arguments becomes CRLF."""
    header = (
        f"{sender}\nDate: Tue, 18 Nov 2025 04:12:09 +0000\n"
        "Message-ID: <6f0b2a1e-9b1c-4a64-8a55-0c7fd9a3d0b7@localhost>\n"
        f'To: "hidden-recipients": ;\nSubject: [...]\n{extra}MIME-Version: 1.0\nContent-Type: {content_type}\n\n'
    )
    return (header + content).replace("\r\n", "\n").replace("\n", "\r\n").encode()


VERSION = 'Content-Type: application/pgp-encrypted; charset="utf-8"\nContent-Transfer-Encoding: 7bit\n\nVersion: 1\n'
OCTETS = "Content-Type: application/octet-stream\nContent-Transfer-Encoding: 7bit\n\n"


def mixed(*children: str, boundary: str = BOUNDARY) -> str:
    return "".join(f"--{boundary}\n{child}\n" for child in children) + f"--{boundary}--\n"


def pgp(content: str | bytes, **options: str) -> bytes:
    """A PGP/MIME mail around armour, or around packets to be armoured."""
    text = content if isinstance(content, str) else armour(content)
    return mail(mixed(VERSION, OCTETS + text), **options)


def encrypted() -> Iterator[tuple[str, bytes]]:
    plain = sealed(Profile.RFC4880)
    packets = bodies(plain)
    session, data = packets[0], packets[-1]
    yield "as-the-app-sends-it", pgp(plain)
    yield "version-2-data", pgp(sealed(Profile.RFC9580))
    yield "four-recipients", pgp(sealed(*[Profile.RFC4880] * 4))
    yield "with-a-shared-secret", pgp(sealed(passwords=("a channel's secret",)))
    yield "with-a-key-and-a-secret", pgp(sealed(Profile.RFC4880, passwords=("a channel's secret",)))
    yield "no-session-key", pgp(new(*data))
    yield "old-format-session-key", pgp(old(*session) + new(*data))
    yield "data-in-parts", pgp(new(*session) + partial(*data))
    yield "post-message-of-a-file", pgp(sealed(Profile.RFC4880, text=TEXT * 8), extra="Chat-Is-Post-Message: 1\n")
    yield "no-checksum", pgp(armour(plain, crc=False))
    yield "wrong-checksum", pgp(wrong_checksum(armour(plain)))
    yield "armour-headers", pgp(armour(plain, headers=("Version: 1.2", "Comment: https://pgp.example")))
    yield (
        "preamble-and-epilogue",
        mail(
            "This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\n"
            + mixed(VERSION, OCTETS + armour(plain))
            + "\nsent by a list\n"
        ),
    )
    yield (
        "padding-behind-delimiters",
        mail(f"--{BOUNDARY} \t\n{VERSION}\n--{BOUNDARY}  \n{OCTETS}{armour(plain)}\n--{BOUNDARY}-- \n"),
    )
    yield "nothing-behind-the-last-delimiter", pgp(plain)[:-2]
    yield (
        "types-in-capitals",
        mail(
            mixed(VERSION, OCTETS + armour(plain)).replace("application/", "APPLICATION/"),
            content_type=f"Multipart/Encrypted; Boundary={BOUNDARY}",
        ),
    )
    yield (
        "comments-in-the-type",
        mail(
            mixed(VERSION, OCTETS + armour(plain)),
            content_type=f'multipart/encrypted (PGP/MIME (RFC 3156)); boundary="{BOUNDARY}" (unique)',
        ),
    )
    yield (
        "folded-type-and-names",
        mail(
            mixed(
                "Content-Type: application/pgp-encrypted\nContent-Description: PGP/MIME version identification\n\n"
                "Version: 1\n",
                'Content-Type: application/octet-stream; name="encrypted.asc"\nContent-Description: OpenPGP encrypted '
                'message\nContent-Disposition: inline; filename="encrypted.asc";\n\n' + armour(plain),
            ),
            content_type=f'multipart/encrypted; protocol="application/pgp-encrypted";\n\tboundary="{BOUNDARY}"',
        ),
    )
    base64_armour = base64.encodebytes(armour(plain).encode()).decode()
    yield (
        "base64-around-the-armour",
        mail(
            mixed(VERSION, OCTETS.replace("7bit", "base64") + base64_armour),
        ),
    )
    quoted = armour(plain).replace("=", "=3D")
    yield (
        "quoted-printable-around-the-armour",
        mail(mixed(VERSION, OCTETS.replace("7bit", "quoted-printable") + quoted)),
    )
    for step in ("vc-request", "vg-request"):
        yield (
            f"secure-join-{step}",
            mail(
                mixed(f"Content-Type: text/plain; charset=utf-8\n\nSecure-Join: {step}\n\n"),
                content_type=f'multipart/mixed; boundary="{BOUNDARY}"',
                extra=f"Chat-Version: 1.0\nSecure-Join: {step}\nSecure-Join-Invitenumber: kv5jSg4f5C7\n",
            ),
        )


def wrong_checksum(text: str) -> str:
    lines = text.split("\n")
    lines[-3] = "=AAAA"
    return "\n".join(lines)


def clear() -> Iterator[tuple[str, bytes]]:
    yield from clear_texts()
    yield from clear_packets()
    yield from clear_parts()
    yield from clear_requests()


def clear_texts() -> Iterator[tuple[str, bytes]]:
    plain = "text/plain; charset=utf-8"
    yield "a-text", mail("Hello!\n", content_type=plain)
    yield (
        "a-text-between-armour-lines",
        mail("-----BEGIN PGP MESSAGE-----\nHello!\n-----END PGP MESSAGE-----\n", content_type=plain),
    )
    yield "armour-in-a-text", mail(armour(sealed(Profile.RFC4880)), content_type=plain)
    yield (
        "a-read-receipt-in-clear",
        mail(
            mixed(
                "Content-Type: text/plain\n\nThis is a receipt notification.\n",
                "Content-Type: message/disposition-notification\n\nOriginal-Message-ID: <a@b>\n",
            ),
            content_type=f'multipart/report; report-type=disposition-notification; boundary="{BOUNDARY}"',
        ),
    )
    yield "no-body-at-all", mail("")[:-2]


def clear_packets() -> Iterator[tuple[str, bytes]]:
    real = sealed(Profile.RFC4880)
    session, data = bodies(real)
    literal = b"b\x00" + bytes(4) + b"Hello, this is no ciphertext."
    yield "literal-packet", pgp(new(11, literal))
    yield "literal-packet-behind-a-session-key", pgp(new(*session) + new(11, literal))
    yield "compressed-packet", pgp(new(8, b"\x00" + new(11, literal)))
    yield "packet-behind-the-data", pgp(real + new(11, literal))
    yield "second-data-packet", pgp(real + new(*data))
    yield "session-key-behind-the-data", pgp(new(*data) + new(*session))
    yield "session-key-alone", pgp(new(*session))
    yield "data-without-integrity", pgp(new(*session) + new(9, data[1]))
    yield "data-of-version-3", pgp(new(*session) + new(18, b"\x03" + data[1][1:]))
    yield "data-too-short-to-be-any", pgp(new(*session) + new(18, data[1][:20]))
    yield "data-cut-short", pgp(real[:-1])
    yield "marker-packet-first", pgp(new(10, b"PGP") + real)
    yield "padding-packet-behind", pgp(real + new(21, bytes(32)))
    yield "session-key-in-parts", pgp(partial(1, session[1] * 40) + new(*data))
    yield "session-key-of-open-length", pgp(bytes([0x80 | 1 << 2 | 3]) + session[1] + new(*data))
    yield "first-part-too-small", pgp(new(*session) + partial(*data, power=7))
    yield "a-novel-in-a-session-key", pgp(new(1, b"Once upon a time. " * 2000) + new(*data))
    yield "a-byte-behind-the-data", pgp(real + b"\x00")
    yield "no-packets", pgp(armour(b""))
    yield "text-for-packets", pgp(b"Hello, this is a text that looks like base64.")
    yield "a-public-key", pgp(armour(bytes(certificate(Profile.RFC4880)), kind="PUBLIC KEY BLOCK"))


def clear_parts() -> Iterator[tuple[str, bytes]]:
    real = sealed(Profile.RFC4880)
    good = armour(real)
    lines = good.split("\n")
    yield "two-armours", pgp(good + "\n" + good)
    yield "words-before-the-armour", pgp("Hello!\n" + good)
    yield "words-behind-the-armour", pgp(good + "Hello!\n")
    yield "words-within-the-armour", pgp("\n".join([*lines[:5], "Hello, dear reader!", *lines[5:]]))
    yield "words-in-an-unknown-armour-header", pgp(armour(real, headers=("Hello: dear reader",)))
    yield "armour-without-end", pgp("\n".join(lines[:-2]))
    yield "armour-of-signed-text", pgp("-----BEGIN PGP SIGNED MESSAGE-----\n\nHello!\n" + good)
    yield "no-empty-line-in-the-armour", pgp(good.replace("\n\n", "\n", 1))
    yield (
        "base64-with-words-between",
        mail(
            mixed(
                VERSION,
                OCTETS.replace("7bit", "base64") + "Привет, world!\n" + base64.encodebytes(good.encode()).decode(),
            )
        ),
    )
    yield "unknown-transfer-encoding", mail(mixed(VERSION, OCTETS.replace("7bit", "x-uuencode") + good))
    yield "wrong-version-part", mail(mixed(VERSION.replace("Version: 1", "Version: 1\nHello!"), OCTETS + good))
    yield "version-2-part", mail(mixed(VERSION.replace("Version: 1", "Version: 2"), OCTETS + good))
    yield "one-child", mail(mixed(OCTETS + good))
    yield "three-children", mail(mixed(VERSION, OCTETS + good, "Content-Type: text/plain\n\nHello!\n"))
    yield "children-swapped", mail(mixed(OCTETS + good, VERSION))
    yield "wrong-type-of-second-child", mail(mixed(VERSION, OCTETS.replace("octet-stream", "pdf") + good))
    yield "multipart-mixed", mail(mixed(VERSION, OCTETS + good), content_type=f'multipart/mixed; boundary="{BOUNDARY}"')
    nested = mixed(VERSION, OCTETS + good, boundary="inner")
    yield (
        "encrypted-inside-mixed",
        mail(
            mixed(f'Content-Type: multipart/encrypted; boundary="inner"\n\n{nested}'),
            content_type=f'multipart/mixed; boundary="{BOUNDARY}"',
        ),
    )
    yield (
        "boundary-that-continues",
        mail(
            mixed(VERSION, OCTETS + good + f"\n--{BOUNDARY}x\nContent-Type: text/plain\n\nHello!\n"),
        ),
    )
    yield (
        "delimiter-behind-the-last",
        mail(mixed(VERSION, OCTETS + good) + f"--{BOUNDARY}\nContent-Type: text/plain\n\nHello!\n--{BOUNDARY}--\n"),
    )
    yield "a-letter-in-the-preamble", mail("Hello, dear reader! " * 60 + "\n" + mixed(VERSION, OCTETS + good))
    yield "a-letter-in-the-epilogue", mail(mixed(VERSION, OCTETS + good) + "Hello, dear reader! " * 60 + "\n")
    yield "no-last-delimiter", mail(f"--{BOUNDARY}\n{VERSION}\n--{BOUNDARY}\n{OCTETS}{good}\n")
    yield "no-boundary", pgp(real, content_type='multipart/encrypted; protocol="application/pgp-encrypted"')
    yield "two-boundaries", pgp(real, content_type=f'multipart/encrypted; boundary="{BOUNDARY}"; boundary="other"')
    yield (
        "boundary-also-in-pieces",
        pgp(real, content_type=f'multipart/encrypted; boundary="{BOUNDARY}"; boundary*0="other"'),
    )
    yield "two-content-types", pgp(real, extra="Content-Type: text/plain\n")
    yield "encoded-multipart", pgp(real, extra="Content-Transfer-Encoding: base64\n")
    yield "comment-without-end", pgp(real, content_type=f'multipart/encrypted (; boundary="{BOUNDARY}"')
    yield "child-with-two-types", mail(mixed(VERSION, "Content-Type: text/plain\n" + OCTETS + good))


def clear_requests() -> Iterator[tuple[str, bytes]]:
    def request(
        text: str, header: str = "Secure-Join: vc-request\n", kind: str = "text/plain", more: str = ""
    ) -> bytes:
        children = [f"Content-Type: {kind}\n\n{text}\n", *([more] if more else [])]
        return mail(mixed(*children), content_type=f'multipart/mixed; boundary="{BOUNDARY}"', extra=header)

    yield "secure-join-with-words", request("Secure-Join: vc-request\nHello!")
    yield "secure-join-header-alone", request("Hello!")
    yield "secure-join-body-alone", request("Secure-Join: vc-request", header="")
    yield "secure-join-as-html", request("Secure-Join: vc-request", kind="text/html")
    yield (
        "secure-join-step-not-for-clear",
        request("Secure-Join: vc-request-with-auth", header="Secure-Join: vc-request-with-auth\n"),
    )
    plain = request("Secure-Join: vc-request")
    yield "secure-join-with-a-preamble", plain.replace(b"\r\n\r\n--", b"\r\n\r\nHello!\r\n--", 1)
    yield "secure-join-with-an-epilogue", plain + b"Hello!\r\n"
    yield "secure-join-twice", request("Secure-Join: vc-request", header="Secure-Join: vc-request\n" * 2)
    yield (
        "secure-join-with-an-attachment",
        request("Secure-Join: vc-request", more="Content-Type: image/png\n\nHello!\n"),
    )
    yield (
        "secure-join-not-multipart",
        mail("Secure-Join: vc-request\n", content_type="text/plain", extra="Secure-Join: vc-request\n"),
    )


def malformed() -> Iterator[tuple[str, bytes]]:
    good = pgp(sealed(Profile.RFC4880))
    yield "bare-lf-in-the-body", good.replace(b"Version: 1\r\n", b"Version: 1\n")
    yield "bare-cr-in-the-header", good.replace(b"Subject: [...]", b"Subject: [...]\rBcc: x")
    yield "nul-in-the-header", good.replace(b"[...]", b"[.\0.]")
    yield "nul-in-the-body", good.replace(b"Version: 1", b"Version: 1\0")
    yield "line-without-colon", good.replace(b"MIME-Version: 1.0", b"MIME-Version 1.0")
    yield "space-before-the-colon", good.replace(b"\r\nContent-Type:", b"\r\nContent-Type :", 1)
    yield "mailbox-format-line", b"From alice Tue Nov 18 04:12:09 2025\r\n" + good
    yield "thousands-of-fields", b"X-A: b\r\n" * 5000 + good
    yield "field-of-a-megabyte", b"X-A: " + b"b" * 300_000 + b"\r\n" + good


def main() -> None:
    for folder, mails in (("encrypted", encrypted()), ("clear", clear()), ("malformed", malformed())):
        (HERE / folder).mkdir(exist_ok=True)
        for stale in (HERE / folder).glob("*.eml"):
            stale.unlink()
        for name, content in mails:
            (HERE / folder / f"{name}.eml").write_bytes(content)


if __name__ == "__main__":
    main()
