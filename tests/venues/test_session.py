"""What sessions say to links."""

from __future__ import annotations

from tradewire.venues.session import Reply


def test_a_reply_may_hold_credentials_and_does_not_show_them() -> None:
    assert repr(Reply(b'{"secret":"canary"}')) == "Reply(19 bytes)"
