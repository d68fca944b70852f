"""What one read gave, on both cores: what makes it more than plain, and that it cannot be changed."""

from __future__ import annotations

from types import ModuleType

import pytest

from frames import PING, PLAN, TEXT, close, frame, trade

READS = {
    "messages": (frame(TEXT, trade(1)) * 3, True),
    "nothing": (b"", True),
    "part of a frame": (frame(TEXT, trade(1))[:-1], True),
    "control frame": (frame(PING), False),
    "close frame": (close(1000), False),
    "refused message": (frame(TEXT, b'{"e":"?"}'), False),
    "no room": (frame(TEXT, trade(1)) * 5, False),
    "protocol error": (b"\xf1\x00", False),
}


@pytest.mark.parametrize("read", READS)
def test_only_messages_are_plain(impl: ModuleType, read: str) -> None:
    data, plain = READS[read]
    assert impl.WireReader(impl.Decoder(PLAN), impl.Ring(4)).feed(data, 1).plain is plain


@pytest.mark.parametrize("name", ["messages", "error_count", "full"])
def test_results_do_not_change(impl: ModuleType, name: str) -> None:
    result = impl.WireReader(impl.Decoder(PLAN), impl.Ring(4)).feed(frame(TEXT, trade(1)), 1)
    with pytest.raises(AttributeError):
        setattr(result, name, 7)
