"""Packets read and written, with the checksums of a real stack and of a textbook."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.lab.censor.packets import ACK, FIN, SYN, TCP, UDP, checksum, datagram, read, segment
from tests.lab.censor.segments import CLIENT, LINK, SERVER


def test_the_checksum_is_that_of_the_standard() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2


@given(st.binary(max_size=1400))
def test_what_is_written_is_read_and_its_checksums_are_right(payload: bytes) -> None:
    frame = segment(LINK, CLIENT, SERVER, seq=7, ack=9, flags=ACK, payload=payload)
    packet = read(frame)
    assert packet is not None
    assert (packet.protocol, packet.source, packet.target, packet.payload) == (TCP, CLIENT, SERVER, payload)
    assert (packet.seq, packet.ack, packet.flags, packet.end) == (7, 9, ACK, 7 + len(payload))
    ip, rest = frame[14:34], frame[34:]
    assert checksum(ip) == 0
    pseudo = ip[12:20] + b"\0\x06" + len(rest).to_bytes(2, "big")
    assert checksum(pseudo + rest) == 0


def test_a_datagram_is_read() -> None:
    packet = read(datagram(LINK, CLIENT, SERVER, b"hello"))
    assert packet is not None
    assert (packet.protocol, packet.payload) == (UDP, b"hello")


def test_opening_and_ending_take_a_number_each() -> None:
    for flags, end in ((SYN, 0), (FIN | ACK, 0), (ACK, 0xFFFFFFFF)):
        packet = read(segment(LINK, CLIENT, SERVER, seq=0xFFFFFFFF, ack=0, flags=flags))
        assert packet is not None
        assert packet.end == end


@pytest.mark.parametrize("length", range(54))
def test_what_is_not_whole_is_not_read(length: int) -> None:
    assert read(segment(LINK, CLIENT, SERVER, seq=0, ack=0, flags=SYN)[:length]) is None


def test_fragments_and_other_protocols_are_not_read() -> None:
    frame = bytearray(segment(LINK, CLIENT, SERVER, seq=0, ack=0, flags=SYN))
    frame[20] = 0x20  # more fragments
    assert read(bytes(frame)) is None
    frame[20], frame[23] = 0, socket.IPPROTO_ICMP
    assert read(bytes(frame)) is None
    frame[23], frame[12:14] = TCP, b"\x86\xdd"
    assert read(bytes(frame)) is None


@given(st.binary(max_size=200))
def test_noise_is_read_or_not_and_raises_nothing(data: bytes) -> None:
    read(LINK + data)
