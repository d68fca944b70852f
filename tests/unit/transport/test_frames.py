"""Outgoing frames, read back by hand."""

from __future__ import annotations

import pytest

from tradewire.transport.frames import close_frame, close_reason, message_frame, ping_frame, pong_frame


def unmask(frame: bytes) -> tuple[int, bytes]:
    assert frame[0] & 0x80, "one frame, not a fragment"
    assert frame[1] & 0x80, "clients mask (RFC 6455 section 5.1)"
    length, at = frame[1] & 0x7F, 2
    if length == 126:
        length, at = int.from_bytes(frame[2:4], "big"), 4
    key, body = frame[at : at + 4], frame[at + 4 :]
    assert len(body) == length
    return frame[0] & 0x0F, bytes(byte ^ key[index % 4] for index, byte in enumerate(body))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 40_000])
def test_text(size: int) -> None:
    assert unmask(message_frame(b"x" * size)) == (1, b"x" * size)


def test_ping_and_pong_keep_the_payload() -> None:
    assert unmask(ping_frame(b"123")) == (9, b"123")
    assert unmask(pong_frame(b"1791382992488")) == (10, b"1791382992488")


def test_close_carries_code_and_reason() -> None:
    opcode, payload = unmask(close_frame(1007, "not UTF-8"))
    assert opcode == 8
    assert close_reason(payload) == (1007, "not UTF-8")


def test_a_long_reason_is_cut_at_a_whole_character() -> None:
    _, payload = unmask(close_frame(1002, "é" * 100))
    assert len(payload) == 2 + 122
    assert close_reason(payload) == (1002, "é" * 61)


@pytest.mark.parametrize(("payload", "expected"), [(b"", (1005, "")), (b"\x03", (1005, "")), (b"\x03\xe8", (1000, ""))])
def test_received_close_payloads(payload: bytes, expected: tuple[int, str]) -> None:
    assert close_reason(payload) == expected
