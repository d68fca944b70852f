"""What users may give in place of a venue's own address."""

from __future__ import annotations

import re

import pytest

from tradewire.transport.address import check_address


@pytest.mark.parametrize(
    "text", [None, "ws://127.0.0.1:9002", "wss://host", "ws://[::1]:80/path", "wss://me:word@host/"]
)
def test_what_passes(text: str | None) -> None:
    check_address("url", text, ("ws", "wss"))


@pytest.mark.parametrize(
    "text",
    ["", "bad", "http://host", "ws://", "ws://host:port", "ws://host:0", "ws://host:99999", "ws://a b", "ws://h?x=1"],
)
def test_what_does_not(text: str) -> None:
    expected = f"url must be ws://host[:port] or wss://host[:port], was {text!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        check_address("url", text, ("ws", "wss"))


def test_passwords_are_not_repeated() -> None:
    with pytest.raises(ValueError, match=re.escape("rest_url must be https://host[:port], was 'http://***@host'")):
        check_address("rest_url", "http://me:word@host", ("https",))
