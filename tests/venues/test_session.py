"""What sessions say to links."""

from __future__ import annotations

import pytest

from tradewire.venues.adapter import AdapterVenue, DataProviderAdapter
from tradewire.venues.binance.session import BinanceSession
from tradewire.venues.session import Reply, StreamSession, framed


def test_a_reply_may_hold_credentials_and_does_not_show_them() -> None:
    assert repr(Reply(b'{"secret":"canary"}')) == "Reply(19 bytes)"


@pytest.mark.parametrize(
    ("session", "message", "expected"),
    [
        (AdapterVenue(DataProviderAdapter()).session(), "\u00e9", (b"\xc3\xa9", False)),
        (AdapterVenue(DataProviderAdapter()).session(), b"\x01", (b"\x01", True)),
        (BinanceSession(), b"{}", (b"{}", False)),
    ],
)
def test_text_is_never_binary_and_bytes_are_where_the_session_says_so(
    session: StreamSession, message: bytes | str, expected: tuple[bytes, bool]
) -> None:
    assert framed(session, message) == expected
